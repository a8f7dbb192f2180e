// The reads of query-svc that bench/read compares, as one would write them in Go: net/http and pgx with its pool, prepared statements,
// encoding/json. Statements and the parameters that stay the same come from bench/read.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

type settings struct {
	URL        string `json:"url"`
	Cores      int    `json:"cores"`
	Port       int    `json:"go_port"`
	Pool       int32  `json:"go_pool"`
	Session    map[string]string
	Statements map[string]struct {
		SQL        string `json:"sql"`
		Parameters []any
	}
}

type meta struct {
	here       bool
	generation int32
	asOf       time.Time
	parked     *int64
}

type reservation struct {
	ID        pgtype.UUID `json:"id"`
	RoomID    int64       `json:"room_id"`
	RoomName  *string     `json:"room_name"`
	Location  *string     `json:"room_location"`
	UserID    string      `json:"user_id"`
	Title     *string     `json:"title"`
	StartsAt  time.Time   `json:"starts_at"`
	EndsAt    time.Time   `json:"ends_at"`
	State     string      `json:"state"`
	Version   int32       `json:"version"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

type rank struct {
	RoomID       int64   `json:"room_id"`
	RoomName     *string `json:"room_name"`
	Rank         int64   `json:"rank"`
	Reservations int64   `json:"reservations"`
	Minutes      int64   `json:"reserved_minutes"`
	Utilization  float64 `json:"utilization"`
}

type gap struct {
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
	Minutes  int64     `json:"minutes"`
}

type list[T any] struct {
	AsOf  time.Time `json:"as_of"`
	Items []T       `json:"items"`
	Next  *string   `json:"next_cursor"`
}

type cell struct {
	Weekday      int   `json:"weekday"`
	Hour         int   `json:"hour"`
	Reservations int64 `json:"reservations"`
	Minutes      int64 `json:"reserved_minutes"`
}

type busyHours struct {
	AsOf    time.Time `json:"as_of"`
	TZ      string    `json:"tz"`
	Cells   []cell    `json:"cells"`
	Weekday int       `json:"busiest_weekday"`
	Hour    int       `json:"busiest_hour"`
}

type server struct {
	settings settings
	pool     *pgxpool.Pool
}

// ask runs the statement `name` with its n-th parameter (from 0) set.
func (s *server) ask(r *http.Request, name string, n int, value any) (pgx.Rows, error) {
	statement := s.settings.Statements[name]
	parameters := append([]any(nil), statement.Parameters...)
	parameters[n] = value
	return s.pool.Query(r.Context(), statement.SQL, parameters...)
}

func reply(w http.ResponseWriter, asOf time.Time, answer any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Projection-As-Of", asOf.Format(time.RFC3339Nano))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func scanReservation(rows pgx.Rows, m *meta, more ...any) (reservation, error) {
	var v reservation
	to := append([]any{&m.here, &m.generation, &m.asOf, &m.parked, &v.ID, &v.RoomID, &v.RoomName, &v.Location, &v.UserID, &v.Title, &v.StartsAt,
		&v.EndsAt, &v.State, &v.Version, &v.CreatedAt, &v.UpdatedAt}, more...)
	err := rows.Scan(to...)
	return v, err
}

func (s *server) getReservation(w http.ResponseWriter, r *http.Request) {
	var m meta
	var v reservation
	var sameRoom *bool
	rows, err := s.ask(r, "reservation_get", 0, r.PathValue("id"))
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			v, err = scanReservation(rows, &m, &sameRoom)
		}
	}
	w.Header().Set("ETag", fmt.Sprintf("%q", strconv.Itoa(int(v.Version))))
	reply(w, m.asOf, v, err)
}

func (s *server) listReservations(w http.ResponseWriter, r *http.Request) {
	var m meta
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	answer := list[reservation]{Items: make([]reservation, 0, limit+1)}
	rows, err := s.ask(r, "user_reservations", 0, r.PathValue("id"))
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			var v reservation
			v, err = scanReservation(rows, &m)
			answer.Items = append(answer.Items, v)
		}
	}
	if len(answer.Items) > limit {
		answer.Items = answer.Items[:limit]
		last := answer.Items[limit-1]
		cursor := base64.RawURLEncoding.EncodeToString(append([]byte(last.StartsAt.Format(time.RFC3339)), last.ID.Bytes[:]...))
		answer.Next = &cursor
	}
	answer.AsOf = m.asOf
	reply(w, m.asOf, answer, err)
}

func (s *server) popular(w http.ResponseWriter, r *http.Request) {
	var m meta
	var value int64
	answer := list[rank]{Items: make([]rank, 0, 51)}
	from, _ := time.Parse("2006-01-02T15:04Z07:00", r.URL.Query().Get("from"))
	to, _ := time.Parse("2006-01-02T15:04Z07:00", r.URL.Query().Get("to"))
	rows, err := s.ask(r, "rooms_popular_reservations", 12, nil)
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			var v rank
			err = rows.Scan(&m.here, &m.generation, &m.asOf, &m.parked, &v.RoomID, &v.RoomName, &v.Rank, &v.Reservations, &v.Minutes, &value)
			v.Utilization = float64(v.Minutes) / to.Sub(from).Minutes()
			answer.Items = append(answer.Items, v)
		}
	}
	if len(answer.Items) > 50 {
		answer.Items = answer.Items[:50]
		cursor := strconv.FormatInt(answer.Items[49].RoomID, 10)
		answer.Next = &cursor
	}
	answer.AsOf = m.asOf
	reply(w, m.asOf, answer, err)
}

func (s *server) free(w http.ResponseWriter, r *http.Request) {
	var m meta
	var room int64
	answer := list[gap]{Items: make([]gap, 0, 51)}
	rows, err := s.ask(r, "room_free", 0, r.PathValue("id"))
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			var v gap
			err = rows.Scan(&m.here, &m.generation, &m.asOf, &m.parked, &v.StartsAt, &v.EndsAt, &v.Minutes, &room)
			answer.Items = append(answer.Items, v)
		}
	}
	if len(answer.Items) > 50 {
		answer.Items = answer.Items[:50]
		cursor := answer.Items[49].EndsAt.Format(time.RFC3339)
		answer.Next = &cursor
	}
	answer.AsOf = m.asOf
	reply(w, m.asOf, answer, err)
}

func (s *server) busyHours(w http.ResponseWriter, r *http.Request) {
	const format = "2006-01-02T15:04Z07:00"
	var m meta
	from, _ := time.Parse(format, r.URL.Query().Get("from"))
	to, _ := time.Parse(format, r.URL.Query().Get("to"))
	answer := busyHours{TZ: r.URL.Query().Get("tz"), Cells: make([]cell, 168)}
	for i := range answer.Cells {
		answer.Cells[i].Weekday, answer.Cells[i].Hour = i/24+1, i%24
	}
	rows, err := s.ask(r, "busy_hours", 2, answer.TZ)
	if err == nil {
		defer rows.Close()
		for err == nil && rows.Next() {
			var day int32
			var begin int64
			var starts, minutes []int32
			var locals []int64
			err = rows.Scan(&m.here, &m.generation, &m.asOf, &m.parked, &day, &starts, &minutes, &begin, &locals)
			lo, hi := (from.Unix()-int64(day)*86400)/900, (to.Unix()-int64(day)*86400)/900
			for q := max(0, lo); err == nil && q < min(96, hi); q++ {
				local := begin + q*900
				if locals != nil {
					local = locals[q]
				}
				c := &answer.Cells[(local/86400+3)%7*24+local%86400/3600]
				c.Reservations += int64(starts[q])
				c.Minutes += int64(minutes[q])
			}
		}
	}
	var weekdays [7]int64
	var hours [24]int64
	for _, c := range answer.Cells {
		weekdays[c.Weekday-1] += c.Reservations
		hours[c.Hour] += c.Reservations
	}
	answer.Weekday, answer.Hour = largest(weekdays[:])+1, largest(hours[:])
	answer.AsOf = m.asOf
	reply(w, m.asOf, answer, err)
}

func largest(sums []int64) int {
	best := 0
	for i, sum := range sums {
		if sum > sums[best] {
			best = i
		}
	}
	return best
}

func main() {
	var s server
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(text, &s.settings); err != nil {
		log.Fatal(err)
	}
	runtime.GOMAXPROCS(s.settings.Cores)
	config, err := pgxpool.ParseConfig(s.settings.URL)
	if err != nil {
		log.Fatal(err)
	}
	config.MinConns, config.MaxConns = s.settings.Pool, s.settings.Pool
	for name, value := range s.settings.Session {
		config.ConnConfig.RuntimeParams[name] = value
	}
	if s.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /v1/reservations/{id}", s.getReservation)
	http.HandleFunc("GET /v1/users/{id}/reservations", s.listReservations)
	http.HandleFunc("GET /v1/rooms/popular", s.popular)
	http.HandleFunc("GET /v1/rooms/{id}/free", s.free)
	http.HandleFunc("GET /v1/statistics/busy-hours", s.busyHours)
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", s.settings.Port), nil))
}
