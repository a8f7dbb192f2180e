#include "unit.h"

#include "rules.h"
#include "time.h"

static const struct rules rules = {.max_days = 31, .horizon_days = 730, .past_grace_s = 300};
static const int64_t now = INT64_C(1796119200000000); /* 2026-12-01T10:00:00Z */

static struct rule_breaks check(int64_t starts_at, int64_t ends_at, bool start_is_new)
{
    struct rule_breaks b = {0};

    rules_check_times(&rules, now, starts_at, ends_at, start_is_new, &b);
    return b;
}

static void assert_breaks(struct rule_breaks b, const char *name, const char *reason)
{
    assert_int_equal(b.n, 1);
    assert_string_equal(b.items[0].name, name);
    assert_string_equal(b.items[0].reason, reason);
}

static void a_start_within_the_grace_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(check(now - 5 * RR_US_PER_MIN, now + RR_US_PER_HOUR, true).n, 0);
    assert_breaks(check(now - 6 * RR_US_PER_MIN, now + RR_US_PER_HOUR, true), "starts_at", "is in the past");
}

static void a_running_meeting_can_be_extended(void **state)
{
    (void)state;
    assert_int_equal(check(now - RR_US_PER_HOUR, now + RR_US_PER_HOUR, false).n, 0);
}

static void a_reservation_ends_after_it_starts(void **state)
{
    (void)state;
    assert_int_equal(check(now, now + RR_US_PER_MIN, true).n, 0);
    assert_breaks(check(now, now, true), "ends_at", "has to be after starts_at");
    assert_breaks(check(now + RR_US_PER_HOUR, now, true), "ends_at", "has to be after starts_at");
}

static void a_reservation_is_as_long_as_the_setting_at_most(void **state)
{
    const struct rules one_day = {.max_days = 1, .horizon_days = 730};
    struct rule_breaks b = {0};

    (void)state;
    assert_int_equal(check(now, now + 31 * RR_US_PER_DAY, true).n, 0);
    assert_breaks(check(now, now + 31 * RR_US_PER_DAY + RR_US_PER_MIN, true), "ends_at",
                  "is more than 31 days after starts_at");
    rules_check_times(&one_day, now, now, now + 2 * RR_US_PER_DAY, true, &b);
    assert_breaks(b, "ends_at", "is more than 1 day after starts_at");
}

static void a_start_beyond_the_horizon_is_refused(void **state)
{
    const int64_t last = now + 730 * RR_US_PER_DAY;

    (void)state;
    assert_int_equal(check(last, last + RR_US_PER_DAY, true).n, 0);
    assert_breaks(check(last + RR_US_PER_MIN, last + RR_US_PER_DAY, false), "starts_at",
                  "is more than 730 days ahead");
}

static void the_first_and_the_last_year_do_not_overflow(void **state)
{
    const int64_t first = rr_days_from_civil(1, 1, 1) * RR_US_PER_DAY;
    const int64_t last = rr_days_from_civil(9999, 12, 31) * RR_US_PER_DAY;

    (void)state;
    assert_int_equal(check(first, last, true).n, 2);
    assert_int_equal(check(last, first, true).n, 2);
}

static void each_broken_rule_is_named(void **state)
{
    struct rule_breaks b = check(0, 0, true);

    (void)state;
    assert_int_equal(b.n, 2);
    assert_string_equal(b.items[0].name, "starts_at");
    assert_string_equal(b.items[1].name, "ends_at");
}

static void too_many_breaks_are_left_out(void **state)
{
    struct rule_breaks b = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        rule_break(&b, "x", "%d", i);
    assert_int_equal(b.n, 8);
}

static void times_are_whole_minutes(void **state)
{
    (void)state;
    assert_null(rules_check_minute(now));
    assert_null(rules_check_minute(-RR_US_PER_MIN));
    assert_string_equal(rules_check_minute(now + 1), "has to be a whole minute");
    assert_non_null(rules_check_minute(now + RR_US_PER_SEC));
    assert_non_null(rules_check_minute(-1));
}

UNIT_MAIN(cmocka_unit_test(a_start_within_the_grace_is_allowed),
          cmocka_unit_test(a_running_meeting_can_be_extended),
          cmocka_unit_test(a_reservation_ends_after_it_starts),
          cmocka_unit_test(a_reservation_is_as_long_as_the_setting_at_most),
          cmocka_unit_test(a_start_beyond_the_horizon_is_refused),
          cmocka_unit_test(the_first_and_the_last_year_do_not_overflow),
          cmocka_unit_test(each_broken_rule_is_named), cmocka_unit_test(too_many_breaks_are_left_out),
          cmocka_unit_test(times_are_whole_minutes))
