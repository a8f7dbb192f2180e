#include "unit.h"

#include "etags.h"

#include <stdio.h>

static struct rr_etags parsed(const char *header)
{
    struct rr_etags tags;

    assert_true(rr_etags_parse(header, &tags));
    return tags;
}

static void if_match_names_one_version(void **state)
{
    const struct rr_etags tags = parsed("\"3\"");

    (void)state;
    assert_true(rr_etags_match_strongly(&tags, "\"3\""));
    assert_false(rr_etags_match_strongly(&tags, "\"2\""));
    assert_false(rr_etags_match_strongly(&tags, "\"33\""));
}

static void if_match_may_name_several_versions(void **state)
{
    const struct rr_etags tags = parsed(" \"1\" ,, \"abc\",\t\"4294967295\" ");

    (void)state;
    assert_true(rr_etags_match_strongly(&tags, "\"1\""));
    assert_true(rr_etags_match_strongly(&tags, "\"4294967295\""));
    assert_false(rr_etags_match_strongly(&tags, "\"2\""));
}

static void a_star_matches_every_version(void **state)
{
    const struct rr_etags tags = parsed(" * ");

    (void)state;
    assert_true(rr_etags_match_strongly(&tags, "\"1\""));
    assert_true(rr_etags_match_weakly(&tags, "\"77\""));
}

static void a_weak_tag_is_no_proof_for_a_change_but_one_for_a_copy(void **state)
{
    const struct rr_etags tags = parsed("W/\"3\"");

    (void)state;
    assert_false(rr_etags_match_strongly(&tags, "\"3\""));
    assert_true(rr_etags_match_weakly(&tags, "\"3\""));
}

static void another_way_to_write_a_version_does_not_match(void **state)
{
    const char *const others[] = {"\"03\"", "\"+3\"", "\"\"", "\"33\"", "\"3.0\"", "\"\xc3\xa9\""};

    (void)state;
    for (size_t i = 0; i < RR_LEN(others); i++) {
        const struct rr_etags tags = parsed(others[i]);

        assert_false(rr_etags_match_weakly(&tags, "\"3\""));
    }
}

static void a_tag_may_hold_a_comma_but_no_quote(void **state)
{
    const struct rr_etags tags = parsed("\"a,b\", \"3\"");
    struct rr_etags none;

    (void)state;
    assert_true(rr_etags_match_weakly(&tags, "\"3\""));
    assert_true(rr_etags_match_weakly(&tags, "\"a,b\""));
    assert_false(rr_etags_parse("\"a,\\\"3\"", &none));
}

static void what_is_no_list_of_tags_is_refused(void **state)
{
    const char *const bad[] = {"",         ",",       "3",  "\"3",    "3\"",         "w/\"3\"",
                               "W\"3\"",   "\"3\"x",  "*x", "\"3 \"", "\"3\" \"4\"", "*, \"3\"",
                               "\"3\", *", "\"a b\"", "**"};
    struct rr_etags tags;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(rr_etags_parse(bad[i], &tags));
}

static void more_than_sixteen_tags_are_refused(void **state)
{
    const char *sixteen = "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\","
                          "\"14\",\"15\",\"16\"";
    const struct rr_etags all = parsed(sixteen);
    struct rr_etags tags;
    char more[200];

    (void)state;
    assert_true(rr_etags_match_strongly(&all, "\"16\""));
    snprintf(more, sizeof(more), "%s,\"17\"", sixteen);
    assert_false(rr_etags_parse(more, &tags));
}

static void an_etag_is_the_version_in_quotes(void **state)
{
    char text[RR_ETAG_TEXT];

    (void)state;
    assert_string_equal(rr_etag_format(1, text), "\"1\"");
    assert_string_equal(rr_etag_format(UINT32_MAX, text), "\"4294967295\"");
}

UNIT_MAIN(cmocka_unit_test(if_match_names_one_version), cmocka_unit_test(if_match_may_name_several_versions),
          cmocka_unit_test(a_star_matches_every_version),
          cmocka_unit_test(a_weak_tag_is_no_proof_for_a_change_but_one_for_a_copy),
          cmocka_unit_test(another_way_to_write_a_version_does_not_match),
          cmocka_unit_test(a_tag_may_hold_a_comma_but_no_quote),
          cmocka_unit_test(what_is_no_list_of_tags_is_refused),
          cmocka_unit_test(more_than_sixteen_tags_are_refused),
          cmocka_unit_test(an_etag_is_the_version_in_quotes))
