#include "retry.h"
#include "apply.h"
#include "apply_sql.h"
#include "decode.h"
#include "gaps.h"
#include "generation.h"
#include "letters.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of whom letters are parked; of those without, each stands for itself. */
struct entity {
    struct subject subject;
    int64_t first; /* the letter's id */
    bool is_gap;
};

struct retry {
    const struct retry_conf *conf;
    int32_t generation;
    struct store *store;
    struct apply *apply;
    struct truth *truth; /* NULL: MySQL cannot be asked */
    struct batch batch;
    struct parked parked;
    struct entity *entities;
    size_t n_entities;
    struct retry_totals *totals;
};

/* The letter in hand. */
struct parked_letter {
    int64_t id, version, offset; /* version 0: not known */
    int64_t stored;              /* version of the reservation or room in the read model; 0: none */
    struct text value;
};

static const struct statement sql_entities = {
    NULL, "SELECT DISTINCT ON (reservation_id, room_id, CASE WHEN num_nonnulls(reservation_id, room_id) = 0"
          "                                                  THEN id END)"
          "       reservation_id, room_id, id, kind = 'gap'"
          " FROM projection.dead_letter WHERE generation = $1::integer AND state = 'parked'"
          " ORDER BY reservation_id, room_id, CASE WHEN num_nonnulls(reservation_id, room_id) = 0"
          "                                        THEN id END, id"};
static const struct statement sql_of_letter = {
    NULL, "SELECT reservation_id, room_id, id, kind = 'gap', state FROM projection.dead_letter"
          " WHERE generation = $1::integer AND id = $2::bigint"};
#define OF_ENTITY                                                                                            \
    " WHERE d.generation = $1::integer AND d.state = 'parked'"                                               \
    "   AND (d.reservation_id = $2::uuid OR d.room_id = $3::bigint OR d.id = $4::bigint)"
static const struct statement sql_first = {
    NULL, "SELECT d.id, d.version, d.topic_offset, d.value, coalesce(v.version, r.version, 0)"
          " FROM projection.dead_letter d LEFT JOIN reservation v ON v.id = d.reservation_id"
          " LEFT JOIN room r ON r.id = d.room_id" OF_ENTITY " ORDER BY d.id LIMIT 1"};
static const struct statement sql_count = {NULL, "SELECT count(*) FROM projection.dead_letter d" OF_ENTITY};
static const struct statement sql_remove = {NULL, "DELETE FROM projection.dead_letter WHERE id = $1::bigint"};
static const struct statement sql_stays = {
    NULL, "UPDATE projection.dead_letter SET reason = $2::text, kind = $3::text WHERE id = $1::bigint"};
static const struct statement sql_raise = {
    NULL, "UPDATE projection.position SET parked_epoch = parked_epoch + 1 WHERE generation = $1::integer"};
/* When nothing of a room waits any more, its reservations show its name again. */
static const struct statement sql_name = {
    NULL, "UPDATE reservation v SET room_name = r.name, room_location = r.location FROM room r"
          " WHERE r.id = $2::bigint AND v.room_id = r.id"
          "   AND (v.room_name, v.room_location) IS DISTINCT FROM (r.name, r.location)"
          "   AND NOT EXISTS (SELECT FROM projection.dead_letter d WHERE d.generation = $1::integer"
          "                    AND d.room_id = r.id AND d.state = 'parked')"};
/* A version that could not be read is the one after what is stored, if the next one that waits agrees and
 * MySQL has it ($5 is its last one): else a write that is still to come would count as given up. Of two
 * copies of a version both are given up. */
static const struct statement sql_skip = {
    NULL,
    "WITH l AS (SELECT d.*, coalesce(d.version, CASE WHEN coalesce((SELECT min(w.version)"
    "      FROM projection.dead_letter w WHERE w.generation = d.generation AND w.state = 'parked'"
    "       AND (w.reservation_id = d.reservation_id OR w.room_id = d.room_id)), 2147483647)"
    "     > coalesce(v.version, r.version, 0) + 1 AND $5::bigint > coalesce(v.version, r.version, 0) THEN "
    "coalesce(v.version, r.version, 0) + 1 END) AS given_up"
    "   FROM projection.dead_letter d LEFT JOIN reservation v ON v.id = d.reservation_id"
    "   LEFT JOIN room r ON r.id = d.room_id"
    "  WHERE d.generation = $1::integer AND d.id = $2::bigint AND d.state = 'parked')"
    "UPDATE projection.dead_letter d SET state = 'skipped', version = l.given_up,"
    "       skipped_at = clock_timestamp(), skipped_by = $3::text, skip_reason = $4::text"
    " FROM l WHERE d.state = 'parked' AND (d.id = l.id OR (d.generation = l.generation"
    "   AND (d.reservation_id = l.reservation_id OR d.room_id = l.room_id) AND d.version = l.version))"};

/* ---- opening ---- */

static void close_store(struct retry *t)
{
    apply_free(rr_take(t->apply));
    store_close(rr_take(t->store));
}

static int open_store(struct retry *t, struct failure *f)
{
    if (t->store)
        return 0;
    if (store_open(t->conf->store, &t->store, f) != 0)
        return -1;
    return apply_new(t->store, t->generation, &t->apply, f);
}

/* It is asked now, so that it need not be waited for with the position's row locked. */
static void open_truth(struct retry *t, struct failure *f)
{
    int64_t now;

    if (truth_open(t->conf->mysql, &t->truth, f) != 0)
        t->truth = NULL;
    else if (truth_now(t->truth, &now, f) != 0)
        truth_close(rr_take(t->truth));
}

static void retry_fini(struct retry *t)
{
    close_store(t);
    truth_close(t->truth);
    batch_fini(&t->batch);
    parked_fini(&t->parked);
    free(t->entities);
}

static struct entity take_entity(const PGresult *res, int row)
{
    struct entity e = {.first = store_int8(res, row, 2), .is_gap = store_bool(res, row, 3)};

    if (!PQgetisnull(res, row, 0)) {
        e.subject.what = SUBJECT_RESERVATION;
        memcpy(e.subject.reservation_id.b, PQgetvalue(res, row, 0), sizeof(e.subject.reservation_id.b));
    } else if (!PQgetisnull(res, row, 1)) {
        e.subject.what = SUBJECT_ROOM;
        e.subject.room_id = store_int8(res, row, 1);
    }
    return e;
}

static int read_entities(struct retry *t, bool only_gaps, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    params_int4(&p, t->generation);
    number = store_add(t->store, &sql_entities, &p);
    if (store_trip(t->store, f) != 0)
        return -1;
    res = store_result(t->store, number);
    t->entities = calloc((size_t)PQntuples(res) + 1, sizeof(*t->entities));
    if (!t->entities)
        return fail(f, FAIL_POSTGRES, "out of memory");
    for (int i = 0; i < PQntuples(res); i++) {
        struct entity e = take_entity(res, i);

        if (!only_gaps || e.is_gap)
            t->entities[t->n_entities++] = e;
    }
    return 0;
}

/* ---- one letter ---- */

static void params_entity(const struct retry *t, const struct entity *e, struct params *p)
{
    params_int4(p, t->generation);
    if (e->subject.what == SUBJECT_RESERVATION)
        params_bytes(p, e->subject.reservation_id.b, sizeof(e->subject.reservation_id.b));
    else
        params_null(p);
    if (e->subject.what == SUBJECT_ROOM)
        params_int8(p, e->subject.room_id);
    else
        params_null(p);
    if (e->subject.what == SUBJECT_UNKNOWN)
        params_int8(p, e->first);
    else
        params_null(p);
}

static int begin(struct retry *t, struct failure *f)
{
    struct generation g;

    batch_reset(&t->batch);
    if (generation_lock(t->store, t->generation, &g, f) != 0)
        return -1;
    if (strcmp(g.halted, "rewound") == 0)
        return fail(f, FAIL_HALTED, "first see \"the truth was set back\" in docs/operations.md");
    return letters_parked(t->store, t->generation, &t->parked, f);
}

static int commit(struct retry *t, const struct entity *e, struct failure *f)
{
    struct params p = {.n = 0};
    char payload[16];

    params_int4(&p, t->generation);
    store_add(t->store, &sql_raise, &p);
    if (e->subject.what == SUBJECT_ROOM) {
        params_int8(&p, e->subject.room_id);
        store_add(t->store, &sql_name, &p);
    }
    p.n = 0;
    snprintf(payload, sizeof(payload), "%d", t->generation);
    params_bytes(&p, payload, strlen(payload));
    store_add(t->store, &sql_notify, &p);
    store_add(t->store, &sql_commit, NULL);
    if (store_trip(t->store, f) != 0)
        return -1;
    t->totals->changed = true;
    return 0;
}

/* *ret_found false: nothing of it is parked any more. */
static int read_first(struct retry *t, const struct entity *e, struct parked_letter *ret, bool *ret_found,
                      struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    params_entity(t, e, &p);
    number = store_add(t->store, &sql_first, &p);
    if (store_trip(t->store, f) != 0)
        return -1;
    res = store_result(t->store, number);
    *ret_found = PQntuples(res) > 0;
    if (!*ret_found)
        return 0;
    *ret = (struct parked_letter){.id = store_int8(res, 0, 0),
                                  .version = PQgetisnull(res, 0, 1) ? 0 : store_int4(res, 0, 1),
                                  .offset = store_int8(res, 0, 2),
                                  .stored = store_int4(res, 0, 4)};
    if (!PQgetisnull(res, 0, 3))
        ret->value = (struct text){
            .s = arena_copy(&t->batch.arena, PQgetvalue(res, 0, 3), (size_t)PQgetlength(res, 0, 3)),
            .n = (size_t)PQgetlength(res, 0, 3)};
    return 0;
}

/* In place of a message that cannot be read. FAIL_MESSAGE: MySQL does not have it either. */
static int read_journal(struct retry *t, const struct entity *e, const struct parked_letter *l,
                        struct change *ret, const char *why, struct failure *f)
{
    int64_t version = l->version ? l->version : l->stored + 1;
    struct truth_rows rows;

    if (truth_events_now(t->truth, &e->subject.reservation_id, 1, &t->batch.arena, &rows, f) != 0)
        return -1;
    for (size_t i = 0; i < rows.n_events; i++)
        if (rows.events[i].after.version == version) {
            *ret = (struct change){.what = CHANGE_EVENT, .event = rows.events[i]};
            return 0;
        }
    return fail(f, FAIL_MESSAGE, "%.300s; MySQL's journal has no version %lld", why, (long long)version);
}

static int read_room(struct retry *t, const struct entity *e, const struct parked_letter *l,
                     struct change *ret, const char *why, struct failure *f)
{
    bool found;

    *ret = (struct change){.what = CHANGE_ROOM};
    if (truth_room_now(t->truth, e->subject.room_id, &t->batch.arena, &ret->room, &found, f) != 0)
        return -1;
    if (!found || ret->room.version < l->version)
        return fail(f, FAIL_MESSAGE, "%.300s; MySQL has %s %lld of the room", why,
                    found ? "only version" : "no version",
                    (long long)(found ? ret->room.version : l->version));
    return 0;
}

/* What the letter says, or what MySQL says in its place. FAIL_MESSAGE: neither. */
static int resolve(struct retry *t, const struct entity *e, const struct parked_letter *l, struct change *ret,
                   struct failure *f)
{
    struct failure why;

    if (decode(l->value.s, l->value.n, &t->batch.arena, ret, &why) == 0)
        return 0;
    if (e->subject.what == SUBJECT_UNKNOWN)
        return fail(f, FAIL_MESSAGE, "%s", why.text);
    if (!t->truth)
        return fail(f, FAIL_MESSAGE, "%.300s; MySQL cannot be asked", why.text);
    return e->subject.what == SUBJECT_ROOM ? read_room(t, e, l, ret, why.text, f)
                                           : read_journal(t, e, l, ret, why.text, f);
}

/* *ret_kind: why not, where that is known better than the failure says. */
static int apply_change(struct retry *t, const struct change *c, const struct parked_letter *l,
                        enum letter_kind *ret_kind, struct failure *f)
{
    batch_add(&t->batch, c, l->offset);
    if (!t->batch.events && !t->batch.rooms)
        return 0;
    while (apply_locked(t->apply, &t->batch, f) != 0) {
        const struct batch_reservation *r = t->batch.reservations;

        if (!t->batch.n_gaps)
            return -1;
        switch (gaps_fill(t->truth, t->store, t->generation, &t->batch, f)) {
        case 0: break;
        case 1: *ret_kind = r->gap_kind; return fail(f, FAIL_MESSAGE, "%s", r->gap_reason);
        default: return -1;
        }
    }
    return 0;
}

static int stays(struct retry *t, const struct entity *e, const struct parked_letter *l,
                 enum letter_kind kind, struct failure *f)
{
    const char *name = letter_kind_names[kind];
    struct params p = {.n = 0};
    struct failure why = *f;

    close_store(t); /* with all that was done for it */
    if (open_store(t, f) != 0 || begin(t, f) != 0)
        return -1;
    params_int8(&p, l->id);
    params_bytes(&p, why.text, strlen(why.text));
    params_bytes(&p, name, strlen(name));
    store_add(t->store, &sql_stays, &p);
    return commit(t, e, f);
}

/* 1: applied; 0: there is none, or it stays (*ret_stays). */
static int retry_first(struct retry *t, const struct entity *e, bool *ret_stays, struct failure *f)
{
    enum letter_kind kind = LETTER_MESSAGE;
    struct params p = {.n = 0};
    struct parked_letter l;
    struct change c;
    bool found;

    *ret_stays = false;
    if (open_store(t, f) != 0 || begin(t, f) != 0 || read_first(t, e, &l, &found, f) != 0)
        return -1;
    if (!found) {
        store_add(t->store, &sql_rollback, NULL);
        return store_trip(t->store, f);
    }
    if (resolve(t, e, &l, &c, f) == 0 && apply_change(t, &c, &l, &kind, f) == 0) {
        params_int8(&p, l.id);
        store_add(t->store, &sql_remove, &p);
        if (commit(t, e, f) == 0)
            return 1;
    }
    if (f->kind != FAIL_MESSAGE &&
        f->kind != FAIL_REWOUND) /* it says other than what is known: not for us to say */
        return -1;
    *ret_stays = true;
    return stays(t, e, &l, kind, f);
}

static int count_left(struct retry *t, const struct entity *e, struct failure *f)
{
    struct params p = {.n = 0};
    int number;

    store_clear(t->store);
    params_entity(t, e, &p);
    number = store_add(t->store, &sql_count, &p);
    if (store_trip(t->store, f) != 0)
        return -1;
    t->totals->left += (size_t)store_int8(store_result(t->store, number), 0, 0);
    return 0;
}

static int retry_entity(struct retry *t, const struct entity *e, struct failure *f)
{
    bool stays;
    int end;

    while ((end = retry_first(t, e, &stays, f)) == 1)
        t->totals->applied++;
    return end == 0 && stays ? count_left(t, e, f) : end;
}

/* ---- what is asked for ---- */

static void retry_init(struct retry *t, const struct retry_conf *conf, int32_t generation,
                       struct retry_totals *totals)
{
    *t = (struct retry){.conf = conf, .generation = generation, .totals = totals};
    *totals = (struct retry_totals){.applied = 0};
    batch_init(&t->batch);
    t->batch.parked = &t->parked;
}

static int retry_entities(struct retry *t, struct failure *f)
{
    for (size_t i = 0; i < t->n_entities; i++)
        if (retry_entity(t, &t->entities[i], f) != 0)
            return -1;
    return 0;
}

int retry_all(const struct retry_conf *conf, int32_t generation, struct retry_totals *totals,
              struct failure *f)
{
    struct retry t;
    int end;

    retry_init(&t, conf, generation, totals);
    open_truth(&t, f);
    end = open_store(&t, f) != 0 || read_entities(&t, false, f) != 0 ? -1 : retry_entities(&t, f);
    retry_fini(&t);
    return end;
}

int retry_gaps_of(const struct retry_conf *conf, int32_t generation, struct retry_totals *totals,
                  struct failure *f)
{
    struct retry t;
    int end = -1;

    retry_init(&t, conf, generation, totals);
    open_truth(&t, f);
    if (t.truth && open_store(&t, f) == 0 && read_entities(&t, true, f) == 0)
        end = retry_entities(&t, f);
    retry_fini(&t);
    return end;
}

static int find_letter(struct retry *t, int64_t id, struct entity *ret, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    params_int4(&p, t->generation);
    params_int8(&p, id);
    number = store_add(t->store, &sql_of_letter, &p);
    if (store_trip(t->store, f) != 0)
        return -1;
    res = store_result(t->store, number);
    if (PQntuples(res) == 0)
        return fail(f, FAIL_MESSAGE, "generation %d has no dead letter %lld", t->generation, (long long)id);
    if (strcmp(store_text(res, 0, 4).s, "parked") != 0)
        return fail(f, FAIL_MESSAGE, "dead letter %lld is skipped already", (long long)id);
    *ret = take_entity(res, 0);
    return 0;
}

int retry_letter(const struct retry_conf *conf, int32_t generation, int64_t id, struct retry_totals *totals,
                 struct failure *f)
{
    struct retry t;
    struct entity e;
    int end;

    retry_init(&t, conf, generation, totals);
    open_truth(&t, f);
    end = open_store(&t, f) != 0 || find_letter(&t, id, &e, f) != 0 ? -1 : retry_entity(&t, &e, f);
    retry_fini(&t);
    return end;
}

/* 0: none, or nobody knows. */
static int64_t last_in_truth(struct retry *t, const struct entity *e)
{
    struct arena arena = {.chunks = NULL};
    struct truth_rows rows;
    struct room room;
    struct failure f;
    int64_t version = 0;
    bool found;

    if (!t->truth)
        return 0;
    if (e->subject.what == SUBJECT_RESERVATION &&
        truth_events_now(t->truth, &e->subject.reservation_id, 1, &arena, &rows, &f) == 0 && rows.n_events)
        version = rows.events[rows.n_events - 1].after.version;
    if (e->subject.what == SUBJECT_ROOM &&
        truth_room_now(t->truth, e->subject.room_id, &arena, &room, &found, &f) == 0 && found)
        version = room.version;
    arena_fini(&arena);
    return version;
}

static int skip(struct retry *t, const struct entity *e, const char *by, const char *reason,
                struct failure *f)
{
    struct params p = {.n = 0};
    int64_t last = last_in_truth(t, e);

    if (begin(t, f) != 0)
        return -1;
    params_int4(&p, t->generation);
    params_int8(&p, e->first);
    params_bytes(&p, by, strlen(by));
    params_bytes(&p, reason, strlen(reason));
    params_int8(&p, last);
    store_add(t->store, &sql_skip, &p);
    return commit(t, e, f);
}

int retry_skip(const struct retry_conf *conf, int32_t generation, int64_t id, const char *by,
               const char *reason, struct retry_totals *totals, struct failure *f)
{
    struct retry t;
    struct entity e = {.first = 0};
    int end = -1;

    retry_init(&t, conf, generation, totals);
    open_truth(&t, f);
    if (open_store(&t, f) == 0 && find_letter(&t, id, &e, f) == 0 && skip(&t, &e, by, reason, f) == 0)
        end = retry_entity(&t, &e, f);
    retry_fini(&t);
    return end;
}
