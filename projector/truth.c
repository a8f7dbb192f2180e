#include "truth.h"
#include "mysql_snapshot.h"

#include <string.h>
#include <time.h>

#define UTF8_MAX     4
#define NAME_MAX_    (200 * UTF8_MAX + 1) /* name, location, title */
#define USER_MAX     (128 * UTF8_MAX + 1)
#define BY_MAX       (288 * UTF8_MAX + 1)
#define REASON_MAX   (500 * UTF8_MAX + 1)
#define TRACE_MAX    (32 * UTF8_MAX + 1)
#define ENUM_MAX     65
#define IDS          16   /* a statement */
#define SETTLE_TRIES 1000 /* of truth_wait(): ten pulses */
#define TIMED_OUT    3024 /* MySQL's ER_QUERY_TIMEOUT, for which MariaDB's client has no name */

struct truth {
    struct rr_mysql *snapshot, *now;
};

/* One row as it comes from the client, before it goes to the arena. */
struct raw {
    uint8_t id[16];
    uint64_t version, room_id, capacity, active;
    int64_t starts_at, ends_at, created_at, updated_at;
    char name[NAME_MAX_], location[NAME_MAX_], user_id[USER_MAX], recorded_by[BY_MAX], reason[REASON_MAX];
    char trace_id[TRACE_MAX], state[ENUM_MAX], kind[ENUM_MAX];
    size_t n_name, n_location, n_user_id, n_recorded_by, n_reason, n_trace_id;
    bool no_name, no_location, no_reason, no_trace_id;
};

struct reading {
    struct raw raw;
    struct arena *arena;
    void *rows;
    size_t n, cap, size;
    const char *unknown; /* a word that is none of ours */
};

/* ---- failures ---- */

static int failed(const struct rr_mysql *db, struct failure *f)
{
    return fail(f, FAIL_MYSQL, "MySQL: %s", rr_mysql_message(db));
}

static int ended(const struct rr_mysql *db, enum rr_db end, const struct reading *r, struct failure *f)
{
    if (end == RR_DB_FATAL || end == RR_DB_RETRY)
        return failed(db, f);
    return r->unknown ? fail(f, FAIL_MYSQL, "MySQL: \"%s\" is not known here", r->unknown) : 0;
}

/* ---- rows ---- */

/* Of n rows, at first. */
static struct reading reading_of(struct arena *arena, size_t size, size_t n)
{
    return (struct reading){.arena = arena, .size = size, .rows = arena_alloc(arena, n * size), .cap = n};
}

static void *next_row(struct reading *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        char *rows = arena_alloc(r->arena, cap * r->size);

        if (r->n)
            memcpy(rows, r->rows, r->n * r->size);
        r->rows = rows;
        r->cap = cap;
    }
    return memset((char *)r->rows + r->n++ * r->size, 0, r->size);
}

static struct text keep(struct reading *r, const char *s, size_t n, bool null)
{
    return null ? (struct text){.s = NULL} : (struct text){.s = arena_copy(r->arena, s, n), .n = n};
}

static int choice(struct reading *r, const char *word, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(word, choices[i]) == 0)
            return i;
    r->unknown = arena_copy(r->arena, word, strlen(word));
    return 0;
}

static void take_state(struct reading *r, struct reservation *v)
{
    const struct raw *w = &r->raw;

    memcpy(v->id.b, w->id, sizeof(v->id.b));
    v->version = (int64_t)w->version;
    v->room_id = (int64_t)w->room_id;
    v->user_id = keep(r, w->user_id, w->n_user_id, false);
    v->title = keep(r, w->name, w->n_name, w->no_name);
    v->starts_at = w->starts_at;
    v->ends_at = w->ends_at;
    v->state = choice(r, w->state, reservation_state_names);
    v->created_at = w->created_at;
    v->updated_at = w->updated_at;
}

static bool take_reservation(void *arg)
{
    take_state(arg, next_row(arg));
    return true;
}

static bool take_event(void *arg)
{
    struct reading *r = arg;
    struct event *e = next_row(r);

    take_state(r, &e->after);
    e->kind = choice(r, r->raw.kind, event_kind_names);
    e->after.deleted = e->kind == KIND_DELETED;
    e->recorded_by = keep(r, r->raw.recorded_by, r->raw.n_recorded_by, false);
    e->reason = keep(r, r->raw.reason, r->raw.n_reason, r->raw.no_reason);
    e->trace_id = keep(r, r->raw.trace_id, r->raw.n_trace_id, r->raw.no_trace_id);
    return true;
}

static bool take_room(void *arg)
{
    struct reading *r = arg;
    const struct raw *w = &r->raw;

    *(struct room *)next_row(r) =
        (struct room){.id = (int64_t)w->room_id,
                      .version = (int64_t)w->version,
                      .capacity = (int64_t)w->capacity,
                      .created_at = w->created_at,
                      .updated_at = w->updated_at,
                      .name = keep(r, w->name, w->n_name, false),
                      .location = keep(r, w->location, w->n_location, w->no_location),
                      .active = w->active != 0};
    return true;
}

#define OUT_INT(m)                                                                                           \
    {                                                                                                        \
        .type = RR_SQL_UINT, .p = &w->m                                                                      \
    }
#define OUT_TIME(m)                                                                                          \
    {                                                                                                        \
        .type = RR_SQL_TIME, .p = &w->m                                                                      \
    }
#define OUT_TEXT(m)                                                                                          \
    {                                                                                                        \
        .type = RR_SQL_TEXT, .p = w->m, .cap = sizeof(w->m), .ret_len = &w->n_##m                            \
    }
#define OUT_TEXT_OR_NULL(m)                                                                                  \
    {                                                                                                        \
        .type = RR_SQL_TEXT, .p = w->m, .cap = sizeof(w->m), .ret_len = &w->n_##m, .ret_null = &w->no_##m    \
    }
#define OUT_WORD(m)                                                                                          \
    {                                                                                                        \
        .type = RR_SQL_TEXT, .p = w->m, .cap = sizeof(w->m)                                                  \
    }
#define OUT_ID                                                                                               \
    {                                                                                                        \
        .type = RR_SQL_BYTES, .p = w->id, .cap = sizeof(w->id)                                               \
    }

#define STATE "version, room_id, user_id, title, starts_at, ends_at, state, created_at"
#define EVENT                                                                                                \
    "SELECT reservation_id, " STATE ", recorded_at, kind, recorded_by, reason, trace_id"                     \
    " FROM reservation_event"

static enum rr_db each_event(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                             struct reading *r)
{
    struct raw *w = &r->raw;
    const struct rr_sql_out out[] = {
        OUT_ID,
        OUT_INT(version),
        OUT_INT(room_id),
        OUT_TEXT(user_id),
        OUT_TEXT_OR_NULL(name),
        OUT_TIME(starts_at),
        OUT_TIME(ends_at),
        OUT_WORD(state),
        OUT_TIME(created_at),
        OUT_TIME(updated_at),
        OUT_WORD(kind),
        OUT_TEXT(recorded_by),
        OUT_TEXT_OR_NULL(reason),
        OUT_TEXT_OR_NULL(trace_id),
    };

    return rr_mysql_each(db, sql, in, n_in, out, RR_LEN(out), take_event, r);
}

static enum rr_db each_reservation(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in,
                                   size_t n_in, struct reading *r)
{
    struct raw *w = &r->raw;
    const struct rr_sql_out out[] = {
        OUT_ID,
        OUT_INT(version),
        OUT_INT(room_id),
        OUT_TEXT(user_id),
        OUT_TEXT_OR_NULL(name),
        OUT_TIME(starts_at),
        OUT_TIME(ends_at),
        OUT_WORD(state),
        OUT_TIME(created_at),
        OUT_TIME(updated_at),
    };

    return rr_mysql_each(db, sql, in, n_in, out, RR_LEN(out), take_reservation, r);
}

static enum rr_db each_room(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                            struct reading *r)
{
    struct raw *w = &r->raw;
    const struct rr_sql_out out[] = {
        OUT_INT(room_id),  OUT_INT(version), OUT_TEXT(name),       OUT_TEXT_OR_NULL(location),
        OUT_INT(capacity), OUT_INT(active),  OUT_TIME(created_at), OUT_TIME(updated_at),
    };

    return rr_mysql_each(db, sql, in, n_in, out, RR_LEN(out), take_room, r);
}

/* ---- the snapshot ---- */

int truth_open(const struct rr_mysql_conf *conf, struct truth **ret, struct failure *f)
{
    struct truth *t = calloc(1, sizeof(*t));

    if (!t)
        return fail(f, FAIL_MYSQL, "MySQL: out of memory");
    if (rr_mysql_new(conf, &t->snapshot) != RR_OK || rr_mysql_new(conf, &t->now) != RR_OK) {
        truth_close(t);
        return fail(f, FAIL_MYSQL, "MySQL at %s:%u cannot be reached", conf->host, conf->port);
    }
    *ret = t;
    return 0;
}

void truth_close(struct truth *t)
{
    if (!t)
        return;
    if (t->snapshot)
        truth_release(t);
    rr_mysql_free(t->snapshot);
    rr_mysql_free(t->now);
    free(t);
}

static int read_clock(struct rr_mysql *db, int64_t *ret, struct failure *f)
{
    const struct rr_sql_out out = {.type = RR_SQL_TIME, .p = ret};
    enum rr_db end = rr_mysql_exec(db, "SELECT UTC_TIMESTAMP(6)", NULL, 0, &out, 1);

    return end == RR_DB_ONE ? 0 : failed(db, f);
}

int truth_snapshot(struct truth *t, int64_t *ret_now, struct failure *f)
{
    truth_release(t);
    if (rr_mysql_snapshot_begin(t->snapshot) != RR_OK)
        return failed(t->snapshot, f);
    return read_clock(t->snapshot, ret_now, f);
}

int truth_now(struct truth *t, int64_t *ret, struct failure *f)
{
    return read_clock(t->now, ret, f);
}

void truth_release(struct truth *t)
{
    rr_mysql_snapshot_end(t->snapshot);
}

static int read_events(struct truth *t, struct id_range *range, size_t n, struct arena *arena,
                       struct truth_rows *ret, struct failure *f)
{
    static const char sql[] = EVENT " WHERE reservation_id >= ? ORDER BY reservation_id, version LIMIT ?";

    for (;; n *= 2) {
        const struct rr_sql_in in[] = {RR_IN_BYTES(range->from.b, sizeof(range->from.b)), RR_IN_UINT(n)};
        struct reading events = reading_of(arena, sizeof(struct event), n);

        if (ended(t->snapshot, each_event(t->snapshot, sql, in, RR_LEN(in), &events), &events, f) != 0)
            return -1;
        ret->events = events.rows;
        ret->n_events = id_range_of_events(range, events.rows, events.n, n);
        if (ret->n_events > 0 || events.n < n)
            return 0;
    }
}

int truth_page(struct truth *t, struct id_range *range, size_t n, struct arena *arena, struct truth_rows *ret,
               struct failure *f)
{
    static const char sql[] = "SELECT id, " STATE ", updated_at FROM reservation"
                              " WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?";
    struct reading rows = reading_of(arena, sizeof(struct reservation), n);

    if (read_events(t, range, n, arena, ret, f) != 0)
        return -1;
    const struct rr_sql_in in[] = {RR_IN_BYTES(range->from.b, sizeof(range->from.b)),
                                   RR_IN_BYTES(range->upto.b, sizeof(range->upto.b)), RR_IN_UINT(n)};
    if (ended(t->snapshot, each_reservation(t->snapshot, sql, in, RR_LEN(in), &rows), &rows, f) != 0)
        return -1;
    ret->reservations = rows.rows;
    ret->n_reservations = rows.n;
    if (rows.n > 0)
        id_range_of_rows(range, &ret->reservations[rows.n - 1].id, rows.n, n, ret->events, &ret->n_events);
    return 0;
}

int truth_events_after(struct truth *t, const struct rr_uuid *id, int64_t version, size_t n,
                       struct arena *arena, struct truth_rows *ret, struct failure *f)
{
    static const char sql[] = EVENT " WHERE reservation_id >= ? AND (reservation_id > ? OR version > ?)"
                                    " ORDER BY reservation_id, version LIMIT ?";
    const struct rr_sql_in in[] = {RR_IN_BYTES(id->b, sizeof(id->b)), RR_IN_BYTES(id->b, sizeof(id->b)),
                                   RR_IN_UINT((uint64_t)version), RR_IN_UINT(n)};
    struct reading events = reading_of(arena, sizeof(struct event), n);

    if (ended(t->snapshot, each_event(t->snapshot, sql, in, RR_LEN(in), &events), &events, f) != 0)
        return -1;
    *ret = (struct truth_rows){.events = events.rows, .n_events = events.n};
    return 0;
}

int truth_count_events(struct truth *t, size_t *ret, struct failure *f)
{
    static const char sql[] = "SELECT /*+ MAX_EXECUTION_TIME(2000) */ COUNT(*) FROM reservation_event";
    uint64_t n = 0;
    const struct rr_sql_out out = {.type = RR_SQL_UINT, .p = &n};

    if (rr_mysql_exec(t->snapshot, sql, NULL, 0, &out, 1) != RR_DB_ONE &&
        rr_mysql_errno(t->snapshot) != TIMED_OUT)
        return failed(t->snapshot, f);
    *ret = (size_t)n;
    return 0;
}

#define ROOM "SELECT id, version, name, location, capacity, active, created_at, updated_at FROM room"

int truth_rooms(struct truth *t, struct arena *arena, struct truth_rooms *ret, struct failure *f)
{
    static const char sql[] = ROOM " ORDER BY id";
    struct reading rooms = {.arena = arena, .size = sizeof(struct room)};

    if (ended(t->snapshot, each_room(t->snapshot, sql, NULL, 0, &rooms), &rooms, f) != 0)
        return -1;
    *ret = (struct truth_rooms){.rooms = rooms.rows, .n = rooms.n};
    return 0;
}

const struct room *truth_find_room(const struct truth_rooms *rooms, int64_t id)
{
    size_t from = 0, to = rooms->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (rooms->rooms[mid].id == id)
            return &rooms->rooms[mid];
        if (rooms->rooms[mid].id < id)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

/* ---- as it is now ---- */

int truth_events_now(struct truth *t, const struct rr_uuid *ids, size_t n, struct arena *arena,
                     struct truth_rows *ret, struct failure *f)
{
    static const char sql[] =
        EVENT " WHERE reservation_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
              " ORDER BY reservation_id, version";
    struct reading events = {.arena = arena, .size = sizeof(struct event)};

    for (size_t from = 0; from < n; from += IDS) {
        struct rr_sql_in in[IDS];

        for (size_t i = 0; i < IDS; i++) {
            const struct rr_uuid *id = &ids[from + i < n ? from + i : n - 1];

            in[i] = (struct rr_sql_in)RR_IN_BYTES(id->b, sizeof(id->b));
        }
        if (ended(t->now, each_event(t->now, sql, in, IDS, &events), &events, f) != 0)
            return -1;
    }
    *ret = (struct truth_rows){.events = events.rows, .n_events = events.n};
    return 0;
}

int truth_room_now(struct truth *t, int64_t id, struct arena *arena, struct room *ret, bool *ret_found,
                   struct failure *f)
{
    static const char sql[] = ROOM " WHERE id = ?";
    const struct rr_sql_in in = RR_IN_UINT((uint64_t)id);
    struct reading rooms = {.arena = arena, .size = sizeof(struct room)};

    if (ended(t->now, each_room(t->now, sql, &in, 1, &rooms), &rooms, f) != 0)
        return -1;
    *ret_found = rooms.n > 0;
    if (*ret_found)
        *ret = *(struct room *)rooms.rows;
    return 0;
}

int truth_settle(struct truth *t, struct failure *f)
{
    int64_t now = 0, beat = 0;
    const struct rr_sql_out out = {.type = RR_SQL_TIME, .p = &beat};

    if (truth_now(t, &now, f) != 0)
        return -1;
    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        if (rr_mysql_exec(t->now, "SELECT beat FROM pulse", NULL, 0, &out, 1) != RR_DB_ONE)
            return failed(t->now, f);
        if (beat > now)
            return 0;
        truth_wait();
    }
    return fail(f, FAIL_MYSQL, "MySQL's pulse stands still: is its event scheduler running?");
}

void truth_wait(void)
{
    const struct timespec nap = {.tv_nsec = 10 * 1000 * 1000};

    nanosleep(&nap, NULL);
}
