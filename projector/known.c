#include "known.h"
#include "compare.h"
#include "held.h"

#include <stdio.h>
#include <string.h>

static const struct statement sql_events = {
    "known_events", "SELECT " HELD_EVENT " FROM unnest($1::uuid[], $2::integer[]) AS k(id, v)"
                    " JOIN reservation_history h ON h.reservation_id = k.id AND h.version = k.v"};
static const struct statement sql_rooms = {"known_rooms",
                                           "SELECT " HELD_ROOM " FROM room WHERE id = ANY ($1::bigint[])"};
const struct statement *const known_statements[] = {&sql_events, &sql_rooms};
const size_t known_n_statements = RR_LEN(known_statements);

/* Ends with the answer: `words` say what differs, or are empty. */
static int judge(struct rr_buf *words, const char *what, const char *id, int64_t version, struct failure *f)
{
    int end = 0;

    if (words->len)
        end = fail(f, FAIL_REWOUND, "%s %s, version %lld, has come with other content: %.400s", what, id,
                   (long long)version, words->data);
    rr_buf_fini(words);
    return end;
}

static int same_event(const struct event *held, const struct event *e, struct failure *f)
{
    struct rr_buf words = {.data = NULL};
    char id[RR_UUID_TEXT];

    compare_event_words(held, e, &words);
    return judge(&words, "reservation", rr_uuid_format(&e->after.id, id), e->after.version, f);
}

static int same_room(const struct room *held, const struct room *room, struct failure *f)
{
    struct rr_buf words = {.data = NULL};
    char id[24];

    compare_room_words(held, room, &words);
    snprintf(id, sizeof(id), "%lld", (long long)room->id);
    return judge(&words, "room", id, room->version, f);
}

static bool has_come_again(const struct batch_event *e)
{
    const struct reservation *now = e->reservation->now;

    return !e->is_new && now && e->event.after.version <= now->version;
}

/* Whether the read model had that version before the batch. */
static bool is_stored(const struct batch_event *e)
{
    const struct reservation *stored = e->reservation->stored;

    return stored && e->event.after.version <= stored->version;
}

static struct map_key key_of(const struct event *e)
{
    struct map_key key = map_key_uuid(&e->after.id);

    key.b ^= (uint64_t)e->after.version * UINT64_C(0x9E3779B97F4A7C15);
    return key;
}

static bool is_one_version(const struct event *a, const struct event *b)
{
    return a->after.version == b->after.version &&
           memcmp(a->after.id.b, b->after.id.b, sizeof(a->after.id.b)) == 0;
}

/* The events that have come again, by key; a second one of a version is compared with the first. */
static int collect(const struct batch *b, struct map *again, struct failure *f)
{
    for (const struct batch_event *e = b->events; e; e = e->next) {
        const struct event **at;

        if (!e->is_new && !has_come_again(e))
            continue;
        at = (const struct event **)map_at(again, key_of(&e->event));
        if (*at && is_one_version(*at, &e->event) && same_event(*at, &e->event, f) != 0)
            return -1;
        if (!*at)
            *at = &e->event;
    }
    return 0;
}

static int compare_stored(struct store *s, struct pgarray column[2], const struct batch *b, struct map *again,
                          struct failure *f)
{
    struct params p = {.n = 0};
    struct held_rows held;
    struct arena arena = {.chunks = NULL};
    int number, end = 0;

    pgarray_begin(&column[0], PG_UUID);
    pgarray_begin(&column[1], PG_INT4);
    for (const struct batch_event *e = b->events; e; e = e->next)
        if (has_come_again(e) && is_stored(e)) {
            pgarray_uuid(&column[0], &e->event.after.id);
            pgarray_int4(&column[1], (int32_t)e->event.after.version);
        }
    if (column[0].n == 0)
        return 0;
    params_array(&p, &column[0]);
    params_array(&p, &column[1]);
    number = store_add(s, &sql_events, &p);
    if (store_trip(s, f) != 0)
        return -1;
    held_take_events(store_result(s, number), &arena, &held);
    for (size_t i = 0; i < held.n_events && end == 0; i++) {
        const struct event *e = *map_at(again, key_of(&held.events[i]));

        if (e && is_one_version(e, &held.events[i]))
            end = same_event(&held.events[i], e, f);
    }
    arena_fini(&arena);
    return end;
}

static int check_events(struct store *s, struct pgarray column[2], const struct batch *b, struct failure *f)
{
    struct map again = {.entries = NULL};
    int end = collect(b, &again, f);

    if (end == 0)
        end = compare_stored(s, column, b, &again, f);
    map_fini(&again);
    return end;
}

static bool room_has_come_again(const struct batch_room *r)
{
    return r->stored && r->stored_version == r->room.version;
}

static int check_rooms(struct store *s, struct pgarray column[2], struct batch *b, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    for (const struct batch_room *r = b->rooms; r; r = r->next)
        if (r->other && same_room(&r->room, r->other, f) != 0)
            return -1;
    pgarray_begin(&column[0], PG_INT8);
    for (const struct batch_room *r = b->rooms; r; r = r->next)
        if (room_has_come_again(r))
            pgarray_int8(&column[0], r->room.id);
    if (column[0].n == 0)
        return 0;
    params_array(&p, &column[0]);
    number = store_add(s, &sql_rooms, &p);
    if (store_trip(s, f) != 0)
        return -1;
    res = store_result(s, number);
    for (int i = 0; i < PQntuples(res); i++) {
        struct arena arena = {.chunks = NULL};
        struct room held;
        const struct batch_room *r;
        int end;

        held_take_room(res, i, &arena, &held);
        r = *map_at(&b->room_map, (struct map_key){.a = (uint64_t)held.id});
        end = same_room(&held, &r->room, f);
        arena_fini(&arena);
        if (end != 0)
            return -1;
    }
    return 0;
}

int known_check(struct store *s, struct pgarray column[2], struct batch *b, struct failure *f)
{
    if (b->n_stale > 0 && check_events(s, column, b, f) != 0)
        return -1;
    return check_rooms(s, column, b, f);
}
