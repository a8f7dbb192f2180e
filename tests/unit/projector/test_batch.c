/* Batches: whatever way the topic is cut and repeated, the outcome is that of applying each event once, in
 * order. */
#include "batch.h"
#include "macros.h"
#include "time.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define RESERVATIONS 12
#define VERSIONS     8
#define ROOMS        3
#define BASE_DAY     20000

/* ---- a read model in memory, filled as apply.c fills the real one ---- */

struct memory {
    struct reservation now[RESERVATIONS]; /* version 0: not there */
    struct event history[RESERVATIONS][VERSIONS + 1];
    char changes[RESERVATIONS][VERSIONS + 1][512];
    int n_history;
    struct arena arena;
    struct buckets buckets;
};

static struct memory *memory_new(void)
{
    struct memory *m = calloc(1, sizeof(*m));

    m->buckets.arena = &m->arena;
    return m;
}

static void memory_free(struct memory *m)
{
    buckets_fini(&m->buckets);
    arena_fini(&m->arena);
    free(m);
}

static int index_of(const struct rr_uuid *id)
{
    return id->b[15];
}

static void store_buckets(struct memory *m, struct batch *b)
{
    for (const struct bucket *k = b->buckets.list; k; k = k->next) {
        struct bucket *stored = buckets_get(&m->buckets, k->room_id, k->day);

        if (!k->dirty)
            continue;
        stored->reservations += k->reservations;
        stored->reserved_minutes += k->reserved_minutes;
        for (int q = 0; q < QUARTERS; q++) {
            stored->starts[q] += k->starts[q];
            stored->minutes[q] += k->minutes[q];
        }
    }
}

static void apply_to_memory(struct memory *m, struct batch *b)
{
    struct failure f;

    for (struct batch_reservation *r = b->reservations; r; r = r->next)
        if (m->now[index_of(&r->id)].version > 0) {
            struct reservation *copy = arena_alloc(&b->arena, sizeof(*copy));

            *copy = m->now[index_of(&r->id)];
            r->stored = copy;
        }
    assert_int_equal(batch_plan(b, &f), 0);
    for (const struct batch_event *e = b->events; e; e = e->next) {
        int i = index_of(&e->event.after.id), v = (int)e->event.after.version;

        if (!e->is_new)
            continue;
        assert_int_equal(m->history[i][v].after.version, 0); /* no event twice */
        m->history[i][v] = e->event;
        strcpy(m->changes[i][v], e->changes.s);
        m->n_history++;
    }
    for (const struct batch_reservation *r = b->reservations; r; r = r->next)
        m->now[index_of(&r->id)] = *r->now;
    store_buckets(m, b);
}

/* ---- a topic ---- */

struct topic {
    struct change changes[RESERVATIONS * VERSIONS];
    size_t n;
};

static struct text title_of(unsigned n)
{
    static const struct text titles[] = {{"one", 3}, {"two", 3}, {NULL, 0}};

    return titles[n % RR_LEN(titles)];
}

static struct event first_event(int reservation, unsigned *seed)
{
    struct event e = {.kind = KIND_CREATED, .recorded_by = {"ann", 3}};

    e.after.id.b[15] = (uint8_t)reservation;
    e.after.user_id = (struct text){"ann", 3};
    e.after.created_at = reservation;
    e.after.room_id = 1 + rand_r(seed) % ROOMS;
    e.after.title = title_of((unsigned)rand_r(seed));
    e.after.starts_at = BASE_DAY * RR_US_PER_DAY + rand_r(seed) % 4000 * RR_US_PER_MIN;
    e.after.ends_at = e.after.starts_at + (1 + rand_r(seed) % 3000) * RR_US_PER_MIN;
    return e;
}

/* Moved, re-roomed, retitled, cancelled, confirmed again or deleted. */
static void change_event(struct event *e, unsigned *seed)
{
    e->kind = KIND_CHANGED;
    switch (rand_r(seed) % 6) {
    case 0:
        e->after.starts_at += RR_US_PER_DAY;
        e->after.ends_at += RR_US_PER_DAY;
        break;
    case 1: e->after.room_id = 1 + rand_r(seed) % ROOMS; break;
    case 2: e->after.title = title_of((unsigned)rand_r(seed)); break;
    case 3:
        e->after.state = STATE_CANCELLED;
        e->kind = KIND_CANCELLED;
        break;
    case 4: e->after.state = STATE_CONFIRMED; break;
    case 5: e->after.ends_at += RR_US_PER_MIN; break;
    }
}

/* A random interleaving of all reservations' versions, each reservation's in order. */
static void fill_topic(struct topic *t, unsigned seed)
{
    struct event last[RESERVATIONS];
    int versions[RESERVATIONS] = {0}, left = RESERVATIONS * VERSIONS;

    t->n = 0;
    while (left > 0) {
        int i = rand_r(&seed) % RESERVATIONS;

        if (versions[i] == VERSIONS || (versions[i] > 0 && last[i].after.deleted)) {
            left -= versions[i] < VERSIONS ? VERSIONS - versions[i] : 0;
            versions[i] = VERSIONS;
            continue;
        }
        if (versions[i] == 0)
            last[i] = first_event(i, &seed);
        else
            change_event(&last[i], &seed);
        if (versions[i] > 2 && rand_r(&seed) % 10 == 0) {
            last[i].kind = KIND_DELETED;
            last[i].after.deleted = true;
        }
        last[i].after.version = ++versions[i];
        last[i].after.updated_at = (int64_t)t->n;
        left--;
        t->changes[t->n++] = (struct change){
            .what = CHANGE_EVENT, .streamed = true, .committed_at = (int64_t)t->n + 1, .event = last[i]};
    }
}

static void apply_in_order(const struct topic *t, struct memory *m)
{
    struct batch b;

    batch_init(&b);
    for (size_t i = 0; i < t->n; i++) {
        batch_reset(&b);
        batch_add(&b, &t->changes[i], (int64_t)i);
        apply_to_memory(m, &b);
    }
    batch_fini(&b);
}

/* Batches of random sizes; often it goes back by some messages, as a connector does that is started again. */
static void apply_cut_and_repeated(const struct topic *t, struct memory *m, unsigned seed)
{
    struct batch b;
    size_t at = 0;

    batch_init(&b);
    while (at < t->n) {
        size_t size = 1 + (size_t)rand_r(&seed) % 20;

        batch_reset(&b);
        while (size-- > 0 && at < t->n) {
            batch_add(&b, &t->changes[at], (int64_t)at);
            at++;
            if (rand_r(&seed) % 10 == 0)
                at -= (size_t)rand_r(&seed) % (at < 15 ? at : 15);
        }
        apply_to_memory(m, &b);
    }
    batch_fini(&b);
}

static bool same_text(struct text a, struct text b)
{
    return a.s && b.s ? strcmp(a.s, b.s) == 0 : a.s == b.s;
}

static void expect_same_reservation(const struct reservation *a, const struct reservation *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->room_id, b->room_id);
    assert_int_equal(a->starts_at, b->starts_at);
    assert_int_equal(a->ends_at, b->ends_at);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->deleted, b->deleted);
    assert_int_equal(a->updated_at, b->updated_at);
    assert_true(same_text(a->title, b->title));
}

static void expect_same_buckets(struct memory *a, struct memory *b)
{
    for (const struct bucket *k = a->buckets.list; k; k = k->next) {
        const struct bucket *other = buckets_get(&b->buckets, k->room_id, k->day);

        assert_int_equal(k->reservations, other->reservations);
        assert_int_equal(k->reserved_minutes, other->reserved_minutes);
        assert_memory_equal(k->starts, other->starts, sizeof(k->starts));
        assert_memory_equal(k->minutes, other->minutes, sizeof(k->minutes));
    }
}

/* The buckets, counted anew from the reservations. */
static void expect_buckets_to_be_right(struct memory *m)
{
    struct memory *counted = memory_new();

    for (int i = 0; i < RESERVATIONS; i++)
        buckets_add(&counted->buckets, &m->now[i], 1);
    expect_same_buckets(m, counted);
    expect_same_buckets(counted, m);
    memory_free(counted);
}

static void any_cut_and_repetition_gives_the_same_outcome(void **state)
{
    struct topic topic;

    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct memory *plain = memory_new(), *other = memory_new();

        fill_topic(&topic, seed);
        apply_in_order(&topic, plain);
        apply_cut_and_repeated(&topic, other, seed * 7919);
        assert_int_equal(plain->n_history, topic.n);
        assert_int_equal(other->n_history, topic.n);
        for (int i = 0; i < RESERVATIONS; i++) {
            expect_same_reservation(&plain->now[i], &other->now[i]);
            for (int v = 1; v <= VERSIONS; v++) {
                expect_same_reservation(&plain->history[i][v].after, &other->history[i][v].after);
                assert_string_equal(plain->changes[i][v], other->changes[i][v]);
            }
        }
        expect_same_buckets(plain, other);
        expect_same_buckets(other, plain);
        expect_buckets_to_be_right(other);
        memory_free(plain);
        memory_free(other);
    }
}

/* ---- single rules ---- */

static struct batch batch;
static struct failure failure;

static int set_up(void **state)
{
    (void)state;
    batch_init(&batch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    batch_fini(&batch);
    return 0;
}

static struct change event_change(int version)
{
    struct change c = {.what = CHANGE_EVENT, .streamed = true, .committed_at = 1000 + version};

    c.event.after = (struct reservation){.version = version,
                                         .room_id = 1,
                                         .user_id = {"ann", 3},
                                         .starts_at = BASE_DAY * RR_US_PER_DAY,
                                         .ends_at = BASE_DAY * RR_US_PER_DAY + RR_US_PER_HOUR};
    return c;
}

static void an_event_that_is_stored_changes_nothing(void **state)
{
    struct change c = event_change(1);
    struct reservation stored = c.event.after;

    (void)state;
    batch_add(&batch, &c, 5);
    batch.reservations->stored = &stored;
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_ptr_equal(batch.reservations->now, &stored);
    assert_false(batch.events->is_new);
    assert_null(batch.buckets.list);
    assert_int_equal(batch.n_stale, 1);
}

static void a_missing_version_is_named(void **state)
{
    struct change c = event_change(3);
    struct reservation stored = event_change(1).event.after;

    (void)state;
    batch_add(&batch, &c, 77);
    batch.reservations->stored = &stored;
    assert_int_equal(batch_plan(&batch, &failure), -1);
    assert_int_equal(failure.kind, FAIL_MESSAGE);
    assert_non_null(strstr(failure.text, "offset 77"));
    assert_non_null(strstr(failure.text, "version 2 is missing"));
}

static void a_gap_is_filled_in_front_of_the_event_that_shows_it(void **state)
{
    struct change c = event_change(1), last = event_change(5);
    struct event missing[] = {event_change(2).event, event_change(3).event, event_change(4).event};

    (void)state;
    batch_add(&batch, &c, 1);
    batch_add(&batch, &last, 2);
    assert_int_equal(batch_plan(&batch, &failure), -1);
    assert_int_equal(batch.n_gaps, 1);
    assert_int_equal(batch.reservations->missing, 2);
    batch_fill(&batch, batch.reservations, missing, RR_LEN(missing));
    last = event_change(6);
    batch_add(&batch, &last, 3);
    batch_unplan(&batch);
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_int_equal(batch.n_gaps, 0);
    assert_int_equal(batch.n_events, 6);
    assert_int_equal(batch.reservations->now->version, 6);
    for (const struct batch_event *e = batch.events; e; e = e->next)
        assert_true(e->is_new);
}

static void behind_a_skipped_version_there_is_no_gap(void **state)
{
    static const int64_t skipped[] = {9, 3};
    struct change c = event_change(4);
    struct reservation stored = event_change(1).event.after;

    (void)state;
    batch_add(&batch, &c, 1);
    c = event_change(6);
    batch_add(&batch, &c, 2);
    batch.reservations->stored = &stored;
    batch.reservations->skipped = skipped;
    batch.reservations->n_skipped = RR_LEN(skipped);
    assert_int_equal(batch_plan(&batch, &failure), -1);
    assert_int_equal(batch.reservations->now->version, 4);
    assert_int_equal(batch.reservations->missing, 5);
}

static void a_booking_cancelled_in_the_same_batch_touches_no_bucket(void **state)
{
    struct change c = event_change(1);

    (void)state;
    batch_add(&batch, &c, 1);
    c = event_change(2);
    c.event.after.state = STATE_CANCELLED;
    batch_add(&batch, &c, 2);
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_int_equal(batch.n_events, 2);
    assert_int_equal(batch.n_reservations, 1);
    assert_null(batch.buckets.list);
}

/* `n` reservations that were a month long and are now an hour. */
static int plan_shortened(size_t n, struct reservation *stored)
{
    for (size_t i = 0; i < n; i++) {
        struct change c = event_change(2);

        c.event.after.id.b[14] = (uint8_t)(i >> 8);
        c.event.after.id.b[15] = (uint8_t)i;
        batch_add(&batch, &c, (int64_t)i);
    }
    for (struct batch_reservation *r = batch.reservations; r; r = r->next, stored++) {
        *stored = r->latest[0];
        stored->version = 1;
        stored->ends_at = stored->starts_at + 30 * RR_US_PER_DAY;
        r->stored = stored;
    }
    return batch_plan(&batch, &failure);
}

static void several_that_leave_too_many_days_are_too_many(void **state)
{
    static struct reservation stored[BATCH_DAYS_MAX / 31 + 1];

    (void)state;
    assert_int_equal(plan_shortened(RR_LEN(stored), stored), -1);
    assert_int_equal(failure.kind, FAIL_MESSAGE);
    assert_int_equal(batch.n_gaps, 0);
    assert_null(batch.buckets.list);
    batch_reset(&batch);
    assert_int_equal(plan_shortened(RR_LEN(stored) - 1, stored), 0);
    assert_non_null(batch.buckets.list);
}

static void days_that_stay_as_they_are_are_not_left(void **state)
{
    static struct reservation stored[BATCH_DAYS_MAX / 31 + 1];

    (void)state;
    assert_int_equal(plan_shortened(RR_LEN(stored), stored), -1);
    for (struct batch_reservation *r = batch.reservations; r; r = r->next)
        stored[r->latest->id.b[14] << 8 | r->latest->id.b[15]].version = 2;
    assert_int_equal(batch_plan(&batch, &failure), 0);
}

static void as_of_is_the_newest_commit_of_streamed_messages(void **state)
{
    struct change newer = event_change(2), older = event_change(1), pulse = {.what = CHANGE_PULSE};

    (void)state;
    batch_add(&batch, &newer, 1);
    batch_add(&batch, &older, 2);
    assert_false(batch.snapshot);
    batch_add(&batch, &pulse, 3); /* a snapshot's */
    assert_int_equal(batch.as_of, 1002);
    assert_false(batch.streamed_pulse);
    assert_true(batch.snapshot);
    pulse.streamed = true;
    pulse.committed_at = 5000;
    batch_add(&batch, &pulse, 4);
    assert_int_equal(batch.as_of, 5000);
    assert_true(batch.streamed_pulse);
}

static struct change room_change(int version, const char *name)
{
    struct change c = {.what = CHANGE_ROOM};

    c.room = (struct room){.id = 1, .version = version, .name = {name, strlen(name)}};
    return c;
}

static void of_several_changes_of_a_room_the_highest_version_counts(void **state)
{
    struct change first = room_change(1, "one"), third = room_change(3, "three"),
                  second = room_change(2, "two");

    (void)state;
    batch_add(&batch, &first, 1);
    batch_add(&batch, &third, 2);
    batch_add(&batch, &second, 3);
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_int_equal(batch.n_rooms, 1);
    assert_string_equal(batch.rooms->room.name.s, "three");
    assert_true(batch.rooms->is_new);
    assert_true(batch.rooms->is_renamed);
}

static void a_room_is_renamed_only_by_a_newer_version_with_another_name(void **state)
{
    struct change c = room_change(2, "one");

    (void)state;
    batch_add(&batch, &c, 1);
    batch.rooms->stored = true;
    batch.rooms->stored_version = 1;
    batch.rooms->stored_name = (struct text){"one", 3};
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_true(batch.rooms->is_new);
    assert_false(batch.rooms->is_renamed);
    batch.rooms->stored_version = 2;
    batch.rooms->stored_name = (struct text){"two", 3};
    assert_int_equal(batch_plan(&batch, &failure), 0);
    assert_false(batch.rooms->is_new);
    assert_false(batch.rooms->is_renamed);
}

static void a_batch_is_empty_after_reset(void **state)
{
    struct change c = event_change(1), room = room_change(1, "one");

    (void)state;
    for (int i = 0; i < 1000; i++) {
        c.event.after.id.b[0] = (uint8_t)i;
        c.event.after.id.b[1] = (uint8_t)(i >> 8);
        batch_add(&batch, &c, i);
    }
    batch_add(&batch, &room, 1000);
    assert_int_equal(batch.n_reservations, 1000);
    batch_reset(&batch);
    assert_int_equal(batch.n_messages + batch.n_events + batch.n_reservations + batch.n_rooms + batch.n_days,
                     0);
    batch_add(&batch, &c, 1);
    assert_int_equal(batch.n_reservations, 1);
    assert_null(batch.reservations->stored);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(an_event_that_is_stored_changes_nothing), TEST(a_missing_version_is_named),
          TEST(a_gap_is_filled_in_front_of_the_event_that_shows_it),
          TEST(behind_a_skipped_version_there_is_no_gap),
          TEST(a_booking_cancelled_in_the_same_batch_touches_no_bucket),
          TEST(as_of_is_the_newest_commit_of_streamed_messages),
          TEST(of_several_changes_of_a_room_the_highest_version_counts),
          TEST(a_room_is_renamed_only_by_a_newer_version_with_another_name),
          TEST(several_that_leave_too_many_days_are_too_many), TEST(days_that_stay_as_they_are_are_not_left),
          TEST(a_batch_is_empty_after_reset), cmocka_unit_test(any_cut_and_repetition_gives_the_same_outcome))
