#include "letters.h"
#include "log.h"

#include <string.h>

static const struct statement sql_parked = {
    NULL, "SELECT DISTINCT ON (reservation_id, room_id) reservation_id, room_id, kind = 'gap'"
          " FROM projection.dead_letter WHERE generation = $1::integer AND state = 'parked'"
          " ORDER BY reservation_id, room_id, id"};
static const struct statement sql_skipped = {
    NULL, "SELECT reservation_id, version FROM projection.dead_letter"
          " WHERE generation = $1::integer AND state = 'skipped' AND reservation_id = ANY ($2::uuid[])"
          "   AND version IS NOT NULL"};
static const struct statement sql_given_up = {
    NULL, "SELECT topic_offset, key, value FROM projection.dead_letter"
          " WHERE generation = $1::integer AND state = 'skipped' AND topic_offset >= $2::bigint"};
/* What comes again of a version that is applied, or waits already, is nothing new: unless it is the first to
 * be parked, for then nothing else says why the later ones wait. Nor is a message, readable or not, that
 * waits itself and is read once more. */
static const struct statement sql_add = {
    NULL,
    "INSERT INTO projection.dead_letter"
    " (generation, kind, reservation_id, room_id, version, topic_offset, key, value, reason)"
    " SELECT $1::integer, l.kind, l.reservation_id, l.room_id, l.version, l.topic_offset, l.key, l.value,"
    "        l.reason"
    " FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::integer[], $6::bigint[], $7::bytea[],"
    "             $8::bytea[], $9::text[]) WITH ORDINALITY"
    "   AS l(kind, reservation_id, room_id, version, topic_offset, key, value, reason, n)"
    " WHERE NOT (l.kind = 'behind' AND EXISTS (SELECT FROM reservation_history h"
    "              WHERE h.reservation_id = l.reservation_id AND h.version = l.version))"
    "   AND NOT EXISTS (SELECT FROM projection.dead_letter d"
    "        WHERE d.generation = $1::integer AND d.state = 'parked' AND d.version = l.version"
    "          AND (d.reservation_id = l.reservation_id OR d.room_id = l.room_id)"
    "          AND (d.kind = 'behind') = (l.kind = 'behind'))"
    "   AND NOT EXISTS (SELECT FROM projection.dead_letter d"
    "        WHERE d.generation = $1::integer AND d.state = 'parked' AND d.topic_offset = l.topic_offset"
    "          AND (d.key, d.value) IS NOT DISTINCT FROM (l.key, l.value))"
    " ORDER BY l.n"};
static const struct statement sql_count = {
    NULL, "SELECT parked, halted IS NOT NULL FROM projection.position WHERE generation = $1::integer"};
static const struct statement sql_breaker = {
    NULL, "SELECT projection.check_breaker($1::integer, $2::bigint, make_interval(secs => $3::integer))"};
static const struct statement sql_halt = {NULL, "SELECT projection.halt($1::integer, 'breaker', $2::text)"};

int letters_parked(struct store *s, int32_t generation, struct parked *ret, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    parked_reset(ret);
    params_int4(&p, generation);
    number = store_add(s, &sql_parked, &p);
    if (store_trip(s, f) != 0)
        return -1;
    res = store_result(s, number);
    for (int i = 0; i < PQntuples(res); i++) {
        struct subject subject = {.what = SUBJECT_UNKNOWN};

        if (!PQgetisnull(res, i, 0)) {
            subject.what = SUBJECT_RESERVATION;
            memcpy(subject.reservation_id.b, PQgetvalue(res, i, 0), sizeof(subject.reservation_id.b));
        } else if (!PQgetisnull(res, i, 1)) {
            subject.what = SUBJECT_ROOM;
            subject.room_id = store_int8(res, i, 1);
        }
        parked_put(ret, &subject);
        ret->n_gaps += store_bool(res, i, 2);
    }
    store_clear(s);
    return 0;
}

int letters_given_up(struct store *s, int32_t generation, int64_t offset, struct skipped *ret,
                     struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    skipped_reset(ret);
    params_int4(&p, generation);
    params_int8(&p, offset);
    if (store_ask(s, &sql_given_up, &p, &res, f) != 0)
        return -1;
    for (int i = 0; i < PQntuples(res); i++)
        skipped_put(ret, store_int8(res, i, 0), store_text(res, i, 1), store_text(res, i, 2));
    store_clear(s);
    return 0;
}

static void take_skipped(struct batch *b, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        struct rr_uuid id;
        struct batch_reservation *r;
        int64_t *skipped;

        memcpy(id.b, PQgetvalue(res, i, 0), sizeof(id.b));
        r = map_find(&b->reservation_map, map_key_uuid(&id));
        skipped = arena_alloc(&b->arena, (r->n_skipped + 1) * sizeof(*skipped));
        if (r->n_skipped)
            memcpy(skipped, r->skipped, r->n_skipped * sizeof(*skipped));
        skipped[r->n_skipped++] = store_int4(res, i, 1);
        r->skipped = skipped;
    }
}

int letters_skipped(struct store *s, int32_t generation, struct batch *b, struct failure *f)
{
    struct params p = {.n = 0};
    struct pgarray ids = {.n = 0};
    int number;

    pgarray_begin(&ids, PG_UUID);
    for (struct batch_reservation *r = b->reservations; r; r = r->next)
        if (r->gap) {
            r->n_skipped = 0;
            pgarray_uuid(&ids, &r->id);
        }
    store_clear(s);
    params_int4(&p, generation);
    params_array(&p, &ids);
    number = store_add(s, &sql_skipped, &p);
    pgarray_fini(&ids);
    if (store_trip(s, f) != 0)
        return -1;
    take_skipped(b, store_result(s, number));
    store_clear(s);
    return 0;
}

/* ---- parking ---- */

enum { KIND, RESERVATION, ROOM, VERSION, OFFSET, KEY, VALUE, REASON, COLUMNS };

static void add_letter(struct pgarray c[COLUMNS], const struct letter *l)
{
    const char *kind = letter_kind_names[l->kind];

    pgarray_text(&c[KIND], (struct text){.s = kind, .n = strlen(kind)});
    if (l->subject.what == SUBJECT_RESERVATION)
        pgarray_uuid(&c[RESERVATION], &l->subject.reservation_id);
    else
        pgarray_null(&c[RESERVATION]);
    if (l->subject.what == SUBJECT_ROOM)
        pgarray_int8(&c[ROOM], l->subject.room_id);
    else
        pgarray_null(&c[ROOM]);
    if (l->subject.version)
        pgarray_int4(&c[VERSION], (int32_t)l->subject.version);
    else
        pgarray_null(&c[VERSION]);
    pgarray_int8(&c[OFFSET], l->offset);
    pgarray_text(&c[KEY], l->key);
    pgarray_text(&c[VALUE], l->value);
    pgarray_text(&c[REASON], l->reason);
}

static void add_rows(struct store *s, const struct batch *b, int32_t generation)
{
    static const enum pg_type types[COLUMNS] = {PG_TEXT, PG_UUID,  PG_INT8,  PG_INT4,
                                                PG_INT8, PG_BYTEA, PG_BYTEA, PG_TEXT};
    struct pgarray c[COLUMNS] = {{.n = 0}};
    struct params p = {.n = 0};

    for (int i = 0; i < COLUMNS; i++)
        pgarray_begin(&c[i], types[i]);
    for (const struct letter *l = b->letters; l; l = l->next)
        add_letter(c, l);
    params_int4(&p, generation);
    for (int i = 0; i < COLUMNS; i++)
        params_array(&p, &c[i]);
    store_add(s, &sql_add, &p);
    for (int i = 0; i < COLUMNS; i++)
        pgarray_fini(&c[i]);
}

static void add_breaker(struct store *s, int32_t generation, const struct breaker_conf *conf)
{
    struct params p = {.n = 0};

    params_int4(&p, generation);
    params_int8(&p, conf->events);
    params_int4(&p, (int32_t)conf->window_s);
    store_add(s, &sql_breaker, &p);
}

static void add_halt(struct store *s, int32_t generation)
{
    static const char why[] =
        "a message was parked whose key cannot be read: nobody knows what it belongs to, "
        "nor what has to wait behind it";
    struct params p = {.n = 0};

    params_int4(&p, generation);
    params_bytes(&p, why, strlen(why));
    store_add(s, &sql_halt, &p);
}

int letters_add(struct store *s, const struct batch *b, int32_t generation, const struct breaker_conf *conf)
{
    struct params p = {.n = 0};

    add_rows(s, b, generation);
    if (b->unreadable)
        add_halt(s, generation);
    else
        add_breaker(s, generation, conf);
    params_int4(&p, generation);
    return store_add(s, &sql_count, &p);
}

void letters_tell(const struct batch *b)
{
    char id[RR_UUID_TEXT];

    for (const struct letter *l = b->letters; l; l = l->next)
        if (l->kind != LETTER_BEHIND)
            rr_error("PARKED: an event that cannot be applied; later ones of it wait",
                     "offset=%lld reservation=%s room=%lld version=%lld reason=%s", (long long)l->offset,
                     l->subject.what == SUBJECT_RESERVATION ? rr_uuid_format(&l->subject.reservation_id, id)
                                                            : "",
                     (long long)l->subject.room_id, (long long)l->subject.version, RR_Q(l->reason.s));
}
