/* Buckets: what a reservation adds to the days and quarter-hours, against a count minute by minute. */
#include "buckets.h"
#include "macros.h"
#include "time.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ROOM   7
#define MINUTE RR_US_PER_MIN
#define HOUR   RR_US_PER_HOUR
#define DAY    RR_US_PER_DAY

static struct arena arena;
static struct buckets buckets;

static int64_t at(const char *text)
{
    int64_t us;

    assert_null(rr_time_parse(text, strlen(text), &us));
    return us;
}

static struct reservation booked(const char *from, const char *to)
{
    return (struct reservation){
        .room_id = ROOM, .starts_at = at(from), .ends_at = at(to), .state = STATE_CONFIRMED};
}

static int set_up(void **state)
{
    (void)state;
    buckets = (struct buckets){.arena = &arena};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buckets_fini(&buckets);
    arena_fini(&arena);
    return 0;
}

static size_t count_buckets(void)
{
    size_t n = 0;

    for (const struct bucket *k = buckets.list; k; k = k->next)
        n++;
    return n;
}

/* What the bucket of one day has to hold for `r` alone. */
static void expect_day(const struct reservation *r, int64_t room, int64_t day)
{
    const struct bucket *k = buckets_get(&buckets, room, day);
    int32_t minutes[QUARTERS] = {0}, starts[QUARTERS] = {0}, total = 0, reservations = 0;

    for (int m = 0; m < 1440; m++) {
        int64_t t = day * DAY + m * MINUTE;

        if (t >= r->starts_at && t < r->ends_at) {
            minutes[m / 15]++;
            total++;
        }
        if (t == r->starts_at) {
            starts[m / 15]++;
            reservations++;
        }
    }
    assert_memory_equal(k->minutes, minutes, sizeof(minutes));
    assert_memory_equal(k->starts, starts, sizeof(starts));
    assert_int_equal(k->reserved_minutes, total);
    assert_int_equal(k->reservations, reservations);
}

static void expect_like_minute_by_minute(const struct reservation *r)
{
    int64_t first = r->starts_at / DAY - (r->starts_at % DAY < 0), days = 0;

    buckets_add(&buckets, r, 1);
    for (int64_t day = first; day * DAY < r->ends_at; day++, days++) {
        expect_day(r, ROOM, day);
        expect_day(r, ALL_ROOMS, day);
    }
    assert_int_equal(count_buckets(), days * 2); /* and no other day was touched */
}

static void intervals_of_every_shape_are_counted_exactly(void **state)
{
    static const char *const cases[][2] = {
        {"2026-12-01T10:00Z", "2026-12-01T11:00Z"}, /* plain */
        {"2026-12-01T10:07Z", "2026-12-01T10:08Z"}, /* one minute inside a quarter */
        {"2026-12-01T10:14Z", "2026-12-01T10:16Z"}, /* over a quarter's edge */
        {"2026-12-01T00:00Z", "2026-12-02T00:00Z"}, /* a whole day, and not the next */
        {"2026-12-01T23:59Z", "2026-12-02T00:01Z"}, /* midnight */
        {"2026-02-28T22:00Z", "2026-03-01T02:00Z"}, /* a month's end */
        {"2028-02-28T12:00Z", "2028-03-01T12:00Z"}, /* a leap day */
        {"2026-12-31T23:45Z", "2027-01-01T00:15Z"}, /* a year's end */
        {"2026-12-01T08:30Z", "2027-01-01T08:30Z"}, /* 31 days: 32 rows */
        {"1969-12-31T23:50Z", "1970-01-01T00:10Z"}, /* before 1970 */
        {"1965-05-01T10:01Z", "1965-05-03T09:59Z"},
    };

    for (size_t i = 0; i < RR_LEN(cases); i++) {
        struct reservation r = booked(cases[i][0], cases[i][1]);

        expect_like_minute_by_minute(&r);
        tear_down(state);
        set_up(state);
    }
}

static void random_intervals_are_counted_exactly(void **state)
{
    unsigned seed = 1;

    for (int i = 0; i < 300; i++) {
        int64_t from = at("2026-01-01T00:00Z") + (int64_t)(rand_r(&seed) % 1000000) * MINUTE;
        int64_t length = 1 + (i % 3 == 0 ? rand_r(&seed) % 44640 : rand_r(&seed) % 300);
        struct reservation r = {.room_id = ROOM, .starts_at = from, .ends_at = from + length * MINUTE};

        expect_like_minute_by_minute(&r);
        tear_down(state);
        set_up(state);
    }
}

static void what_is_added_and_removed_leaves_nothing(void **state)
{
    struct reservation r = booked("2026-12-01T10:07Z", "2026-12-03T11:22Z");

    (void)state;
    buckets_add(&buckets, &r, 1);
    buckets_add(&buckets, &r, -1);
    for (const struct bucket *k = buckets.list; k; k = k->next) {
        assert_int_equal(k->reservations, 0);
        assert_int_equal(k->reserved_minutes, 0);
        for (int q = 0; q < QUARTERS; q++)
            assert_true(k->starts[q] == 0 && k->minutes[q] == 0);
    }
}

static void cancelled_and_deleted_reservations_do_not_count(void **state)
{
    struct reservation cancelled = booked("2026-12-01T10:00Z", "2026-12-01T11:00Z"), deleted = cancelled;

    (void)state;
    cancelled.state = STATE_CANCELLED;
    deleted.deleted = true;
    buckets_add(&buckets, &cancelled, 1);
    buckets_add(&buckets, &deleted, 1);
    buckets_add(&buckets, NULL, 1);
    buckets_touch(&buckets, &cancelled);
    assert_null(buckets.list);
}

static void same_use_is_about_room_and_times(void **state)
{
    struct reservation a = booked("2026-12-01T10:00Z", "2026-12-01T11:00Z"), b = a, gone = a;

    (void)state;
    gone.state = STATE_CANCELLED;
    b.title = (struct text){.s = "x", .n = 1};
    assert_true(reservation_same_use(&a, &b));
    b.room_id++;
    assert_false(reservation_same_use(&a, &b));
    assert_false(reservation_same_use(&a, &gone));
    assert_false(reservation_same_use(NULL, &a));
    assert_true(reservation_same_use(NULL, &gone));
    assert_true(reservation_same_use(NULL, NULL));
}

static void touching_makes_the_days_that_adding_needs(void **state)
{
    struct reservation r = booked("2026-12-01T23:00Z", "2026-12-03T00:00Z");
    size_t n;

    (void)state;
    buckets_touch(&buckets, &r);
    n = count_buckets();
    assert_int_equal(n, 4);
    for (const struct bucket *k = buckets.list; k; k = k->next)
        assert_false(k->dirty);
    buckets_add(&buckets, &r, 1);
    assert_int_equal(count_buckets(), n);
}

static void what_is_touched_is_unread_until_it_was_read(void **state)
{
    struct reservation first = booked("2026-12-01T10:00Z", "2026-12-01T10:50Z");
    struct reservation inside = booked("2026-12-01T10:20Z", "2026-12-01T10:40Z");
    struct reservation earlier = booked("2026-12-01T09:59Z", "2026-12-01T10:10Z");
    struct bucket *k = buckets_get(&buckets, ROOM, first.starts_at / DAY);

    (void)state;
    assert_false(bucket_is_unread(k));
    buckets_touch(&buckets, &first);
    assert_true(bucket_is_unread(k));
    assert_int_equal(k->from, 40);
    assert_int_equal(k->upto, 44);
    k->read_from = k->from;
    k->read_upto = k->upto;
    buckets_add(&buckets, &inside, 1);
    assert_false(bucket_is_unread(k));
    buckets_add(&buckets, &earlier, -1);
    assert_true(bucket_is_unread(k));
    assert_int_equal(k->from, 39);
    assert_int_equal(k->upto, 44);
}

static void the_first_quarter_of_a_day_is_touched_too(void **state)
{
    struct reservation night = booked("2026-12-01T23:30Z", "2026-12-02T00:01Z");
    struct bucket *k = buckets_get(&buckets, ROOM, night.ends_at / DAY);

    (void)state;
    buckets_touch(&buckets, &night);
    assert_int_equal(k->from, 0);
    assert_int_equal(k->upto, 1);
    night.ends_at += HOUR;
    buckets_touch(&buckets, &night);
    assert_int_equal(k->from, 0);
    assert_int_equal(k->upto, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(intervals_of_every_shape_are_counted_exactly), TEST(random_intervals_are_counted_exactly),
          TEST(what_is_added_and_removed_leaves_nothing),
          TEST(cancelled_and_deleted_reservations_do_not_count), TEST(same_use_is_about_room_and_times),
          TEST(touching_makes_the_days_that_adding_needs), TEST(what_is_touched_is_unread_until_it_was_read),
          TEST(the_first_quarter_of_a_day_is_touched_too))
