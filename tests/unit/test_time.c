#include "unit.h"

#include "macros.h"
#include "time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t parsed(const char *text)
{
    int64_t us = INT64_MIN;

    assert_null(rr_time_parse(text, strlen(text), &us));
    return us;
}

static void an_instant_is_microseconds_since_1970(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2000-02-29T12:34:56Z", 951827696 * RR_US_PER_SEC},
        {"2026-12-01T10:00:00Z", 1796119200 * RR_US_PER_SEC},
        {"0001-01-01T00:00:00Z", -62135596800 * RR_US_PER_SEC},
        {"9999-12-31T23:59:59.999999Z", 253402300800 * RR_US_PER_SEC - 1},
    };
    char text[RR_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        assert_int_equal(parsed(cases[i].text), cases[i].us);
        assert_string_equal(rr_time_format(cases[i].us, text), cases[i].text);
    }
}

static void one_instant_may_be_written_in_many_ways(void **state)
{
    static const char *const same[] = {"2026-12-01T10:00:00Z",      "2026-12-01t10:00:00z",
                                       "2026-12-01T10:00Z",         "2026-12-01T10:00:00.0Z",
                                       "2026-12-01T19:00:00+09:00", "2026-12-01T15:45+05:45",
                                       "2026-11-30T10:01:00-23:59", "2026-12-02T09:59+23:59",
                                       "2026-12-01T10:00:00-00:00", "2026-12-01T10:00:00.0000009Z"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(same); i++)
        assert_int_equal(parsed(same[i]), 1796119200 * RR_US_PER_SEC);
}

static void fractions_are_cut_after_microseconds(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00.5Z"), 500000);
    assert_int_equal(parsed("1970-01-01T00:00:00.123456Z"), 123456);
    assert_int_equal(parsed("1970-01-01T00:00:00.1234569999999999Z"), 123456);
}

static void what_has_no_shape_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "tomorrow",
        "2026-12-01",
        "2026-12-01 10:00:00Z",
        "2026-12-01T10Z",
        "2026-12-01T10:0Z",
        "2026-12-01T10:00:0Z",
        "2026-12-01T10:00:00,5Z",
        "2026-12-01T10:00:00.Z",
        "2026-12-01T10:00.5Z",
        "2026-12-01T10:00:00",
        "2026-12-01T10:00",
        "2026-12-01T10:00:00+09",
        "2026-12-01T10:00:00+0900",
        "2026-12-01T10:00:00 09:00",
        "2026-12-01T10:00:00+9:00",
        "2026-12-01T10:00:00Z ",
        " 2026-12-01T10:00:00Z",
        "2026-12-01T10:00:00ZZ",
        "+2026-12-01T10:00:00Z",
        "26-12-01T10:00:00Z",
        "12026-12-01T10:00:00Z",
        "2026-1-01T10:00:00Z",
        "2026-12-01T1\xd9\xa0:00:00Z",
        "20261201T100000Z",
    };
    int64_t us = 7;

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++) {
        assert_non_null(rr_time_parse(texts[i], strlen(texts[i]), &us));
        assert_false(rr_time_well_formed(texts[i], strlen(texts[i])));
    }
    assert_non_null(rr_time_parse("2026-12-01T10:00:00Z", 19, &us)); /* the length counts, not the NUL */
    assert_int_equal(us, 7);
}

static void an_instant_that_does_not_exist_is_refused_for_its_own_reason(void **state)
{
    static const char *const cases[][2] = {
        {"0000-01-01T00:00:00Z", "year"},         {"2026-00-01T00:00:00Z", "month"},
        {"2026-13-01T00:00:00Z", "month"},        {"2026-12-00T00:00:00Z", "day"},
        {"2026-11-31T00:00:00Z", "day"},          {"2026-02-29T00:00:00Z", "day"},
        {"1900-02-29T00:00:00Z", "day"},          {"2026-12-01T24:00:00Z", "hour 24"},
        {"2026-12-01T25:00:00Z", "hour or min"},  {"2026-12-01T10:60:00Z", "hour or min"},
        {"2016-12-31T23:59:60Z", "second 60"},    {"2026-12-01T10:00:61Z", "a second"},
        {"2026-12-01T10:00:00+24:00", "offset"},  {"2026-12-01T10:00:00-00:60", "offset"},
        {"0001-01-01T00:00:00+00:01", "outside"}, {"9999-12-31T23:59:00-00:01", "outside"},
    };
    int64_t us = 7;

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        const char *reason = rr_time_parse(cases[i][0], strlen(cases[i][0]), &us);

        assert_non_null(reason);
        assert_non_null(strstr(reason, cases[i][1]));
        assert_true(rr_time_well_formed(cases[i][0], strlen(cases[i][0])));
    }
    assert_int_equal(us, 7);
}

static void a_missing_offset_has_its_own_reason(void **state)
{
    int64_t us;

    (void)state;
    assert_non_null(strstr(rr_time_parse("2026-12-01T10:00:00", 19, &us), "offset"));
    assert_non_null(strstr(rr_time_parse("2026-12-01T10:00", 16, &us), "offset"));
}

static void leap_days_exist_every_fourth_year_but_three_in_four_hundred(void **state)
{
    (void)state;
    parsed("2028-02-29T00:00Z");
    parsed("2000-02-29T00:00Z");
    parsed("0004-02-29T00:00Z");
    assert_int_equal(rr_days_from_civil(2100, 3, 1) - rr_days_from_civil(2100, 2, 28), 1);
    assert_int_equal(rr_days_from_civil(2000, 3, 1) - rr_days_from_civil(2000, 2, 28), 2);
}

static void every_day_of_the_range_goes_to_a_date_and_back(void **state)
{
    int64_t first = rr_days_from_civil(1, 1, 1), last = rr_days_from_civil(9999, 12, 31);
    int year, before_year = 0;
    unsigned month, day;

    (void)state;
    for (int64_t days = first; days <= last; days++) {
        rr_civil_from_days(days, &year, &month, &day);
        if (rr_days_from_civil(year, month, day) != days || year < before_year)
            fail_msg("day %lld", (long long)days);
        before_year = year;
    }
    assert_int_equal(last - first + 1, 3652059);
}

static void the_c_library_names_the_same_instants(void **state)
{
    char text[RR_TIME_TEXT], expected[RR_TIME_TEXT];
    struct tm tm;

    (void)state;
    for (time_t t = -62135596800; t < 253402300800; t += 86400 * 13 + 3661) {
        gmtime_r(&t, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", (tm.tm_year + 1900) % 10000,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(rr_time_format(t * RR_US_PER_SEC, text), expected);
        assert_int_equal(parsed(expected), t * RR_US_PER_SEC);
    }
}

static void a_time_of_any_number_fits_its_text(void **state)
{
    char text[RR_TIME_TEXT];

    (void)state;
    assert_true(strlen(rr_time_format(INT64_MAX, text)) < RR_TIME_TEXT);
    assert_true(strlen(rr_time_format(INT64_MIN, text)) < RR_TIME_TEXT);
}

static void the_monotonic_clock_does_not_fall(void **state)
{
    int64_t before = rr_time_monotonic();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = rr_time_monotonic();

        assert_true(now >= before);
        before = now;
    }
    assert_true(rr_time_now() / RR_US_PER_SEC >= 1700000000 && rr_time_now() / RR_US_PER_SEC <= 253402300800);
}

UNIT_MAIN(cmocka_unit_test(an_instant_is_microseconds_since_1970),
          cmocka_unit_test(one_instant_may_be_written_in_many_ways),
          cmocka_unit_test(fractions_are_cut_after_microseconds),
          cmocka_unit_test(what_has_no_shape_is_refused),
          cmocka_unit_test(an_instant_that_does_not_exist_is_refused_for_its_own_reason),
          cmocka_unit_test(a_missing_offset_has_its_own_reason),
          cmocka_unit_test(leap_days_exist_every_fourth_year_but_three_in_four_hundred),
          cmocka_unit_test(every_day_of_the_range_goes_to_a_date_and_back),
          cmocka_unit_test(the_c_library_names_the_same_instants),
          cmocka_unit_test(a_time_of_any_number_fits_its_text),
          cmocka_unit_test(the_monotonic_clock_does_not_fall))
