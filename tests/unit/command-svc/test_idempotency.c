#include "unit.h"

#include "idempotency.h"

#include <stdio.h>
#include <string.h>

static void assert_key(const char *header, const char *key)
{
    char got[IDEMPOTENCY_KEY_MAX + 1];

    assert_null(idempotency_key_parse(header, got));
    assert_string_equal(got, key);
}

static void assert_no_key(const char *header, const char *reason)
{
    char got[IDEMPOTENCY_KEY_MAX + 1];
    const char *wrong = idempotency_key_parse(header, got);

    assert_non_null(wrong);
    assert_string_equal(wrong, reason);
}

static void a_key_is_the_same_quoted_and_bare(void **state)
{
    (void)state;
    assert_key("abc-123", "abc-123");
    assert_key("\"abc-123\"", "abc-123");
    assert_key(" \t\"abc-123\" ", "abc-123");
    assert_key("\"a\\\"b\\\\c\"", "a\"b\\c");
    assert_key("a\"b\\c", "a\"b\\c");
}

static void what_is_no_key_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_no_key("", "is empty");
    assert_no_key("  ", "is empty");
    assert_no_key("\"\"", "is empty");
    assert_no_key("\"", "begins with a quote and does not end with one");
    assert_no_key("\"abc", "begins with a quote and does not end with one");
    assert_no_key("\"abc\\\"", "has a backslash that escapes nothing");
    assert_no_key("\"a\\bc\"", "has a backslash that escapes nothing");
    assert_no_key("\"a\"b\"", "has an unescaped quote inside");
    assert_no_key("a b", "may hold visible ASCII characters only");
    assert_no_key("\"a b\"", "may hold visible ASCII characters only");
    assert_no_key("caf\xc3\xa9", "may hold visible ASCII characters only");
    assert_no_key("a\x7f", "may hold visible ASCII characters only");
}

static void a_key_has_255_characters_at_most(void **state)
{
    char longest[256 + 2 + 1], quoted[sizeof(longest) + 2];

    (void)state;
    memset(longest, 'k', sizeof(longest));
    longest[255] = '\0';
    snprintf(quoted, sizeof(quoted), "\"%s\"", longest);
    assert_key(longest, longest);
    assert_key(quoted, longest);
    memset(longest, 'k', 256);
    longest[256] = '\0';
    assert_no_key(longest, "may have 255 characters at most");
}

static bool same(struct fingerprint a, struct fingerprint b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static struct fingerprint of(const char *method, const char *pattern, const char *arg, const char *if_match,
                             const char *body)
{
    return fingerprint_of(method, pattern, arg, if_match, body, strlen(body));
}

static void each_part_of_a_request_changes_its_fingerprint(void **state)
{
    const struct fingerprint f = of("PATCH", "/v1/rooms/{id}", "1", "\"1\"", "{}");

    (void)state;
    assert_true(same(f, of("PATCH", "/v1/rooms/{id}", "1", "\"1\"", "{}")));
    assert_false(same(f, of("POST", "/v1/rooms/{id}", "1", "\"1\"", "{}")));
    assert_false(same(f, of("PATCH", "/v1/rooms", "1", "\"1\"", "{}")));
    assert_false(same(f, of("PATCH", "/v1/rooms/{id}", "2", "\"1\"", "{}")));
    assert_false(same(f, of("PATCH", "/v1/rooms/{id}", "1", "\"2\"", "{}")));
    assert_false(same(f, of("PATCH", "/v1/rooms/{id}", "1", "\"1\"", "{ }")));
}

static void parts_of_a_request_do_not_run_into_each_other(void **state)
{
    (void)state;
    assert_false(same(of("POST", "/a", "bc", NULL, ""), of("POST", "/ab", "c", NULL, "")));
    assert_false(same(of("POST", "/a", NULL, "x", ""), of("POST", "/a", "x", NULL, "")));
    assert_false(same(of("POST", "/a", NULL, NULL, ""), of("POST", "/a", "", NULL, "")));
    assert_false(same(of("POST", "/a", NULL, "", ""), of("POST", "/a", NULL, NULL, "")));
}

/* Keys outlive a release: what an older one stored has to match. */
static void a_fingerprint_is_the_same_in_every_release(void **state)
{
    static const uint8_t expected[16] = {0x42, 0x6f, 0x38, 0xb7, 0x98, 0x4c, 0x44, 0x0c,
                                         0x4b, 0xf5, 0x43, 0xe3, 0x1a, 0x53, 0xd7, 0x14};
    const struct fingerprint f =
        of("POST", "/v1/rooms", NULL, NULL, "{\"name\": \"Aurora\", \"capacity\": 8}");

    (void)state;
    assert_memory_equal(f.b, expected, sizeof(expected));
}

UNIT_MAIN(cmocka_unit_test(a_key_is_the_same_quoted_and_bare),
          cmocka_unit_test(what_is_no_key_is_refused_with_the_reason),
          cmocka_unit_test(a_key_has_255_characters_at_most),
          cmocka_unit_test(each_part_of_a_request_changes_its_fingerprint),
          cmocka_unit_test(parts_of_a_request_do_not_run_into_each_other),
          cmocka_unit_test(a_fingerprint_is_the_same_in_every_release))
