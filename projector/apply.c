#include "apply.h"
#include "apply_copy.h"
#include "apply_sql.h"
#include "held.h"
#include "known.h"
#include "log.h"
#include "recount.h"
#include "rename.h"
#include "report.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS STORE_PARAMS
#define MENDS   2 /* days are read in up to so many trips */

struct apply {
    struct store *store;
    const struct breaker_conf *breaker;
    struct pgarray column[COLUMNS]; /* one statement's arrays at a time */
    int advance;                    /* its result's number */
    struct arena arena;             /* of `broken` */
    struct buckets broken;          /* days whose rows cannot be read: asked for, to be counted again */
    size_t n_mended;
};

int apply_new(struct store *store, int32_t generation, struct apply **ret, struct failure *f)
{
    char schema[16];
    struct apply *a = calloc(1, sizeof(*a));

    if (!a)
        return fail(f, FAIL_POSTGRES, "out of memory");
    a->store = store;
    a->broken.arena = &a->arena;
    snprintf(schema, sizeof(schema), "g%d", generation);
    store_use_schema(store, schema);
    if (store_prepare(store, apply_statements, apply_n_statements, f) != 0 ||
        store_prepare(store, known_statements, known_n_statements, f) != 0 ||
        store_prepare(store, recount_statements, recount_n_statements, f) != 0 ||
        store_prepare(store, rename_statements, rename_n_statements, f) != 0) {
        apply_free(a);
        return -1;
    }
    store_clear(store);
    *ret = a;
    return 0;
}

void apply_free(struct apply *a)
{
    if (!a)
        return;
    for (int i = 0; i < COLUMNS; i++)
        pgarray_fini(&a->column[i]);
    buckets_fini(&a->broken);
    arena_fini(&a->arena);
    free(a);
}

void apply_set_breaker(struct apply *a, const struct breaker_conf *conf)
{
    a->breaker = conf;
}

static void begin_columns(struct apply *a, const enum pg_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pgarray_begin(&a->column[i], types[i]);
}

static int add_columns(struct apply *a, const struct statement *st, size_t n)
{
    struct params p = {.n = 0};

    for (size_t i = 0; i < n; i++)
        params_array(&p, &a->column[i]);
    return store_add(a->store, st, &p);
}

static struct text name_text(const char *s)
{
    return (struct text){.s = s, .n = strlen(s)};
}

/* ---- the position, and what every batch ends with ---- */

static void add_advance(struct apply *a, const struct batch *b, const struct position *p, int64_t next_offset,
                        uint64_t fingerprint)
{
    struct params v = {.n = 0};
    uint64_t be = htobe64(fingerprint);

    params_int4(&v, p->generation);
    params_int8(&v, p->next_offset);
    params_int8(&v, next_offset);
    params_int8(&v, p->parked_epoch);
    params_bytes(&v, &be, sizeof(be));
    if (b->as_of)
        params_time(&v, b->as_of);
    else
        params_null(&v);
    params_bool(&v, b->snapshot);
    a->advance = store_add(a->store, &sql_advance, &v);
}

static void add_end(struct apply *a, const struct batch *b, const struct position *p)
{
    struct params v = {.n = 0};
    char payload[16];

    if (!p->serving && !p->unproven && b->streamed_pulse) {
        params_int4(&v, p->generation);
        store_add(a->store, &sql_serve, &v);
    }
    v.n = 0;
    snprintf(payload, sizeof(payload), "%d", p->generation);
    params_bytes(&v, payload, strlen(payload));
    store_add(a->store, &sql_notify, &v);
}

/* ---- reading what is stored ---- */

static int add_rooms_read(struct apply *a, const struct batch *b)
{
    begin_columns(a, (enum pg_type[]){PG_INT8}, 1);
    for (const struct batch_room *r = b->rooms; r; r = r->next)
        pgarray_int8(&a->column[0], r->room.id);
    return add_columns(a, &sql_rooms_read, 1);
}

static void take_rooms(struct batch *b, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        struct batch_room *r = *map_at(&b->room_map, (struct map_key){.a = (uint64_t)store_int8(res, i, 0)});

        r->stored = true;
        r->stored_version = store_int4(res, i, 1);
        r->stored_name = store_text(res, i, 2);
        r->stored_location = store_text(res, i, 3);
    }
}

static int add_reservations_read(struct apply *a, const struct batch *b)
{
    begin_columns(a, (enum pg_type[]){PG_UUID}, 1);
    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        pgarray_uuid(&a->column[0], &r->id);
    return add_columns(a, &sql_reservations_read, 1);
}

static int take_reservations(struct batch *b, const PGresult *res, struct failure *f)
{
    char id[RR_UUID_TEXT];

    for (int i = 0; i < PQntuples(res); i++) {
        struct reservation *r = arena_alloc(&b->arena, sizeof(*r));
        struct batch_reservation *in_batch;

        memset(r, 0, sizeof(*r));
        memcpy(r->id.b, PQgetvalue(res, i, 0), sizeof(r->id.b));
        r->version = store_int4(res, i, 1);
        r->room_id = store_int8(res, i, 2);
        r->user_id = store_text(res, i, 3);
        r->title = store_text(res, i, 4);
        r->starts_at = store_time(res, i, 5);
        r->ends_at = store_time(res, i, 6);
        r->state = strcmp(store_text(res, i, 7).s, reservation_state_names[STATE_CONFIRMED]) == 0
                       ? STATE_CONFIRMED
                       : STATE_CANCELLED;
        r->deleted = store_bool(res, i, 8);
        if (!held_is_possible(r))
            return fail(f, FAIL_MESSAGE,
                        "what the read model holds of reservation %s is damaged: first repair it",
                        rr_uuid_format(&r->id, id));
        in_batch = *map_at(&b->reservation_map, map_key_uuid(&r->id));
        in_batch->stored = r;
    }
    return 0;
}

/* Asks for the touched quarters of rooms, or of all rooms together, that have not been read. Returns the
 * result's number, or -1 if there are none. */
static int add_days_read(struct apply *a, const struct batch *b, bool all_rooms)
{
    static const enum pg_type types[] = {PG_INT8, PG_DATE, PG_INT4, PG_INT4};
    size_t first = all_rooms ? 1 : 0; /* from the day on both are alike */
    struct pgarray *c = a->column + 1 - first;

    begin_columns(a, types + first, RR_LEN(types) - first);
    for (const struct bucket *k = b->buckets.list; k; k = k->next)
        if (bucket_is_unread(k) && (k->room_id == ALL_ROOMS) == all_rooms) {
            if (!all_rooms)
                pgarray_int8(&a->column[0], k->room_id);
            pgarray_date(&c[0], k->day);
            pgarray_int4(&c[1], k->from + 1);
            pgarray_int4(&c[2], k->upto);
        }
    if (c[0].n == 0)
        return -1;
    return add_columns(a, all_rooms ? &sql_total_days_read : &sql_room_days_read, RR_LEN(types) - first);
}

struct days_read {
    int rooms, total; /* numbers of results, -1: not asked */
};

static struct days_read add_both_days_read(struct apply *a, const struct batch *b)
{
    return (struct days_read){.rooms = add_days_read(a, b, false), .total = add_days_read(a, b, true)};
}

/* Adds the quarters that were asked for, but for those that were read before. */
static bool take_quarters(const PGresult *res, int row, int column, const struct bucket *k,
                          int32_t sum[QUARTERS])
{
    const char *data = PQgetvalue(res, row, column);
    size_t len = (size_t)PQgetlength(res, row, column), n = (size_t)(k->upto - k->from);
    int32_t stored[QUARTERS];

    if (!(k->room_id == ALL_ROOMS ? pgarray_read_int4(data, len, stored, n)
                                  : pgarray_read_int2(data, len, stored, n)))
        return false;
    for (int q = k->from; q < k->upto; q++)
        if (q < k->read_from || q >= k->read_upto)
            sum[q] += stored[q - k->from];
    return true;
}

/* Adds what is stored to what the batch may have added already. */
static void take_days(struct apply *a, struct batch *b, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        struct bucket *k =
            buckets_get(&b->buckets, store_int8(res, i, 0), (int64_t)store_int4(res, i, 1) + PG_EPOCH_DAYS);

        if (!k->stored) {
            k->reservations += store_int4(res, i, 2);
            k->reserved_minutes += store_int4(res, i, 3);
        }
        k->stored = true;
        if (!take_quarters(res, i, 4, k, k->starts) || !take_quarters(res, i, 5, k, k->minutes))
            buckets_get(&a->broken, k->room_id, k->day)->asked = true;
    }
}

static int take_both_days(struct apply *a, struct batch *b, struct days_read read, struct failure *f)
{
    if (read.rooms >= 0)
        take_days(a, b, store_result(a->store, read.rooms));
    if (read.total >= 0)
        take_days(a, b, store_result(a->store, read.total));
    if (a->broken.list)
        return fail(f, FAIL_POSTGRES, "the quarter-hours of days in the read model are not %d numbers",
                    QUARTERS);
    for (struct bucket *k = b->buckets.list; k; k = k->next) {
        k->read_from = k->from;
        k->read_upto = k->upto;
    }
    return 0;
}

/* ---- writing ---- */

static void add_rooms_write(struct apply *a, const struct batch *b)
{
    static const enum pg_type types[] = {PG_INT8, PG_TEXT, PG_TEXT,        PG_INT4,
                                         PG_BOOL, PG_INT4, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ};
    struct pgarray *c = a->column;

    begin_columns(a, types, RR_LEN(types));
    for (const struct batch_room *r = b->rooms; r; r = r->next) {
        if (!r->is_new)
            continue;
        pgarray_int8(&c[0], r->room.id);
        pgarray_text(&c[1], r->room.name);
        pgarray_text(&c[2], r->room.location);
        pgarray_int4(&c[3], (int32_t)r->room.capacity);
        pgarray_bool(&c[4], r->room.active);
        pgarray_int4(&c[5], (int32_t)r->room.version);
        pgarray_time(&c[6], r->room.created_at);
        pgarray_time(&c[7], r->room.updated_at);
    }
    if (c[0].n > 0)
        add_columns(a, &sql_rooms_write, RR_LEN(types));
}

static void add_history_write(struct apply *a, const struct batch *b)
{
    static const enum pg_type types[] = {PG_UUID, PG_INT4,        PG_TEXT,        PG_TIMESTAMPTZ, PG_TEXT,
                                         PG_TEXT, PG_TEXT,        PG_JSONB,       PG_INT8,        PG_TEXT,
                                         PG_TEXT, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_TEXT};
    struct pgarray *c = a->column;

    begin_columns(a, types, RR_LEN(types));
    for (const struct batch_event *e = b->events; e; e = e->next) {
        const struct reservation *r = &e->event.after;

        if (!e->is_new)
            continue;
        pgarray_uuid(&c[0], &r->id);
        pgarray_int4(&c[1], (int32_t)r->version);
        pgarray_text(&c[2], name_text(event_kind_names[e->event.kind]));
        pgarray_time(&c[3], r->updated_at);
        pgarray_text(&c[4], e->event.recorded_by);
        pgarray_text(&c[5], e->event.reason);
        pgarray_text(&c[6], e->event.trace_id);
        pgarray_jsonb(&c[7], e->changes);
        pgarray_int8(&c[8], r->room_id);
        pgarray_text(&c[9], r->user_id);
        pgarray_text(&c[10], r->title);
        pgarray_time(&c[11], r->starts_at);
        pgarray_time(&c[12], r->ends_at);
        pgarray_text(&c[13], name_text(reservation_state_names[r->state]));
    }
    if (c[0].n > 0)
        add_columns(a, &sql_history_write, RR_LEN(types));
}

/* Those that were stored before, or those that were not. */
static void add_reservations_write(struct apply *a, const struct batch *b, bool stored)
{
    static const enum pg_type types[] = {PG_UUID,        PG_INT8,        PG_TEXT,       PG_TEXT,
                                         PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_TEXT,       PG_INT4,
                                         PG_BOOL,        PG_TIMESTAMPTZ, PG_TIMESTAMPTZ};
    struct pgarray *c = a->column;

    begin_columns(a, types, RR_LEN(types));
    for (const struct batch_reservation *in_batch = b->reservations; in_batch; in_batch = in_batch->next) {
        const struct reservation *r = in_batch->now;

        if (r == in_batch->stored || (in_batch->stored != NULL) != stored)
            continue;
        pgarray_uuid(&c[0], &r->id);
        pgarray_int8(&c[1], r->room_id);
        pgarray_text(&c[2], r->user_id);
        pgarray_text(&c[3], r->title);
        pgarray_time(&c[4], r->starts_at);
        pgarray_time(&c[5], r->ends_at);
        pgarray_text(&c[6], name_text(reservation_state_names[r->state]));
        pgarray_int4(&c[7], (int32_t)r->version);
        pgarray_bool(&c[8], r->deleted);
        pgarray_time(&c[9], r->created_at);
        pgarray_time(&c[10], r->updated_at);
    }
    if (c[0].n > 0)
        add_columns(a, stored ? &sql_reservations_update : &sql_reservations_insert, RR_LEN(types));
}

/* The rooms of these are parked: what stands in the room table may be older than what they were booked in. */
static void add_unname(struct apply *a, const struct batch *b)
{
    begin_columns(a, (enum pg_type[]){PG_UUID}, 1);
    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        if (r->now != r->stored && r->unnamed)
            pgarray_uuid(&a->column[0], &r->id);
    if (a->column[0].n > 0)
        add_columns(a, &sql_unname, 1);
}

int apply_quarters(struct pgarray *a, const struct bucket *k, const int32_t quarters[QUARTERS], int from,
                   int upto, struct failure *f)
{
    for (int q = from; q < upto; q++) {
        if (k->room_id == ALL_ROOMS)
            pgarray_int4(a, quarters[q]);
        else if (quarters[q] == (int16_t)quarters[q])
            pgarray_int2(a, (int16_t)quarters[q]);
        else
            return fail(f, FAIL_MESSAGE,
                        "room %lld, day %lld: %d in one quarter-hour is more than the read model holds",
                        (long long)k->room_id, (long long)k->day, quarters[q]);
    }
    return 0;
}

/* Of rooms or of all rooms together; those that were stored before, or those that were not. */
static int add_days_write(struct apply *a, const struct batch *b, bool all_rooms, bool stored,
                          struct failure *f)
{
    static const enum pg_type room_types[] = {PG_INT8, PG_DATE, PG_INT4, PG_INT4, PG_INT4,
                                              PG_INT4, PG_INT4, PG_INT2, PG_INT2};
    static const enum pg_type total_types[] = {PG_DATE, PG_INT4, PG_INT4, PG_INT4,
                                               PG_INT4, PG_INT4, PG_INT4, PG_INT4};
    static const struct statement *const statements[2][2] = {
        {&sql_room_days_insert, &sql_room_days_update}, {&sql_total_days_insert, &sql_total_days_update}};
    struct pgarray *c = a->column; /* from the day on both are alike */
    size_t n = all_rooms ? RR_LEN(total_types) : RR_LEN(room_types);

    begin_columns(a, all_rooms ? total_types : room_types, n);
    if (!all_rooms)
        c++;
    for (const struct bucket *k = b->buckets.list; k; k = k->next) {
        if (!k->dirty || (k->room_id == ALL_ROOMS) != all_rooms || k->stored != stored)
            continue;
        if (!all_rooms)
            pgarray_int8(&a->column[0], k->room_id);
        pgarray_date(&c[0], k->day);
        pgarray_int4(&c[1], k->reservations);
        pgarray_int4(&c[2], k->reserved_minutes);
        pgarray_int4(&c[3], k->from + 1);
        pgarray_int4(&c[4], k->upto);
        pgarray_int4(&c[5], (int32_t)c[6].n + 1);
        if (apply_quarters(&c[6], k, k->starts, k->from, k->upto, f) != 0 ||
            apply_quarters(&c[7], k, k->minutes, k->from, k->upto, f) != 0)
            return -1;
    }
    if (c[0].n > 0)
        add_columns(a, statements[all_rooms][stored], n);
    return 0;
}

/* ---- a batch ---- */

static int read_stored(struct apply *a, struct batch *b, struct failure *f)
{
    int rooms = b->rooms ? add_rooms_read(a, b) : -1;
    int reservations = b->reservations ? add_reservations_read(a, b) : -1;
    struct days_read days;

    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        buckets_touch(&b->buckets, r->latest);
    days = add_both_days_read(a, b);
    if (store_trip(a->store, f) != 0)
        return -1;
    if (rooms >= 0)
        take_rooms(b, store_result(a->store, rooms));
    if (reservations >= 0 && take_reservations(b, store_result(a->store, reservations), f) != 0)
        return -1;
    return take_both_days(a, b, days, f);
}

/* Days in which changed reservations were before, and are no more. */
static int read_days_left(struct apply *a, struct batch *b, struct failure *f)
{
    struct days_read days = add_both_days_read(a, b);

    if (days.rooms < 0 && days.total < 0)
        return 0;
    if (store_trip(a->store, f) != 0)
        return -1;
    return take_both_days(a, b, days, f);
}

/* `copied`: history rows and new reservations are there. */
static int add_rows(struct apply *a, const struct batch *b, bool copied, struct failure *f)
{
    add_rooms_write(a, b); /* first: the two that follow read the names */
    add_reservations_write(a, b, true);
    if (!copied)
        add_reservations_write(a, b, false);
    if (b->parked && b->parked->rooms.n)
        add_unname(a, b);
    if (!copied)
        add_history_write(a, b);
    for (int i = 0; i < 4; i++)
        if (add_days_write(a, b, i / 2, i % 2, f) != 0)
            return -1;
    return 0;
}

int apply_rows(struct apply *a, const struct batch *b, struct failure *f)
{
    return add_rows(a, b, false, f);
}

static int read_and_plan(struct apply *a, struct batch *b, struct failure *f)
{
    if (read_stored(a, b, f) != 0 || batch_plan(b, f) != 0 || known_check(a->store, a->column, b, f) != 0)
        return -1;
    return read_days_left(a, b, f);
}

static void forget_broken(struct apply *a)
{
    buckets_reset(&a->broken);
    arena_reset(&a->arena);
}

/* Counts the days that could not be read again, so that the batch goes on with what they should have held:
 * one damaged row is no reason to stop everything. */
static int mend(struct apply *a, struct batch *b, struct failure *f)
{
    struct rr_buf words = {.data = NULL};
    size_t counted = 0;

    for (const struct bucket *k = a->broken.list; k; k = k->next) {
        const struct difference d = {.place = k->room_id == ALL_ROOMS ? PLACE_TOTAL_DAY : PLACE_ROOM_DAY,
                                     .kind = DIFFERENCE_DIFFERS,
                                     .room_id = k->room_id,
                                     .day = k->day};

        rr_error("ALARM: a day of the read model was damaged; it is counted again from its reservations",
                 "what=%s", RR_Q(difference_text(&d, &words)));
        a->n_mended++;
    }
    rr_buf_fini(&words);
    if (recount_days(a->store, a, &a->broken, &counted, f) != 0)
        return -1;
    forget_broken(a);
    batch_unplan(b);
    return 0;
}

size_t apply_mended(const struct apply *a)
{
    return a->n_mended;
}

static int plan_and_apply(struct apply *a, struct batch *b, bool copies, struct failure *f)
{
    forget_broken(a);
    for (int mends = 0; read_and_plan(a, b, f) != 0; mends++)
        if (!a->broken.list || mends == MENDS || mend(a, b, f) != 0)
            return -1;
    if (rename_reservations(a->store, b, f) != 0 || (copies && apply_copy(a->store, b, f) != 0))
        return -1;
    return add_rows(a, b, copies, f);
}

int apply_locked(struct apply *a, struct batch *b, struct failure *f)
{
    return plan_and_apply(a, b, false, f);
}

/* Undoes what a batch with gaps has done; the failure stays the gap's, if that works. */
static int roll_back(struct apply *a, struct batch *b, struct failure *f)
{
    struct failure why;

    store_add(a->store, &sql_rollback, NULL);
    if (store_trip(a->store, &why) != 0) {
        *f = why;
        b->n_gaps = 0;
    }
    return -1;
}

static int apply_changes(struct apply *a, struct batch *b, int64_t next_offset, uint64_t fingerprint,
                         struct position *p, struct failure *f)
{
    int parked = -1;

    b->n_gaps = 0;
    store_add(a->store, &sql_begin, NULL);
    add_advance(a, b, p, next_offset, fingerprint);
    if (plan_and_apply(a, b, apply_copy_pays(b), f) != 0)
        return b->n_gaps ? roll_back(a, b, f) : -1;
    if (b->letters)
        parked = letters_add(a->store, b, p->generation, a->breaker);
    add_end(a, b, p);
    store_add(a->store, &sql_commit, NULL);
    if (store_trip(a->store, f) != 0)
        return -1;
    if (parked >= 0) {
        p->parked = store_int4(store_result(a->store, parked), 0, 0);
        p->halted = store_bool(store_result(a->store, parked), 0, 1);
    }
    return 0;
}

int apply_batch(struct apply *a, struct batch *b, int64_t next_offset, uint64_t fingerprint,
                struct position *p, struct failure *f)
{
    const PGresult *advanced;
    int end;

    store_clear(a->store);
    a->n_mended = 0;
    if (b->events || b->rooms || b->letters) {
        end = apply_changes(a, b, next_offset, fingerprint, p, f);
    } else { /* between two Syncs all is one transaction: no BEGIN, no COMMIT */
        add_advance(a, b, p, next_offset, fingerprint);
        add_end(a, b, p);
        end = store_trip(a->store, f);
    }
    if (end != 0)
        return -1;
    p->next_offset = next_offset;
    p->serving |= b->streamed_pulse && !p->unproven;
    advanced = store_result(a->store, a->advance);
    p->as_of = PQgetisnull(advanced, 0, 0) ? 0 : store_time(advanced, 0, 0);
    p->unproven = store_bool(advanced, 0, 1);
    return 0;
}
