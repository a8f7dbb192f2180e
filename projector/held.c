#include "held.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

struct held {
    struct store *store;
    int32_t generation;
};

static const struct statement sql_patient = {NULL, "SET idle_in_transaction_session_timeout = 0"};
static const struct statement sql_begin = {NULL, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"};
static const struct statement sql_commit = {NULL, "COMMIT"};
static const struct statement sql_position = {
    "held_position",
    "SELECT p.next_offset FROM projection.position p JOIN projection.generation g USING (generation)"
    " WHERE p.generation = $1::integer AND g.state <> 'retired'"};
static const struct statement sql_events = {
    "held_events", "SELECT " HELD_EVENT " FROM reservation_history WHERE reservation_id >= $1::uuid"
                   " ORDER BY reservation_id, version LIMIT $2::bigint"};
static const struct statement sql_states = {
    "held_states", "SELECT id, version, room_id, user_id, title, starts_at, ends_at, state, updated_at,"
                   "       created_at, deleted, room_name, room_location"
                   " FROM reservation WHERE id >= $1::uuid AND id <= $2::uuid ORDER BY id LIMIT $3::bigint"};
static const struct statement sql_rooms = {"held_rooms", "SELECT " HELD_ROOM " FROM room ORDER BY id"};
static const struct statement sql_room = {"held_room",
                                          "SELECT " HELD_ROOM " FROM room WHERE id = $1::bigint"};
/* Null where the last number is not that of the last quarter-hour, which with a checksum of as many numbers
 * makes the first one the first. */
#define CHECKSUM(column)                                                                                     \
    "CASE WHEN array_ndims(" column ") = 1 AND array_upper(" column ", 1) = 96"                              \
    " THEN hash_array_extended(" column ", 0) END"
#define SUMS "reservations, reserved_minutes, " CHECKSUM("starts") ", " CHECKSUM("minutes")
static const struct statement sql_room_sums = {
    "held_room_sums", "SELECT room_id, day, " SUMS " FROM room_day"
                      " WHERE (day, room_id) > ($1::date, $2::bigint) ORDER BY day, room_id LIMIT 2000"};
static const struct statement sql_total_sums = {
    "held_total_sums", "SELECT 0::bigint, day, " SUMS " FROM total_day"
                       " WHERE (day, 0::bigint) > ($1::date, $2::bigint) ORDER BY day LIMIT 2000"};
static const struct statement sql_room_days = {
    "held_room_days", "SELECT d.room_id, d.day, d.reservations, d.reserved_minutes, d.starts, d.minutes"
                      " FROM unnest($1::bigint[], $2::date[]) WITH ORDINALITY AS k(room_id, day, i)"
                      " JOIN room_day d ON d.day = k.day AND d.room_id = k.room_id ORDER BY k.i"};
static const struct statement sql_total_days = {
    "held_total_days", "SELECT k.room_id, d.day, d.reservations, d.reserved_minutes, d.starts, d.minutes"
                       " FROM unnest($1::bigint[], $2::date[]) WITH ORDINALITY AS k(room_id, day, i)"
                       " JOIN total_day d ON d.day = k.day ORDER BY k.i"};
static const struct statement sql_months = {
    "held_months", "SELECT room_id, month, reservations, reserved_minutes FROM room_month"
                   " WHERE month >= $1::date AND month < $2::date ORDER BY month, room_id"};
static const struct statement *const statements[] = {
    &sql_position,  &sql_events,     &sql_states,    &sql_rooms,      &sql_room,
    &sql_room_sums, &sql_total_sums, &sql_room_days, &sql_total_days, &sql_months};

int held_open(const struct store_conf *conf, int32_t generation, struct held **ret, struct failure *f)
{
    char schema[16];
    struct held *h = calloc(1, sizeof(*h));

    if (!h)
        return fail(f, FAIL_POSTGRES, "out of memory");
    h->generation = generation;
    snprintf(schema, sizeof(schema), "g%d", generation);
    if (store_open(conf, &h->store, f) == 0) {
        store_use_schema(h->store, schema);
        store_add(h->store, &sql_patient, NULL); /* while the truth is read */
        if (store_prepare(h->store, statements, RR_LEN(statements), f) == 0) {
            store_clear(h->store);
            *ret = h;
            return 0;
        }
    }
    held_close(h);
    return -1;
}

void held_close(struct held *h)
{
    if (!h)
        return;
    store_close(h->store);
    free(h);
}

int held_position(struct held *h, int64_t *ret_next_offset, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    params_int4(&p, h->generation);
    if (store_ask(h->store, &sql_position, &p, &res, f) != 0)
        return -1;
    if (PQntuples(res) == 0)
        return fail(f, FAIL_MOVED, "generation %d has retired", h->generation);
    *ret_next_offset = store_int8(res, 0, 0);
    return 0;
}

int held_snapshot(struct held *h, struct failure *f)
{
    const PGresult *res;

    return store_ask(h->store, &sql_begin, NULL, &res, f); /* its first statement decides what it sees */
}

int held_release(struct held *h, struct failure *f)
{
    const PGresult *res;

    return store_ask(h->store, &sql_commit, NULL, &res, f);
}

int held_exempt(struct held *h, struct exempt *ret, struct failure *f)
{
    store_clear(h->store);
    return exempt_load(h->store, h->generation, ret, f);
}

/* ---- rows ---- */

static struct text keep(struct arena *arena, struct text t)
{
    return t.s ? (struct text){.s = arena_copy(arena, t.s, t.n), .n = t.n} : t;
}

static void *rows_of(struct arena *arena, const PGresult *res, size_t size)
{
    size_t bytes = (size_t)PQntuples(res) * size;

    return memset(arena_alloc(arena, bytes + 1), 0, bytes);
}

/* -1: none of the words. */
static int choice(const PGresult *res, int row, int column, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(PQgetvalue(res, row, column), choices[i]) == 0)
            return i;
    return -1;
}

static void take_state(const PGresult *res, int row, struct arena *arena, struct reservation *r)
{
    memcpy(r->id.b, PQgetvalue(res, row, 0), sizeof(r->id.b));
    r->version = store_int4(res, row, 1);
    r->room_id = store_int8(res, row, 2);
    r->user_id = keep(arena, store_text(res, row, 3));
    r->title = keep(arena, store_text(res, row, 4));
    r->starts_at = store_time(res, row, 5);
    r->ends_at = store_time(res, row, 6);
    r->state = choice(res, row, 7, reservation_state_names);
    r->updated_at = store_time(res, row, 8);
}

void held_take_events(const PGresult *res, struct arena *arena, struct held_rows *ret)
{
    ret->n_events = (size_t)PQntuples(res);
    ret->events = rows_of(arena, res, sizeof(*ret->events));
    ret->changes = rows_of(arena, res, sizeof(*ret->changes));
    for (int i = 0; i < PQntuples(res); i++) {
        struct event *e = &ret->events[i];

        take_state(res, i, arena, &e->after);
        e->kind = choice(res, i, 9, event_kind_names);
        e->after.deleted = e->kind == KIND_DELETED;
        e->recorded_by = keep(arena, store_text(res, i, 10));
        e->reason = keep(arena, store_text(res, i, 11));
        e->trace_id = keep(arena, store_text(res, i, 12));
        ret->changes[i] = keep(arena, store_text(res, i, 13));
    }
}

static void take_states(const PGresult *res, struct arena *arena, struct held_rows *ret)
{
    ret->n_states = (size_t)PQntuples(res);
    ret->states = rows_of(arena, res, sizeof(*ret->states));
    for (int i = 0; i < PQntuples(res); i++) {
        struct held_state *s = &ret->states[i];

        take_state(res, i, arena, &s->reservation);
        s->reservation.created_at = store_time(res, i, 9);
        s->reservation.deleted = store_bool(res, i, 10);
        s->room_name = keep(arena, store_text(res, i, 11));
        s->room_location = keep(arena, store_text(res, i, 12));
    }
}

static void params_id(struct params *p, const struct rr_uuid *id)
{
    params_bytes(p, id->b, sizeof(id->b));
}

static int read_events(struct held *h, struct id_range *range, size_t n, struct arena *arena,
                       struct held_rows *ret, struct failure *f)
{
    for (;; n *= 2) {
        struct params p = {.n = 0};
        const PGresult *res;

        params_id(&p, &range->from);
        params_int8(&p, (int64_t)n);
        if (store_ask(h->store, &sql_events, &p, &res, f) != 0)
            return -1;
        held_take_events(res, arena, ret);
        ret->n_events = id_range_of_events(range, ret->events, (size_t)PQntuples(res), n);
        if (ret->n_events > 0 || (size_t)PQntuples(res) < n)
            return 0;
    }
}

int held_page(struct held *h, struct id_range *range, size_t n, struct arena *arena, struct held_rows *ret,
              struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    if (read_events(h, range, n, arena, ret, f) != 0)
        return -1;
    params_id(&p, &range->from);
    params_id(&p, &range->upto);
    params_int8(&p, (int64_t)n);
    if (store_ask(h->store, &sql_states, &p, &res, f) != 0)
        return -1;
    take_states(res, arena, ret);
    if (ret->n_states > 0)
        id_range_of_rows(range, &ret->states[ret->n_states - 1].reservation.id, ret->n_states, n, ret->events,
                         &ret->n_events);
    return 0;
}

void held_take_room(const PGresult *res, int row, struct arena *arena, struct room *r)
{
    *r = (struct room){.id = store_int8(res, row, 0),
                       .version = store_int4(res, row, 1),
                       .name = keep(arena, store_text(res, row, 2)),
                       .location = keep(arena, store_text(res, row, 3)),
                       .capacity = store_int4(res, row, 4),
                       .active = store_bool(res, row, 5),
                       .created_at = store_time(res, row, 6),
                       .updated_at = store_time(res, row, 7)};
}

int held_rooms(struct held *h, struct arena *arena, struct truth_rooms *ret, struct failure *f)
{
    const PGresult *res;

    if (store_ask(h->store, &sql_rooms, NULL, &res, f) != 0)
        return -1;
    ret->n = (size_t)PQntuples(res);
    ret->rooms = rows_of(arena, res, sizeof(*ret->rooms));
    for (size_t i = 0; i < ret->n; i++)
        held_take_room(res, (int)i, arena, &ret->rooms[i]);
    return 0;
}

int held_room(struct held *h, int64_t id, struct arena *arena, struct room *ret, bool *ret_found,
              struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    params_int8(&p, id);
    if (store_ask(h->store, &sql_room, &p, &res, f) != 0)
        return -1;
    *ret_found = PQntuples(res) > 0;
    if (*ret_found)
        held_take_room(res, 0, arena, ret);
    return 0;
}

/* ---- buckets ---- */

static void take_key(const PGresult *res, int row, int64_t *room_id, int64_t *day)
{
    *room_id = store_int8(res, row, 0);
    *day = (int64_t)store_int4(res, row, 1) + PG_EPOCH_DAYS;
}

static void take_sums(const PGresult *res, int row, struct held_sums *s)
{
    take_key(res, row, &s->room_id, &s->day);
    s->reservations = store_int4(res, row, 2);
    s->reserved_minutes = store_int4(res, row, 3);
    s->known = !PQgetisnull(res, row, 4) && !PQgetisnull(res, row, 5);
    if (s->known) {
        s->starts = (uint64_t)store_int8(res, row, 4);
        s->minutes = (uint64_t)store_int8(res, row, 5);
    }
}

int held_sums(struct held *h, bool all_rooms, int64_t *day, int64_t *room_id, struct arena *arena,
              struct held_sums_page *ret, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    params_int4(&p, (int32_t)(*day - PG_EPOCH_DAYS));
    params_int8(&p, *room_id);
    if (store_ask(h->store, all_rooms ? &sql_total_sums : &sql_room_sums, &p, &res, f) != 0)
        return -1;
    ret->n = (size_t)PQntuples(res);
    ret->days = rows_of(arena, res, sizeof(*ret->days));
    for (size_t i = 0; i < ret->n; i++)
        take_sums(res, (int)i, &ret->days[i]);
    if (ret->n) {
        *day = ret->days[ret->n - 1].day;
        *room_id = ret->days[ret->n - 1].room_id;
    }
    return 0;
}

static void take_day(const PGresult *res, int row, bool all_rooms, struct held_day *d)
{
    bool (*read)(const char *, size_t, int32_t *, size_t) = all_rooms ? pgarray_read_int4 : pgarray_read_int2;

    take_key(res, row, &d->room_id, &d->day);
    d->reservations = store_int4(res, row, 2);
    d->reserved_minutes = store_int4(res, row, 3);
    d->broken = !read(PQgetvalue(res, row, 4), (size_t)PQgetlength(res, row, 4), d->starts, QUARTERS) ||
                !read(PQgetvalue(res, row, 5), (size_t)PQgetlength(res, row, 5), d->minutes, QUARTERS);
}
int held_days(struct held *h, bool all_rooms, const struct held_sums *const *keys, size_t n,
              struct arena *arena, struct held_day **ret, struct failure *f)
{
    struct pgarray rooms = {.n = 0}, days = {.n = 0};
    struct params p = {.n = 0};
    const PGresult *res;
    int end;

    pgarray_begin(&rooms, PG_INT8);
    pgarray_begin(&days, PG_DATE);
    for (size_t i = 0; i < n; i++) {
        pgarray_int8(&rooms, keys[i]->room_id);
        pgarray_date(&days, keys[i]->day);
    }
    params_array(&p, &rooms);
    params_array(&p, &days);
    end = store_ask(h->store, all_rooms ? &sql_total_days : &sql_room_days, &p, &res, f);
    pgarray_fini(&rooms);
    pgarray_fini(&days);
    if (end != 0)
        return -1;
    if ((size_t)PQntuples(res) != n)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: days went away inside a snapshot");
    *ret = rows_of(arena, res, sizeof(**ret));
    for (size_t i = 0; i < n; i++)
        take_day(res, (int)i, all_rooms, &(*ret)[i]);
    return 0;
}

int held_months(struct held *h, int64_t from, int64_t before, struct arena *arena, struct held_months *ret,
                struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    params_int4(&p, (int32_t)(from - PG_EPOCH_DAYS));
    params_int4(&p, (int32_t)(before - PG_EPOCH_DAYS));
    if (store_ask(h->store, &sql_months, &p, &res, f) != 0)
        return -1;
    ret->n = (size_t)PQntuples(res);
    ret->months = rows_of(arena, res, sizeof(*ret->months));
    for (int i = 0; i < PQntuples(res); i++)
        ret->months[i] = (struct held_month){.room_id = store_int8(res, i, 0),
                                             .month = (int64_t)store_int4(res, i, 1) + PG_EPOCH_DAYS,
                                             .reservations = store_int4(res, i, 2),
                                             .reserved_minutes = store_int4(res, i, 3)};
    return 0;
}

bool held_is_possible(const struct reservation *r)
{
    return r->starts_at >= RR_TIME_MIN && r->ends_at <= RR_TIME_MAX && r->ends_at > r->starts_at &&
           r->ends_at - r->starts_at <= 31 * RR_US_PER_DAY;
}
