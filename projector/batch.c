#include "batch.h"
#include "changes.h"
#include "time.h"

#include <string.h>

const char *const letter_kind_names[] = {"message", "gap", "lost", "behind", NULL};
_Static_assert(RR_LEN(letter_kind_names) == LETTER_KINDS + 1, "each kind of letter has its name");

void batch_init(struct batch *b)
{
    memset(b, 0, sizeof(*b));
    b->buckets.arena = &b->arena;
    b->events_end = &b->events;
    b->letters_end = &b->letters;
    b->reservations_end = &b->reservations;
}

void batch_fini(struct batch *b)
{
    map_fini(&b->reservation_map);
    map_fini(&b->room_map);
    buckets_fini(&b->buckets);
    arena_fini(&b->arena);
}

void batch_reset(struct batch *b)
{
    map_reset(&b->reservation_map);
    map_reset(&b->room_map);
    buckets_reset(&b->buckets);
    arena_reset(&b->arena);
    b->events = NULL;
    b->events_end = &b->events;
    b->reservations = NULL;
    b->reservations_end = &b->reservations;
    b->rooms = NULL;
    b->letters = NULL;
    b->letters_end = &b->letters;
    b->n_letters = b->n_gaps = 0;
    b->unreadable = false;
    b->n_messages = b->n_events = b->n_reservations = b->n_rooms = b->n_pulses = b->n_days = b->n_stale = 0;
    b->as_of = 0;
    b->streamed_pulse = b->snapshot = false;
}

/* ---- collecting ---- */

static struct batch_reservation *reservation_of(struct batch *b, const struct rr_uuid *id)
{
    void **at = map_at(&b->reservation_map, map_key_uuid(id));

    if (!*at) {
        struct batch_reservation *r = arena_alloc(&b->arena, sizeof(*r));

        *r = (struct batch_reservation){.id = *id};
        *b->reservations_end = r;
        b->reservations_end = &r->next;
        b->n_reservations++;
        *at = r;
    }
    return *at;
}

static size_t days_of(const struct reservation *r)
{
    return (size_t)((r->ends_at - r->starts_at) / RR_US_PER_DAY) + 1;
}

static void add_event(struct batch *b, const struct change *c, int64_t offset)
{
    struct batch_event *e = arena_alloc(&b->arena, sizeof(*e));
    struct batch_reservation *r = reservation_of(b, &c->event.after.id);

    *e = (struct batch_event){
        .event = c->event, .reservation = r, .offset = offset, .committed_at = c->committed_at};
    e->unnamed = b->parked && parked_has_room(b->parked, c->event.after.room_id);
    *b->events_end = e;
    b->events_end = &e->next;
    b->n_events++;
    b->n_days += days_of(&c->event.after);
    if (!r->latest || r->latest->version < e->event.after.version)
        r->latest = &e->event.after;
}

static void add_room(struct batch *b, const struct change *c)
{
    void **at = map_at(&b->room_map, (struct map_key){.a = (uint64_t)c->room.id});
    struct batch_room *r = *at;

    if (!r) {
        *at = r = arena_alloc(&b->arena, sizeof(*r));
        *r = (struct batch_room){.room = c->room, .next = b->rooms};
        b->rooms = r;
        b->n_rooms++;
    } else if (r->room.version < c->room.version) {
        r->room = c->room;
        r->other = NULL;
    } else if (r->room.version == c->room.version) {
        struct room *other = arena_alloc(&b->arena, sizeof(*other));

        *other = c->room;
        r->other = other;
    }
}

void batch_add(struct batch *b, const struct change *c, int64_t offset)
{
    b->n_messages++;
    switch (c->what) {
    case CHANGE_EVENT: add_event(b, c, offset); break;
    case CHANGE_ROOM: add_room(b, c); break;
    case CHANGE_PULSE:
        b->n_pulses++;
        b->streamed_pulse |= c->streamed;
        break;
    case CHANGE_IGNORED: return;
    }
    b->snapshot |= !c->streamed;
    if (c->committed_at > b->as_of)
        b->as_of = c->committed_at;
}

void batch_park(struct batch *b, const struct letter *l, int64_t committed_at)
{
    struct letter *copy = arena_alloc(&b->arena, sizeof(*copy));

    *copy = *l;
    copy->next = NULL;
    *b->letters_end = copy;
    b->letters_end = &copy->next;
    b->n_letters++;
    b->n_messages++;
    b->unreadable |= l->subject.what == SUBJECT_UNKNOWN;
    if (committed_at > b->as_of)
        b->as_of = committed_at;
}

/* The list has no way back, so the gap's event moves behind what is put in. */
void batch_fill(struct batch *b, struct batch_reservation *r, const struct event *events, size_t n)
{
    struct batch_event *at = r->gap, *last = arena_alloc(&b->arena, sizeof(*last));

    *last = *at;
    for (size_t i = 0; i < n; i++) {
        struct batch_event *next = i + 1 < n ? arena_alloc(&b->arena, sizeof(*next)) : last;

        *at =
            (struct batch_event){.event = events[i],
                                 .reservation = r,
                                 .offset = last->offset,
                                 .next = next,
                                 .unnamed = b->parked && parked_has_room(b->parked, events[i].after.room_id)};
        at = next;
    }
    if (!last->next)
        b->events_end = &last->next;
    r->gap = NULL;
    b->n_events += n;
}

/* ---- planning ---- */

void batch_unplan(struct batch *b)
{
    for (struct batch_reservation *r = b->reservations; r; r = r->next)
        r->stored = NULL;
    for (struct batch_room *r = b->rooms; r; r = r->next)
        r->stored = false;
    buckets_reset(&b->buckets);
}

static bool was_skipped(const struct batch_reservation *r, int64_t version)
{
    for (size_t i = 0; i < r->n_skipped; i++)
        if (r->skipped[i] == version)
            return true;
    return false;
}

static int gap(const struct batch_event *e, int64_t expected, struct failure *f)
{
    char id[RR_UUID_TEXT];

    return fail(f, FAIL_MESSAGE, "offset %lld: reservation %s: version %lld arrived, version %lld is missing",
                (long long)e->offset, rr_uuid_format(&e->event.after.id, id),
                (long long)e->event.after.version, (long long)expected);
}

static void plan_event(struct batch *b, struct batch_event *e)
{
    struct batch_reservation *r = e->reservation;
    int64_t version = r->now ? r->now->version : 0, before = e->event.after.version - 1;

    e->is_new = false;
    if (r->gap)
        return;
    if (before < version) {
        b->n_stale++;
        return;
    }
    if (before != version && !was_skipped(r, before)) {
        r->gap = e;
        r->missing = version + 1;
        b->n_gaps++;
        return;
    }
    e->is_new = true;
    e->changes = changes_json(&b->arena, r->now, &e->event);
    r->now = &e->event.after;
    r->unnamed = e->unnamed;
}

static void plan_room(struct batch *b, struct batch_room *r)
{
    r->is_new = !r->stored || r->stored_version < r->room.version;
    if (!r->is_new)
        b->n_stale++;
    r->is_renamed = r->is_new && !(r->stored && text_same(r->stored_name, r->room.name) &&
                                   text_same(r->stored_location, r->room.location));
}

/* What comes in bounds how many days it may fill, not how many it may leave. */
static int check_days_left(const struct batch *b, struct failure *f)
{
    size_t days = 0;

    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        if (reservation_counts(r->stored) && !reservation_same_use(r->stored, r->now))
            days += days_of(r->stored);
    if (days <= BATCH_DAYS_MAX || b->n_messages < 2)
        return 0;
    return fail(f, FAIL_MESSAGE, "%zu messages change what %zu days hold: too many at a time", b->n_messages,
                days);
}

int batch_plan(struct batch *b, struct failure *f)
{
    b->n_stale = b->n_gaps = 0;
    for (struct batch_reservation *r = b->reservations; r; r = r->next) {
        r->now = r->stored;
        r->gap = NULL;
    }
    for (struct batch_event *e = b->events; e; e = e->next)
        plan_event(b, e);
    for (struct batch_reservation *r = b->n_gaps ? b->reservations : NULL; r; r = r->next)
        if (r->gap)
            return gap(r->gap, r->missing, f);
    if (check_days_left(b, f) != 0)
        return -1;
    for (struct batch_room *r = b->rooms; r; r = r->next)
        plan_room(b, r);
    for (struct batch_reservation *r = b->reservations; r; r = r->next)
        if (!reservation_same_use(r->stored, r->now)) {
            buckets_add(&b->buckets, r->stored, -1);
            buckets_add(&b->buckets, r->now, 1);
        }
    return 0;
}
