#include "unit.h"

#include "conditions.h"

#include <stdio.h>

static struct etags parsed(const char *header)
{
    struct etags tags;

    assert_true(etags_parse(header, &tags));
    return tags;
}

static void if_match_names_one_version(void **state)
{
    const struct etags tags = parsed("\"3\"");

    (void)state;
    assert_true(etags_match_strongly(&tags, 3));
    assert_false(etags_match_strongly(&tags, 2));
    assert_false(etags_match_strongly(&tags, 33));
}

static void if_match_may_name_several_versions(void **state)
{
    const struct etags tags = parsed(" \"1\" ,, \"abc\",\t\"4294967295\" ");

    (void)state;
    assert_true(etags_match_strongly(&tags, 1));
    assert_true(etags_match_strongly(&tags, UINT32_MAX));
    assert_false(etags_match_strongly(&tags, 2));
}

static void a_star_matches_every_version(void **state)
{
    const struct etags tags = parsed(" * ");

    (void)state;
    assert_true(etags_match_strongly(&tags, 1));
    assert_true(etags_match_weakly(&tags, 77));
}

static void a_weak_tag_is_no_proof_for_a_change_but_one_for_a_copy(void **state)
{
    const struct etags tags = parsed("W/\"3\"");

    (void)state;
    assert_false(etags_match_strongly(&tags, 3));
    assert_true(etags_match_weakly(&tags, 3));
}

static void only_the_written_form_of_a_version_matches(void **state)
{
    const char *const others[] = {"\"03\"", "\"+3\"",         "\"3 \"",  "\"\"",
                                  "\"0\"",  "\"4294967299\"", "\"3.0\"", "\"\xc3\xa9\""};

    (void)state;
    for (size_t i = 0; i < RR_LEN(others); i++) {
        struct etags tags;

        if (!etags_parse(others[i], &tags))
            continue;
        assert_false(etags_match_weakly(&tags, 3));
        assert_false(etags_match_weakly(&tags, 0) && tags.items[0].version);
    }
}

static void what_is_no_list_of_tags_is_refused(void **state)
{
    const char *const bad[] = {"",       ",",           "3",        "\"3",      "3\"",     "w/\"3\"",
                               "W\"3\"", "\"3\" \"4\"", "*, \"3\"", "\"3\", *", "\"a b\"", "**"};
    struct etags tags;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(etags_parse(bad[i], &tags));
}

static void more_than_sixteen_tags_are_refused(void **state)
{
    const char *sixteen = "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\","
                          "\"14\",\"15\",\"16\"";
    const struct etags all = parsed(sixteen);
    struct etags tags;
    char more[200];

    (void)state;
    assert_true(etags_match_strongly(&all, 16));
    snprintf(more, sizeof(more), "%s,\"17\"", sixteen);
    assert_false(etags_parse(more, &tags));
}

static void an_etag_is_the_version_in_quotes(void **state)
{
    char text[ETAG_TEXT];

    (void)state;
    assert_string_equal(etag_format(1, text), "\"1\"");
    assert_string_equal(etag_format(UINT32_MAX, text), "\"4294967295\"");
}

UNIT_MAIN(cmocka_unit_test(if_match_names_one_version), cmocka_unit_test(if_match_may_name_several_versions),
          cmocka_unit_test(a_star_matches_every_version),
          cmocka_unit_test(a_weak_tag_is_no_proof_for_a_change_but_one_for_a_copy),
          cmocka_unit_test(only_the_written_form_of_a_version_matches),
          cmocka_unit_test(what_is_no_list_of_tags_is_refused),
          cmocka_unit_test(more_than_sixteen_tags_are_refused),
          cmocka_unit_test(an_etag_is_the_version_in_quotes))
