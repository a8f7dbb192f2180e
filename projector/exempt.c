#include "exempt.h"

#include <string.h>

static const struct statement sql_letters = {
    NULL, "SELECT state = 'parked', reservation_id, room_id,"
          "       CASE WHEN state = 'parked' AND kind IN ('gap', 'lost') THEN 1 ELSE coalesce(version, 0) END"
          " FROM projection.dead_letter WHERE generation = $1::integer ORDER BY id"};

static void add_version(struct exempt *e, struct map *m, struct map_key key, int64_t version)
{
    void **at = map_at(m, key);
    const struct exempt_versions *old = *at;
    struct exempt_versions *new = arena_alloc(&e->arena, sizeof(*new));
    size_t n = old ? old->n : 0;
    int64_t *versions = arena_alloc(&e->arena, (n + 1) * sizeof(*versions));

    if (n)
        memcpy(versions, old->versions, n * sizeof(*versions));
    versions[n] = version;
    *new = (struct exempt_versions){.versions = versions, .n = n + 1};
    *at = new;
}

static void add_parked(struct exempt *e, const struct subject *s)
{
    struct exempt_from **at;

    e->n_parked++;
    parked_put(&e->parked, s);
    if (s->what != SUBJECT_RESERVATION)
        return;
    at = (struct exempt_from **)map_at(&e->from, map_key_uuid(&s->reservation_id));
    if (!*at) {
        *at = arena_alloc(&e->arena, sizeof(**at));
        **at = (struct exempt_from){.version = 0};
    }
    if (s->version && (!(*at)->version || s->version < (*at)->version))
        (*at)->version = s->version;
    (*at)->unknown += !(*at)->version;
}

void exempt_add(struct exempt *e, const struct subject *s, bool is_parked)
{
    if (is_parked) {
        add_parked(e, s);
        return;
    }
    e->n_skipped++;
    if (s->what == SUBJECT_RESERVATION)
        add_version(e, &e->reservations, map_key_uuid(&s->reservation_id), s->version);
    else if (s->what == SUBJECT_ROOM)
        add_version(e, &e->rooms, (struct map_key){.a = (uint64_t)s->room_id}, s->version);
}

static void take_letter(struct exempt *e, const PGresult *res, int row)
{
    struct subject s = {.what = SUBJECT_UNKNOWN, .version = store_int4(res, row, 3)};

    if (!PQgetisnull(res, row, 1)) {
        s.what = SUBJECT_RESERVATION;
        memcpy(s.reservation_id.b, PQgetvalue(res, row, 1), sizeof(s.reservation_id.b));
    } else if (!PQgetisnull(res, row, 2)) {
        s.what = SUBJECT_ROOM;
        s.room_id = store_int8(res, row, 2);
    }
    exempt_add(e, &s, store_bool(res, row, 0));
}

int exempt_load(struct store *s, int32_t generation, struct exempt *ret, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    arena_reset(&ret->arena);
    parked_reset(&ret->parked);
    map_reset(&ret->reservations);
    map_reset(&ret->rooms);
    map_reset(&ret->from);
    ret->n_parked = ret->n_skipped = 0;
    params_int4(&p, generation);
    number = store_add(s, &sql_letters, &p);
    if (store_trip(s, f) != 0)
        return -1;
    res = store_result(s, number);
    for (int i = 0; i < PQntuples(res); i++)
        take_letter(ret, res, i);
    store_clear(s);
    return 0;
}

void exempt_fini(struct exempt *e)
{
    map_fini(&e->reservations);
    map_fini(&e->rooms);
    map_fini(&e->from);
    parked_fini(&e->parked);
    arena_fini(&e->arena);
}

struct exempt_versions exempt_skipped(const struct exempt *e, const struct rr_uuid *id)
{
    const struct exempt_versions *v = map_find(&e->reservations, map_key_uuid(id));

    return v ? *v : (struct exempt_versions){.n = 0};
}

bool exempt_event(const struct exempt *e, const struct rr_uuid *id, int64_t version, int64_t held)
{
    const struct exempt_versions skipped = exempt_skipped(e, id);
    const struct exempt_from *from = map_find(&e->from, map_key_uuid(id));

    for (size_t i = 0; i < skipped.n; i++)
        if (skipped.versions[i] == version)
            return true;
    return from && version > held && version >= from->version - from->unknown;
}

bool exempt_room(const struct exempt *e, int64_t id, int64_t version)
{
    const struct exempt_versions *skipped = map_find(&e->rooms, (struct map_key){.a = (uint64_t)id});

    for (size_t i = 0; skipped && i < skipped->n; i++)
        if (skipped->versions[i] >= version)
            return true;
    return parked_has_room(&e->parked, id);
}
