/* The JSON reader: takes what RFC 8259 allows, refuses the rest, and never reads outside of the text. */
#include "macros.h"
#include "scan.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* In memory of exactly its size, so that the address sanitizer sees a byte too far. */
static bool passes(const char *json, size_t len)
{
    char *exact = malloc(len ? len : 1);
    struct scan s;
    bool ok;

    memcpy(exact, json, len);
    scan_init(&s, exact, len);
    ok = scan_skip(&s, NULL) && scan_end(&s);
    assert_true(ok == !s.error);
    free(exact);
    return ok;
}

static bool text_is(const char *json, const char *expected)
{
    struct arena arena = {.chunks = NULL};
    struct text t = {.s = NULL};
    struct scan s;
    bool ok;

    scan_init(&s, json, strlen(json));
    ok = scan_text(&s, &arena, &t) && scan_end(&s);
    if (ok && expected)
        ok = t.n == strlen(expected) && strcmp(t.s, expected) == 0;
    arena_fini(&arena);
    return ok;
}

static bool int_is(const char *json, int64_t expected)
{
    int64_t v = 0;
    struct scan s;

    scan_init(&s, json, strlen(json));
    return scan_int(&s, &v) && scan_end(&s) && v == expected;
}

static void json_is_taken(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " {\"a\" : [1, -2.5e+3, 0, true, false, null, \"\\u00e9\\n\"] }\n",
                                       "\"\xC3\xA9\xE4\xBC\x9A\xF0\x9F\x92\xBB\"",
                                       "0",
                                       "-0",
                                       "1E5",
                                       "[[[[]]]]",
                                       "{\"a\":{\"a\":{}}}"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(good); i++)
        assert_true(passes(good[i], strlen(good[i])));
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",           " ",         "{",           "}",           "[1,]",
        "{\"a\":1,}", "{\"a\" 1}", "{a:1}",       "{\"a\":}",    "{,}",
        "[1 2]",      "01",        "-",           "1.",          ".5",
        "1e",         "+1",        "tru",         "nul",         "\"a",
        "\"\\x\"",    "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\n\"",     "1 2",       "{} {}",       "'a'",         "NaN"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        if (passes(bad[i], strlen(bad[i])))
            fail_msg("taken: %s", bad[i]);
    assert_false(passes("1\0", 2));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = {
        "\"\xFF\"",         "\"\xC0\x80\"",         "\"\xC3\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
        "\"\xE0\x80\x80\"", "\"\xF0\x80\x80\x80\"", "\"\x80\""};

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(passes(bad[i], strlen(bad[i])));
}

static void every_truncation_is_refused(void **state)
{
    static const char json[] = "{\"a\":[1,true,\"\\ud83d\\udcbb \xF0\x9F\x92\xBB\"],\"b\":{\"c\":null}}";

    (void)state;
    for (size_t len = 0; len < sizeof(json) - 1; len++)
        assert_false(passes(json, len));
    assert_true(passes(json, sizeof(json) - 1));
}

static void deep_nesting_is_refused(void **state)
{
    char json[20000];

    (void)state;
    memset(json, '[', sizeof(json));
    assert_false(passes(json, sizeof(json)));
}

static void escapes_become_what_they_stand_for(void **state)
{
    (void)state;
    assert_true(text_is("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"));
    assert_true(text_is("\"\\u0041\\u00e9\\u4f1a\\ud83d\\udcbb\"", "A\xC3\xA9\xE4\xBC\x9A\xF0\x9F\x92\xBB"));
    assert_true(text_is("\"\"", ""));
}

static void a_text_with_nul_is_refused(void **state)
{
    (void)state;
    assert_false(text_is("\"a\\u0000b\"", NULL));
}

static void whole_numbers_up_to_the_edges(void **state)
{
    int64_t v;
    struct scan s;
    static const char *const bad[] = {
        "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1.0", "1e3", "\"1\"", "null"};

    (void)state;
    assert_true(int_is("0", 0));
    assert_true(int_is("-0", 0));
    assert_true(int_is("9223372036854775807", INT64_MAX));
    assert_true(int_is("-9223372036854775808", INT64_MIN));
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        scan_init(&s, bad[i], strlen(bad[i]));
        assert_false(scan_int(&s, &v));
        assert_non_null(s.error);
    }
}

UNIT_MAIN(cmocka_unit_test(json_is_taken), cmocka_unit_test(what_is_not_json_is_refused),
          cmocka_unit_test(text_that_is_not_utf8_is_refused), cmocka_unit_test(every_truncation_is_refused),
          cmocka_unit_test(deep_nesting_is_refused), cmocka_unit_test(escapes_become_what_they_stand_for),
          cmocka_unit_test(a_text_with_nul_is_refused), cmocka_unit_test(whole_numbers_up_to_the_edges))
