#include "repair.h"
#include "apply.h"
#include "apply_sql.h"
#include "exempt.h"
#include "generation.h"
#include "held.h"
#include "recount.h"
#include "rename.h"
#include "truth.h"

#include <stdio.h>
#include <string.h>

#define CHUNK 100

struct repair {
    const struct verify_conf *conf;
    const struct report *report;
    struct repair_totals *totals;
    int32_t generation;
    struct truth *truth;
    struct store *store;
    struct apply *apply;
    struct batch batch;
    struct exempt exempt;
    struct pgarray column[2];
    bool unproven;
};

static const struct statement sql_rooms_held = {"repair_rooms_held",
                                                "SELECT id, version FROM room WHERE id = ANY ($1::bigint[])"};
static const struct statement sql_events_held = {
    "repair_events_held",
    "SELECT id, max(version) FROM (SELECT reservation_id, version FROM reservation_history"
    "   WHERE reservation_id = ANY ($1::uuid[])"
    "  UNION ALL SELECT id, version FROM reservation WHERE id = ANY ($1::uuid[])) AS h(id, version) GROUP BY "
    "id"};
static const struct statement sql_versions_held = {"repair_versions_held",
                                                   "SELECT reservation_id, version FROM reservation_history"
                                                   " WHERE reservation_id = ANY ($1::uuid[])"};
static const struct statement sql_rooms_delete = {"repair_rooms_delete",
                                                  "DELETE FROM room WHERE id = ANY ($1::bigint[])"};
static const struct statement sql_events_delete = {
    "repair_events_delete",
    "DELETE FROM reservation_history h USING unnest($1::uuid[], $2::integer[]) AS e(id, version)"
    " WHERE h.reservation_id = e.id AND h.version = e.version"};
static const struct statement sql_states_delete = {
    "repair_states_delete", "DELETE FROM reservation WHERE id = ANY ($1::uuid[])"
                            " RETURNING room_id, starts_at, ends_at, state = 'confirmed' AND NOT deleted"};
/* Their triggers keep the sums of months as long as these were right. */
static const struct statement sql_months_count = {
    "repair_months_count",
    "INSERT INTO room_month AS m (room_id, month, reservations, reserved_minutes)"
    " SELECT k.room_id, k.month, coalesce(sum(d.reservations), 0), coalesce(sum(d.reserved_minutes), 0)"
    " FROM unnest($1::bigint[], $2::date[]) AS k(room_id, month) LEFT JOIN room_day d"
    "   ON d.room_id = k.room_id AND d.day >= k.month AND d.day < k.month + interval '1 month'"
    " GROUP BY k.room_id, k.month"
    " ON CONFLICT (month, room_id) DO UPDATE SET reservations = excluded.reservations,"
    "    reserved_minutes = excluded.reserved_minutes"};
static const struct statement *const statements[] = {
    &sql_rooms_held,    &sql_events_held,   &sql_versions_held, &sql_rooms_delete,
    &sql_events_delete, &sql_states_delete, &sql_months_count};

/* ---- a chunk: one transaction ---- */

static int begin(struct repair *r, struct failure *f)
{
    struct generation g;

    batch_reset(&r->batch);
    if (generation_lock(r->store, r->generation, &g, f) != 0)
        return -1;
    r->unproven = g.position.unproven;
    return exempt_load(r->store, r->generation, &r->exempt, f);
}

static int commit(struct repair *r, struct failure *f)
{
    struct params p = {.n = 0};
    char payload[16];

    snprintf(payload, sizeof(payload), "%d", r->generation);
    params_bytes(&p, payload, strlen(payload));
    store_add(r->store, &sql_notify, &p);
    store_add(r->store, &sql_commit, NULL);
    return store_trip(r->store, f);
}

/* What a repair may not do while nobody knows which is right, the log or the truth. */
static bool refused(const struct repair *r, const struct difference *d)
{
    return r->unproven && difference_is_rewound(d);
}

/* ---- buckets ---- */

static void ask(struct repair *r, int64_t room_id, int64_t day)
{
    buckets_get(&r->batch.buckets, room_id, day)->asked = true;
    buckets_get(&r->batch.buckets, ALL_ROOMS, day)->asked = true;
}

static int repair_days_chunk(struct repair *r, const struct difference **at, struct failure *f)
{
    size_t n = 0;

    if (begin(r, f) != 0)
        return -1;
    for (; *at && n < CHUNK; *at = (*at)->next)
        if ((*at)->place == PLACE_ROOM_DAY || (*at)->place == PLACE_TOTAL_DAY) {
            ask(r, (*at)->room_id, (*at)->day);
            n++;
        }
    if (recount_days(r->store, r->apply, &r->batch.buckets, &r->totals->days, f) != 0)
        return -1;
    return commit(r, f);
}

static int repair_months_chunk(struct repair *r, const struct difference **at, struct failure *f)
{
    struct params p = {.n = 0};

    if (begin(r, f) != 0)
        return -1;
    pgarray_begin(&r->column[0], PG_INT8);
    pgarray_begin(&r->column[1], PG_DATE);
    for (; *at && r->column[0].n < CHUNK; *at = (*at)->next)
        if ((*at)->place == PLACE_ROOM_MONTH) {
            pgarray_int8(&r->column[0], (*at)->room_id);
            pgarray_date(&r->column[1], (*at)->day);
        }
    params_array(&p, &r->column[0]);
    params_array(&p, &r->column[1]);
    store_add(r->store, &sql_months_count, &p);
    return commit(r, f);
}

/* ---- reservations ---- */

struct chunk {
    struct rr_uuid ids[CHUNK];
    size_t n;
    const struct difference *first, *end; /* all differences of these ids, and others */
};

/* What is held of it: the last version of each, and all that the history has. */
struct chunk_held {
    const PGresult *last, *versions;
};

static bool is_reservation(const struct difference *d)
{
    return d->place == PLACE_RESERVATION || d->place == PLACE_HISTORY;
}

/* All differences of one reservation stand together. */
static void take_ids(const struct difference **at, struct chunk *c)
{
    *c = (struct chunk){.first = *at};
    for (; *at; *at = (*at)->next) {
        const struct difference *d = *at;

        if (!is_reservation(d) || (c->n && memcmp(c->ids[c->n - 1].b, d->id.b, sizeof(d->id.b)) == 0))
            continue;
        if (c->n == CHUNK)
            break;
        c->ids[c->n++] = d->id;
    }
    c->end = *at;
}

static void leave_out(struct repair *r, struct chunk *c, const struct rr_uuid *id, enum left_alone why)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->ids[i].b, id->b, sizeof(id->b)) != 0)
            c->ids[kept++] = c->ids[i];
    r->totals->left[why] += c->n - kept;
    c->n = kept;
}

/* Those that may not be touched now, and those of which the truth itself is in doubt. */
static void refuse_ids(struct repair *r, struct chunk *c)
{
    for (const struct difference *d = c->first; d != c->end; d = d->next)
        if (is_reservation(d) && refused(r, d))
            leave_out(r, c, &d->id, LEFT_UNPROVEN);
    for (const struct difference *d = r->report->n_alarms ? r->report->first : NULL; d; d = d->next)
        if (d->place == PLACE_TRUTH)
            leave_out(r, c, &d->id, LEFT_DISPUTED);
}

static bool has_id(const struct chunk *c, const struct rr_uuid *id)
{
    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->ids[i].b, id->b, sizeof(id->b)) == 0)
            return true;
    return false;
}

static bool lowers(const struct chunk *c, const struct rr_uuid *id)
{
    for (const struct difference *d = c->first; d != c->end; d = d->next)
        if (d->lowers && is_reservation(d) && memcmp(d->id.b, id->b, sizeof(id->b)) == 0)
            return true;
    return false;
}

static int64_t last_version(const struct truth_rows *truth, const uint8_t *id)
{
    int64_t version = 0;

    for (size_t i = 0; i < truth->n_events; i++)
        if (memcmp(truth->events[i].after.id.b, id, 16) == 0)
            version = truth->events[i].after.version;
    return version;
}

/* The truth of the chunk. A transaction reaches the log a moment before its rows can be seen in MySQL: what
 * has been applied of it must not be taken away again. What the truth does not show in time is left alone. */
static int read_truth(struct repair *r, struct chunk *c, struct truth_rows *ret, struct chunk_held *ret_held,
                      struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *held;
    int last, versions, behind;

    pgarray_begin(&r->column[0], PG_UUID);
    for (size_t i = 0; i < c->n; i++)
        pgarray_uuid(&r->column[0], &c->ids[i]);
    params_array(&p, &r->column[0]);
    last = store_add(r->store, &sql_events_held, &p);
    versions = store_add(r->store, &sql_versions_held, &p);
    if (store_trip(r->store, f) != 0)
        return -1;
    held = store_result(r->store, last);
    *ret_held = (struct chunk_held){.last = held, .versions = store_result(r->store, versions)};
    for (int tries = 0; tries <= TRUTH_TRIES; tries++) {
        if (tries)
            truth_wait();
        if (c->n > 0 && truth_events_now(r->truth, c->ids, c->n, &r->batch.arena, ret, f) != 0)
            return -1;
        behind = 0;
        for (int i = 0; i < PQntuples(held); i++) {
            struct rr_uuid id;

            memcpy(id.b, PQgetvalue(held, i, 0), sizeof(id.b));
            if (store_int4(held, i, 1) <= last_version(ret, id.b) || lowers(c, &id) || !has_id(c, &id))
                continue;
            behind++;
            if (tries == TRUTH_TRIES)
                leave_out(r, c, &id, LEFT_LATE);
        }
        if (!behind)
            break;
    }
    return 0;
}

/* Takes away what is wrong. Returns the number of the result that says where the reservations counted. */
static int add_deletes(struct repair *r, const struct chunk *c)
{
    struct params p = {.n = 0};

    pgarray_begin(&r->column[0], PG_UUID);
    pgarray_begin(&r->column[1], PG_INT4);
    for (const struct difference *d = c->first; d != c->end; d = d->next)
        if (d->place == PLACE_HISTORY && d->kind != DIFFERENCE_MISSING && has_id(c, &d->id)) {
            pgarray_uuid(&r->column[0], &d->id);
            pgarray_int4(&r->column[1], (int32_t)d->version);
        }
    params_array(&p, &r->column[0]);
    params_array(&p, &r->column[1]);
    store_add(r->store, &sql_events_delete, &p);
    pgarray_begin(&r->column[0], PG_UUID);
    for (size_t i = 0; i < c->n; i++)
        pgarray_uuid(&r->column[0], &c->ids[i]);
    p.n = 0;
    params_array(&p, &r->column[0]);
    return store_add(r->store, &sql_states_delete, &p);
}

/* The days that the rows counted in, and those that they count in now. */
static void ask_days(struct repair *r, const PGresult *deleted)
{
    struct buckets *b = &r->batch.buckets;

    buckets_reset(b); /* of the plan, which knows only what is added */
    for (int i = 0; i < PQntuples(deleted); i++) {
        struct reservation old = {.room_id = store_int8(deleted, i, 0),
                                  .starts_at = store_time(deleted, i, 1),
                                  .ends_at = store_time(deleted, i, 2)};

        if (store_bool(deleted, i, 3) && held_is_possible(&old))
            buckets_touch(b, &old);
    }
    for (const struct batch_reservation *v = r->batch.reservations; v; v = v->next)
        buckets_touch(b, v->now);
    for (struct bucket *k = b->list; k; k = k->next)
        k->asked = true;
}

static int64_t held_last(const PGresult *held, const struct rr_uuid *id)
{
    for (int i = 0; i < PQntuples(held); i++)
        if (memcmp(PQgetvalue(held, i, 0), id->b, sizeof(id->b)) == 0)
            return store_int4(held, i, 1);
    return 0;
}

static bool holds(const PGresult *versions, const struct reservation *v)
{
    for (int i = 0; i < PQntuples(versions); i++)
        if (store_int4(versions, i, 1) == v->version &&
            memcmp(PQgetvalue(versions, i, 0), v->id.b, sizeof(v->id.b)) == 0)
            return true;
    return false;
}

/* Not what has been applied all the same. */
static bool is_exempt(const struct repair *r, const struct chunk_held *held, const struct reservation *v)
{
    return exempt_event(&r->exempt, &v->id, v->version, held_last(held->last, &v->id)) &&
           !holds(held->versions, v);
}

/* The truth of the chunk, but for what is parked or was skipped. */
static void add_events(struct repair *r, const struct chunk *c, const struct truth_rows *truth,
                       const struct chunk_held *held)
{
    for (size_t i = 0; i < truth->n_events; i++) {
        const struct reservation *v = &truth->events[i].after;

        if (has_id(c, &v->id) && !is_exempt(r, held, v))
            batch_add(&r->batch, &(struct change){.what = CHANGE_EVENT, .event = truth->events[i]}, 0);
    }
    for (struct batch_reservation *v = r->batch.reservations; v; v = v->next) {
        const struct exempt_versions skipped = exempt_skipped(&r->exempt, &v->id);

        v->skipped = skipped.versions;
        v->n_skipped = skipped.n;
    }
}

static int repair_reservations_chunk(struct repair *r, const struct difference **at, struct failure *f)
{
    struct truth_rows truth = {.n_events = 0};
    struct chunk_held held;
    struct chunk c;
    int deleted;

    take_ids(at, &c);
    if (c.n == 0)
        return 0;
    if (begin(r, f) != 0)
        return -1;
    refuse_ids(r, &c);
    if (read_truth(r, &c, &truth, &held, f) != 0)
        return -1;
    add_events(r, &c, &truth, &held);
    deleted = add_deletes(r, &c);
    if (store_trip(r->store, f) != 0 || batch_plan(&r->batch, f) != 0)
        return -1;
    ask_days(r, store_result(r->store, deleted));
    if (apply_rows(r->apply, &r->batch, f) != 0 ||
        recount_days(r->store, r->apply, &r->batch.buckets, &r->totals->days, f) != 0)
        return -1;
    r->totals->reservations += c.n;
    return commit(r, f);
}

/* ---- rooms ---- */

static int64_t held_version(const PGresult *held, int64_t id)
{
    for (int i = 0; i < PQntuples(held); i++)
        if (store_int8(held, i, 0) == id)
            return store_int4(held, i, 1);
    return 0;
}

/* As read_truth(), of one room. *ret_late: leave it alone. */
static int read_room(struct repair *r, const struct difference *d, int64_t held, bool *ret_late,
                     struct failure *f)
{
    struct change c = {.what = CHANGE_ROOM};
    bool found = false;

    for (int tries = 0; tries <= TRUTH_TRIES; tries++) {
        if (tries)
            truth_wait();
        if (truth_room_now(r->truth, d->room_id, &r->batch.arena, &c.room, &found, f) != 0)
            return -1;
        *ret_late = !d->lowers && held > (found ? c.room.version : 0);
        if (!*ret_late)
            break;
    }
    if (found && !*ret_late)
        batch_add(&r->batch, &c, 0);
    return 0;
}

static const PGresult *read_rooms_held(struct repair *r, const struct difference *at, struct failure *f)
{
    struct params p = {.n = 0};
    size_t n = 0;
    int number;

    pgarray_begin(&r->column[0], PG_INT8);
    for (; at && n < CHUNK; at = at->next)
        if (at->place == PLACE_ROOM) {
            pgarray_int8(&r->column[0], at->room_id);
            n++;
        }
    params_array(&p, &r->column[0]);
    number = store_add(r->store, &sql_rooms_held, &p);
    return store_trip(r->store, f) == 0 ? store_result(r->store, number) : NULL;
}

static int repair_rooms_chunk(struct repair *r, const struct difference **at, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *held;
    size_t n = 0;

    if (begin(r, f) != 0 || !(held = read_rooms_held(r, *at, f)))
        return -1;
    pgarray_begin(&r->column[0], PG_INT8);
    for (; *at && n < CHUNK; *at = (*at)->next) {
        bool late = false;

        if ((*at)->place != PLACE_ROOM)
            continue;
        n++;
        if (refused(r, *at)) {
            r->totals->left[LEFT_UNPROVEN]++;
            continue;
        }
        if (read_room(r, *at, held_version(held, (*at)->room_id), &late, f) != 0)
            return -1;
        r->totals->left[LEFT_LATE] += late;
        r->totals->rooms += !late;
        if (!late)
            pgarray_int8(&r->column[0], (*at)->room_id);
    }
    params_array(&p, &r->column[0]);
    store_add(r->store, &sql_rooms_delete, &p);
    if (batch_plan(&r->batch, f) != 0 || rename_reservations(r->store, &r->batch, f) != 0 ||
        apply_rows(r->apply, &r->batch, f) != 0)
        return -1;
    return commit(r, f);
}

/* ---- all of them ---- */

typedef int repair_chunk(struct repair *r, const struct difference **at, struct failure *f);

static bool has_any(const struct report *report, enum difference_place a, enum difference_place b)
{
    for (const struct difference *d = report->first; d; d = d->next)
        if (d->place == a || d->place == b)
            return true;
    return false;
}

static int repair_all(struct repair *r, repair_chunk *chunk, enum difference_place a, enum difference_place b,
                      struct failure *f)
{
    const struct difference *at = r->report->first;

    if (!has_any(r->report, a, b))
        return 0;
    while (at)
        if (verify_goes_on(r->conf, f) != 0 || chunk(r, &at, f) != 0)
            return -1;
    return 0;
}

static int run(struct repair *r, struct failure *f)
{
    if (truth_open(r->conf->mysql, &r->truth, f) != 0 || store_open(r->conf->store, &r->store, f) != 0 ||
        apply_new(r->store, r->generation, &r->apply, f) != 0 ||
        store_prepare(r->store, statements, RR_LEN(statements), f) != 0)
        return -1;
    if (repair_all(r, repair_rooms_chunk, PLACE_ROOM, PLACE_ROOM, f) != 0)
        return -1; /* first: reservations show the names of rooms */
    if (repair_all(r, repair_reservations_chunk, PLACE_RESERVATION, PLACE_HISTORY, f) != 0)
        return -1;
    if (repair_all(r, repair_days_chunk, PLACE_ROOM_DAY, PLACE_TOTAL_DAY, f) != 0)
        return -1;
    return repair_all(r, repair_months_chunk, PLACE_ROOM_MONTH, PLACE_ROOM_MONTH, f);
}

size_t repair_left(const struct repair_totals *totals)
{
    size_t n = 0;

    for (int i = 0; i < LEFT_REASONS; i++)
        n += totals->left[i];
    return n;
}

int repair(const struct verify_conf *conf, int32_t generation, const struct report *report,
           struct repair_totals *totals, struct failure *f)
{
    struct repair r = {.conf = conf, .report = report, .totals = totals, .generation = generation};
    int end;

    batch_init(&r.batch);
    r.batch.parked = &r.exempt.parked;
    end = run(&r, f);
    apply_free(r.apply);
    store_close(r.store);
    truth_close(r.truth);
    for (size_t i = 0; i < RR_LEN(r.column); i++)
        pgarray_fini(&r.column[i]);
    batch_fini(&r.batch);
    exempt_fini(&r.exempt);
    return end;
}
