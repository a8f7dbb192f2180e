/* Usage: what is collected and given back day by day is what the buckets of all reservations at once hold. */
#include "macros.h"
#include "time.h"
#include "unit.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

static struct arena arena, day_arena;
static struct buckets all, day;
static struct usage usage;

static int set_up(void **state)
{
    (void)state;
    all = (struct buckets){.arena = &arena};
    day = (struct buckets){.arena = &day_arena};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buckets_fini(&all);
    buckets_fini(&day);
    usage_fini(&usage);
    arena_fini(&arena);
    arena_fini(&day_arena);
    return 0;
}

static void add(const struct reservation *r)
{
    buckets_add(&all, r, 1);
    usage_add(&usage, r);
}

static size_t count(const struct buckets *b)
{
    size_t n = 0;

    for (const struct bucket *k = b->list; k; k = k->next)
        n++;
    return n;
}

static void expect_same(const struct bucket *k)
{
    const struct bucket *other = buckets_get(&all, k->room_id, k->day);

    assert_int_equal(k->reservations, other->reservations);
    assert_int_equal(k->reserved_minutes, other->reserved_minutes);
    assert_memory_equal(k->starts, other->starts, sizeof(k->starts));
    assert_memory_equal(k->minutes, other->minutes, sizeof(k->minutes));
}

static void every_day_comes_once_in_order_and_whole(void **state)
{
    unsigned seed = 7;
    size_t given = 0;
    int64_t at, before = INT64_MIN;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        int64_t from = ((int64_t)(rand_r(&seed) % 300000) - 100000) * RR_US_PER_MIN;
        int64_t length = 1 + (i % 5 == 0 ? rand_r(&seed) % 44640 : rand_r(&seed) % 200);

        add(&(struct reservation){.room_id = 1 + rand_r(&seed) % 9,
                                  .starts_at = from,
                                  .ends_at = from + length * RR_US_PER_MIN,
                                  .state = i % 4 == 0 ? STATE_CANCELLED : STATE_CONFIRMED,
                                  .deleted = i % 7 == 0});
    }
    while (usage_next(&usage, &day, &at)) {
        assert_true(at > before);
        before = at;
        for (const struct bucket *k = day.list; k; k = k->next) {
            assert_int_equal(k->day, at);
            expect_same(k);
        }
        given += count(&day);
        buckets_reset(&day);
        arena_reset(&day_arena);
    }
    assert_int_equal(given, count(&all));
    assert_false(usage_next(&usage, &day, &at));
}

static void nothing_gives_nothing(void **state)
{
    int64_t at;

    (void)state;
    add(&(struct reservation){.room_id = 1, .ends_at = RR_US_PER_MIN, .state = STATE_CANCELLED});
    assert_false(usage_next(&usage, &day, &at));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(every_day_comes_once_in_order_and_whole), TEST(nothing_gives_nothing))
