#include "unit.h"

#include "busy_fold.h"

#include <string.h>

enum { DAY_S = 86400, TUESDAY = 20788 }; /* 2026-12-01, a Tuesday, in days since 1970 */

/* A day that has one start and 15 minutes in each quarter-hour, in a zone that is `offset` seconds from UTC.
 */
static struct busy_day full_day(int64_t day, int offset)
{
    struct busy_day d;

    for (int q = 0; q < BUSY_QUARTERS; q++) {
        d.starts[q] = 1;
        d.minutes[q] = 15;
        d.local[q] = day * DAY_S + q * 900 + offset;
    }
    return d;
}

static void a_utc_day_fills_its_own_weekday(void **state)
{
    const struct busy_day d = full_day(TUESDAY, 0);
    struct busy b = {0};

    (void)state;
    busy_add(&b, &d, 0, BUSY_QUARTERS);
    for (int h = 0; h < BUSY_HOURS; h++) {
        assert_int_equal(b.cell[1][h].reservations, 4);
        assert_int_equal(b.cell[1][h].minutes, 60);
    }
    assert_int_equal(b.cell[0][23].minutes, 0);
    assert_int_equal(b.cell[2][0].minutes, 0);
}

static void an_offset_of_a_quarter_hour_splits_hours_exactly(void **state)
{
    const struct busy_day d = full_day(TUESDAY, 5 * 3600 + 45 * 60); /* Kathmandu */
    struct busy b = {0};

    (void)state;
    busy_add(&b, &d, 0, BUSY_QUARTERS);
    assert_int_equal(b.cell[1][5].reservations, 1);
    assert_int_equal(b.cell[1][6].reservations, 4);
    assert_int_equal(b.cell[2][4].reservations, 4);
    assert_int_equal(b.cell[2][5].reservations, 3);
}

static void only_the_quarters_asked_for_count(void **state)
{
    const struct busy_day d = full_day(TUESDAY, 0);
    struct busy b = {0};

    (void)state;
    busy_add(&b, &d, 37, 41);
    assert_int_equal(b.cell[1][9].reservations, 3);
    assert_int_equal(b.cell[1][10].reservations, 1);
    busy_add(&b, &d, 41, 37);
    assert_int_equal(b.cell[1][9].reservations, 3);
}

static void the_hour_that_clocks_repeat_counts_twice(void **state)
{
    struct busy_day d = full_day(TUESDAY, 0);
    struct busy b = {0};

    (void)state;
    for (int q = 8; q < BUSY_QUARTERS; q++)
        d.local[q] -= 3600;
    busy_add(&b, &d, 0, BUSY_QUARTERS);
    assert_int_equal(b.cell[1][1].minutes, 120);
    assert_int_equal(b.cell[1][23].minutes, 0);
}

static void times_before_1970_have_weekdays_too(void **state)
{
    const struct busy_day d = full_day(0, -3600);
    struct busy b = {0};

    (void)state;
    busy_add(&b, &d, 0, 5);
    assert_int_equal(b.cell[2][23].reservations, 4); /* Wednesday, 31 December 1969 */
    assert_int_equal(b.cell[3][0].reservations, 1);
}

static void the_busiest_are_the_largest_sums_and_the_earliest_on_ties(void **state)
{
    struct busy b = {0};

    (void)state;
    b.cell[2][9] = (struct busy_cell){.reservations = 5, .minutes = 10};
    b.cell[4][9] = (struct busy_cell){.reservations = 5, .minutes = 20};
    b.cell[4][15] = (struct busy_cell){.reservations = 0, .minutes = 40};
    assert_int_equal(busy_weekday(&b, false), 3);
    assert_int_equal(busy_hour(&b, false), 9);
    assert_int_equal(busy_weekday(&b, true), 5);
    assert_int_equal(busy_hour(&b, true), 15);
}

static void nothing_is_busiest_when_all_is_empty(void **state)
{
    const struct busy b = {0};

    (void)state;
    assert_int_equal(busy_weekday(&b, false), -1);
    assert_int_equal(busy_hour(&b, true), -1);
}

static void an_array_is_read_whole_or_not_at_all(void **state)
{
    static const char *const bad[] = {"",      "{}",     "{1,2}",      "{1,2,3,4}", "{1,2,3",
                                      "1,2,3", "{1,,3}", "{1,NULL,3}", "{1,2,3}x"};
    int64_t v[3];

    (void)state;
    assert_true(busy_parse_array("{1,-20,1764547200}", v, 3));
    assert_int_equal(v[0], 1);
    assert_int_equal(v[1], -20);
    assert_int_equal(v[2], 1764547200);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(busy_parse_array(bad[i], v, 3));
}

UNIT_MAIN(cmocka_unit_test(a_utc_day_fills_its_own_weekday),
          cmocka_unit_test(an_offset_of_a_quarter_hour_splits_hours_exactly),
          cmocka_unit_test(only_the_quarters_asked_for_count),
          cmocka_unit_test(the_hour_that_clocks_repeat_counts_twice),
          cmocka_unit_test(times_before_1970_have_weekdays_too),
          cmocka_unit_test(the_busiest_are_the_largest_sums_and_the_earliest_on_ties),
          cmocka_unit_test(nothing_is_busiest_when_all_is_empty),
          cmocka_unit_test(an_array_is_read_whole_or_not_at_all))
