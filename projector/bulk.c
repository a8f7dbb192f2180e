#include "bulk.h"
#include "apply.h"
#include "changes.h"
#include "copy.h"
#include "usage.h"

#include <string.h>

#define CHUNK_EVENTS 5000

struct bulk {
    const struct store_conf *store;
    int32_t generation;
    struct truth *truth;
    struct progress *progress;
    struct bulk_totals *totals;
    struct arena rooms_arena, chunks[2]; /* the last event of a chunk is needed with the next one */
    struct truth_rooms rooms;
    struct copy *history, *reservations;
    struct usage usage;
    const struct event *last; /* NULL: none yet */
};

/* ---- rooms ---- */

static int fill_rooms(struct bulk *b, struct failure *f)
{
    struct copy *c = NULL;
    int end;

    if (truth_rooms(b->truth, &b->rooms_arena, &b->rooms, f) != 0)
        return -1;
    end = copy_begin(b->store, b->generation, "room",
                     "id, name, location, capacity, active, version, created_at, updated_at", &c, f);
    for (size_t i = 0; i < b->rooms.n && end == 0; i++) {
        const struct room *r = &b->rooms.rooms[i];
        struct pgarray *row = copy_row(c, 8);

        pgarray_int8(row, r->id);
        pgarray_text(row, r->name);
        pgarray_text(row, r->location);
        pgarray_int4(row, (int32_t)r->capacity);
        pgarray_bool(row, r->active);
        pgarray_int4(row, (int32_t)r->version);
        pgarray_time(row, r->created_at);
        pgarray_time(row, r->updated_at);
        end = copy_flush(c, f);
    }
    if (end == 0)
        end = copy_end(c, f);
    copy_free(c);
    b->totals->rooms = b->rooms.n;
    return end;
}

/* ---- events and reservations ---- */

static int put_event(struct bulk *b, const struct event *before, const struct event *e, struct arena *arena,
                     struct failure *f)
{
    b->totals->events++;
    return copy_event(b->history, e, changes_json(arena, before ? &before->after : NULL, e), f);
}

static int put_reservation(struct bulk *b, const struct reservation *r, struct failure *f)
{
    static const struct text null = {.s = NULL};
    const struct room *room = truth_find_room(&b->rooms, r->room_id);

    usage_add(&b->usage, r);
    b->totals->reservations++;
    return copy_reservation(b->reservations, r, room ? room->name : null, room ? room->location : null, f);
}

static int take_event(struct bulk *b, const struct event *e, struct arena *arena, struct failure *f)
{
    const struct event *last = b->last;
    bool follows = last && memcmp(last->after.id.b, e->after.id.b, sizeof(e->after.id.b)) == 0;

    if (last && !follows && put_reservation(b, &last->after, f) != 0)
        return -1;
    b->last = e;
    return put_event(b, follows ? last : NULL, e, arena, f);
}

static int take_events(struct bulk *b, struct failure *f)
{
    struct rr_uuid id = {.b = {0}};
    struct truth_rows rows;
    int turn = 0;

    do {
        struct arena *arena = &b->chunks[turn ^= 1];

        arena_reset(arena);
        if (b->last)
            id = b->last->after.id;
        if (truth_events_after(b->truth, &id, b->last ? b->last->after.version : 0, CHUNK_EVENTS, arena,
                               &rows, f) != 0)
            return -1;
        for (size_t i = 0; i < rows.n_events; i++)
            if (take_event(b, &rows.events[i], arena, f) != 0)
                return -1;
        progress_at(b->progress, b->totals->events);
    } while (rows.n_events == CHUNK_EVENTS);
    return b->last ? put_reservation(b, &b->last->after, f) : 0;
}

static int fill_reservations(struct bulk *b, struct failure *f)
{
    if (copy_begin(b->store, b->generation, "reservation_history", copy_event_columns, &b->history, f) != 0 ||
        copy_begin(b->store, b->generation, "reservation", copy_reservation_columns, &b->reservations, f) !=
            0)
        return -1;
    if (take_events(b, f) != 0 || copy_end(b->history, f) != 0)
        return -1;
    return copy_end(b->reservations, f);
}

/* ---- days ---- */

struct days {
    struct copy *rooms, *total;
    struct pgarray quarters;
};

static int put_quarters(struct copy *c, struct pgarray *a, const struct bucket *k, const int32_t *quarters,
                        struct failure *f)
{
    pgarray_begin(a, k->room_id == ALL_ROOMS ? PG_INT4 : PG_INT2);
    if (apply_quarters(a, k, quarters, 0, QUARTERS, f) != 0)
        return -1;
    copy_array(c, a);
    return 0;
}

static int put_day(struct days *d, const struct bucket *k, struct failure *f)
{
    bool all_rooms = k->room_id == ALL_ROOMS;
    struct copy *c = all_rooms ? d->total : d->rooms;
    struct pgarray *row = copy_row(c, all_rooms ? 5 : 6);

    pgarray_date(row, k->day);
    if (!all_rooms)
        pgarray_int8(row, k->room_id);
    pgarray_int4(row, k->reservations);
    pgarray_int4(row, k->reserved_minutes);
    if (put_quarters(c, &d->quarters, k, k->starts, f) != 0 ||
        put_quarters(c, &d->quarters, k, k->minutes, f) != 0)
        return -1;
    return copy_flush(c, f);
}

static int put_days(struct bulk *b, struct days *d, struct failure *f)
{
    struct arena arena = {.chunks = NULL};
    struct buckets buckets = {.arena = &arena};
    int64_t day;
    int end = 0;

    progress_step(b->progress, "days", b->usage.n_days);
    for (size_t n = 0; end == 0 && usage_next(&b->usage, &buckets, &day); n++) {
        for (const struct bucket *k = buckets.list; k && end == 0; k = k->next) {
            end = put_day(d, k, f);
            b->totals->room_days += k->room_id != ALL_ROOMS;
        }
        buckets_reset(&buckets);
        arena_reset(&arena);
        progress_at(b->progress, n);
    }
    buckets_fini(&buckets);
    arena_fini(&arena);
    return end;
}

static int fill_days(struct bulk *b, struct failure *f)
{
    static const char columns[] = "day, room_id, reservations, reserved_minutes, starts, minutes";
    static const char total_columns[] = "day, reservations, reserved_minutes, starts, minutes";
    struct days d = {.rooms = NULL};
    int end = -1;

    if (copy_begin(b->store, b->generation, "room_day", columns, &d.rooms, f) == 0 &&
        copy_begin(b->store, b->generation, "total_day", total_columns, &d.total, f) == 0 &&
        put_days(b, &d, f) == 0 && copy_end(d.rooms, f) == 0)
        end = copy_end(d.total, f);
    copy_free(d.rooms);
    copy_free(d.total);
    pgarray_fini(&d.quarters);
    return end;
}

int bulk_fill(const struct store_conf *store, int32_t generation, struct truth *truth,
              struct progress *progress, struct bulk_totals *totals, struct failure *f)
{
    struct bulk b = {
        .store = store, .generation = generation, .truth = truth, .progress = progress, .totals = totals};
    size_t events = 0;
    int end;

    *totals = (struct bulk_totals){.events = 0};
    end = truth_count_events(truth, &events, f);
    if (end == 0)
        end = fill_rooms(&b, f);
    if (end == 0) {
        progress_step(progress, "events", events);
        end = fill_reservations(&b, f);
    }
    if (end == 0)
        end = fill_days(&b, f);
    copy_free(b.history);
    copy_free(b.reservations);
    usage_fini(&b.usage);
    arena_fini(&b.chunks[0]);
    arena_fini(&b.chunks[1]);
    arena_fini(&b.rooms_arena);
    return end;
}
