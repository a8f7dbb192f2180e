#include "unit.h"

#include "result.h"
#include "time.h"
#include "zones.h"

static void only_listed_names_are_zones(void **state)
{
    static const char *const listed[] = {"Asia/Kathmandu", "Asia/Seoul", "CET",
                                         "EST5EDT",        "Etc/GMT+3",  "UTC"};
    static const char *const others[] = {"asia/seoul", "Asia/Seou", "Asia/Seoul ", "EST5EDT4",
                                         "foo+3",      "",          "Zulu"};
    PGresult *res = result_new(1);
    struct zones z = {0};

    (void)state;
    assert_false(zones_has(&z, "UTC"));
    for (size_t i = 0; i < RR_LEN(listed); i++)
        result_add(res, &listed[i]);
    assert_int_equal(zones_fill(&z, res), RR_OK);
    assert_int_equal(zones_fill(&z, res), RR_OK); /* two requests may have asked at once */
    for (size_t i = 0; i < RR_LEN(listed); i++)
        assert_true(zones_has(&z, listed[i]));
    for (size_t i = 0; i < RR_LEN(others); i++)
        assert_false(zones_has(&z, others[i]));
    zones_fini(&z);
    PQclear(res);
}

static void a_list_is_asked_for_again_after_an_hour(void **state)
{
    static const char *const name = "UTC";
    PGresult *res = result_new(1);
    struct zones z = {0};

    (void)state;
    assert_true(zones_outdated(&z, rr_time_monotonic()));
    result_add(res, &name);
    assert_int_equal(zones_fill(&z, res), RR_OK);
    assert_false(zones_outdated(&z, z.asked + 3600 * RR_US_PER_SEC));
    assert_true(zones_outdated(&z, z.asked + 3601 * RR_US_PER_SEC));
    zones_fini(&z);
    PQclear(res);
}

static void names_that_are_abbreviations_too_keep_their_summer_time(void **state)
{
    (void)state;
    assert_string_equal(zones_sql_name("CET"), "Europe/Brussels");
    assert_string_equal(zones_sql_name("Asia/Seoul"), "Asia/Seoul");
}

UNIT_MAIN(cmocka_unit_test(only_listed_names_are_zones),
          cmocka_unit_test(a_list_is_asked_for_again_after_an_hour),
          cmocka_unit_test(names_that_are_abbreviations_too_keep_their_summer_time))
