#include "unit.h"

#include "macros.h"
#include "time.h"
#include "uuid.h"

#include <string.h>

static void an_id_reads_back_from_either_form_and_case(void **state)
{
    static const char *const texts[] = {"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10",
                                        "019ad4c05b1e7c439c553c1f6d2a7e10",
                                        "019AD4C0-5B1E-7C43-9C55-3C1F6D2A7E10"};
    char text[RR_UUID_TEXT];
    struct rr_uuid u;

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++) {
        assert_true(rr_uuid_parse(texts[i], strlen(texts[i]), &u));
        assert_string_equal(rr_uuid_format(&u, text), texts[0]);
    }
}

static void an_id_of_any_version_is_taken(void **state)
{
    struct rr_uuid u;

    (void)state;
    assert_true(rr_uuid_parse("00000000-0000-0000-0000-000000000000", 36, &u));
    assert_true(rr_uuid_parse("ffffffff-ffff-ffff-ffff-ffffffffffff", 36, &u));
    assert_true(rr_uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 36, &u));
}

static void what_is_no_id_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "019ad4c0",
        "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e1",
        "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e100",
        "019ad4c05-b1e-7c43-9c55-3c1f6d2a7e10",
        "019ad4c0_5b1e_7c43_9c55_3c1f6d2a7e10",
        "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e1g",
        "019ad4c05b1e7c439c553c1f6d2a7e1 ",
        "{19ad4c0-5b1e-7c43-9c55-3c1f6d2a7e1}",
    };
    struct rr_uuid u;

    (void)state;
    memset(&u, 7, sizeof(u));
    for (size_t i = 0; i < RR_LEN(texts); i++)
        assert_false(rr_uuid_parse(texts[i], strlen(texts[i]), &u));
    assert_int_equal(u.b[0], 7);
}

static uint64_t millisecond_of(const struct rr_uuid *u)
{
    uint64_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | u->b[i];
    return ms;
}

static void a_new_id_is_of_version_7_and_of_this_millisecond(void **state)
{
    struct rr_uuid u = rr_uuid_v7();
    uint64_t now = (uint64_t)(rr_time_now() / 1000);

    (void)state;
    assert_int_equal(u.b[6] >> 4, 7);
    assert_int_equal(u.b[8] >> 6, 2);
    assert_true(millisecond_of(&u) >= now - 1000 && millisecond_of(&u) <= now);
}

static void ids_rise_also_within_a_millisecond(void **state)
{
    struct rr_uuid before = rr_uuid_v7();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct rr_uuid u = rr_uuid_v7();

        if (memcmp(before.b, u.b, sizeof(u.b)) >= 0)
            fail_msg("id %d does not rise", i);
        before = u;
    }
}

UNIT_MAIN(cmocka_unit_test(an_id_reads_back_from_either_form_and_case),
          cmocka_unit_test(an_id_of_any_version_is_taken), cmocka_unit_test(what_is_no_id_is_refused),
          cmocka_unit_test(a_new_id_is_of_version_7_and_of_this_millisecond),
          cmocka_unit_test(ids_rise_also_within_a_millisecond))
