#include "apply_copy.h"
#include "apply_sql.h"
#include "copy.h"

#include <string.h>

/* By measurement: docs/benchmarks.md, bench/project. */
#define MIN_MESSAGES 500

bool apply_copy_pays(const struct batch *b)
{
    return b->n_messages >= MIN_MESSAGES;
}

static bool is_new(const struct batch_reservation *r)
{
    return r->now && !r->stored;
}

static struct map_key room_key(int64_t id)
{
    return (struct map_key){.a = (uint64_t)id};
}

/* ---- the history ---- */

static int copy_history(struct store *s, const struct batch *b, struct failure *f)
{
    struct copy *c = NULL;
    int end = copy_into(s, "reservation_history", copy_event_columns, &c, f);

    for (const struct batch_event *e = b->events; e && end == 0; e = e->next)
        if (e->is_new)
            end = copy_event(c, &e->event, e->changes, f);
    if (end == 0)
        end = copy_end(c, f);
    copy_free(c);
    return end;
}

/* ---- reservations, with what their rooms are called after the batch ---- */

struct room_words {
    struct text name, location;
};

struct rooms {
    struct map map; /* of struct room_words, in the arena */
    struct arena arena;
    struct pgarray ids; /* of those that have to be read */
};

static struct room_words *add_room(struct rooms *rooms, int64_t id, const struct batch_room *in_batch)
{
    struct room_words *w = arena_alloc(&rooms->arena, sizeof(*w));

    *w = (struct room_words){.name = {.s = NULL}};
    if (in_batch && in_batch->is_new)
        *w = (struct room_words){.name = in_batch->room.name, .location = in_batch->room.location};
    else
        pgarray_int8(&rooms->ids, id);
    return w;
}

static void collect_rooms(struct rooms *rooms, const struct batch *b)
{
    pgarray_begin(&rooms->ids, PG_INT8);
    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        if (is_new(r)) {
            struct map_key key = room_key(r->now->room_id);
            void **at = map_at(&rooms->map, key);

            if (!*at)
                *at = add_room(rooms, r->now->room_id, map_find(&b->room_map, key));
        }
}

/* A room that is not there has no name yet. */
static int read_rooms(struct rooms *rooms, struct store *s, struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;
    int number;

    params_array(&p, &rooms->ids);
    number = store_add(s, &sql_rooms_read, &p);
    if (store_trip(s, f) != 0)
        return -1;
    res = store_result(s, number);
    for (int i = 0; i < PQntuples(res); i++) {
        struct room_words *w = map_find(&rooms->map, room_key(store_int8(res, i, 0)));

        *w = (struct room_words){.name = store_text(res, i, 2), .location = store_text(res, i, 3)};
    }
    return 0;
}

static int copy_new_reservations(struct store *s, const struct batch *b, const struct rooms *rooms,
                                 struct failure *f)
{
    struct copy *c = NULL;
    int end = copy_into(s, "reservation", copy_reservation_columns, &c, f);

    for (const struct batch_reservation *r = b->reservations; r && end == 0; r = r->next)
        if (is_new(r)) {
            const struct room_words *w = map_find(&rooms->map, room_key(r->now->room_id));

            end = copy_reservation(c, r->now, w->name, w->location, f);
        }
    if (end == 0)
        end = copy_end(c, f);
    copy_free(c);
    return end;
}

int apply_copy(struct store *s, const struct batch *b, struct failure *f)
{
    struct rooms rooms = {.ids = {.n = 0}};
    int end;

    collect_rooms(&rooms, b);
    end = read_rooms(&rooms, s, f);
    if (end == 0)
        end = copy_history(s, b, f);
    if (end == 0)
        end = copy_new_reservations(s, b, &rooms, f);
    pgarray_fini(&rooms.ids);
    map_fini(&rooms.map);
    arena_fini(&rooms.arena);
    return end;
}
