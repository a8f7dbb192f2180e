#include "unit.h"

#include "json.h"
#include "time.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static void members_and_elements_are_separated_by_commas(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_json j;

    (void)state;
    rr_json_init(&j, &b);
    rr_json_object(&j, NULL);
    rr_json_array(&j, "items");
    rr_json_object(&j, NULL);
    rr_json_end_object(&j);
    rr_json_object(&j, NULL);
    rr_json_uint(&j, "id", 1);
    rr_json_text(&j, "name", "Aurora");
    rr_json_end_object(&j);
    rr_json_array(&j, NULL);
    rr_json_end_array(&j);
    rr_json_int(&j, NULL, -1);
    rr_json_end_array(&j);
    rr_json_null(&j, "next_cursor");
    rr_json_raw(&j, "raw", "[1,2]", 5);
    rr_json_bool(&j, "active", true);
    rr_json_bool(&j, "full", false);
    rr_json_end_object(&j);
    assert_string_equal(b.data, "{\"items\":[{},{\"id\":1,\"name\":\"Aurora\"},[],-1],\"next_cursor\":null,"
                                "\"raw\":[1,2],\"active\":true,\"full\":false}");
}

static const char *text_of(struct rr_buf *b, const char *s, size_t len)
{
    struct rr_json j;

    rr_buf_reset(b);
    rr_json_init(&j, b);
    rr_json_textn(&j, NULL, s, len);
    return b->data;
}

static void quotes_backslashes_and_controls_are_escaped(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    assert_string_equal(text_of(&b, "\"\\/", 3), "\"\\\"\\\\/\"");
    assert_string_equal(text_of(&b, "a\b\f\n\r\tz", 7), "\"a\\b\\f\\n\\r\\tz\"");
    assert_string_equal(text_of(&b, "\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\"");
    assert_string_equal(text_of(&b, "é€🏠", 9), "\"é€🏠\"");
    assert_string_equal(text_of(&b, "", 0), "\"\"");
    assert_string_equal(text_of(&b, NULL, 0), "null");
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    assert_string_equal(text_of(&b,
                                "a\xff"
                                "b",
                                3),
                        "\"a\xef\xbf\xbd"
                        "b\"");
    assert_string_equal(text_of(&b, "\xe2\x82", 2), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_string_equal(text_of(&b, "é\xc3", 3), "\"é\xef\xbf\xbd\"");
}

static void any_bytes_make_json_that_can_be_read(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    char bytes[64];
    uint32_t seed = 12345;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        json_t *read;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        read = json_loads(text_of(&b, bytes, sizeof(bytes)), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        json_decref(read);
    }
}

static void names_are_escaped_like_texts(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_json j;

    (void)state;
    rr_json_init(&j, &b);
    rr_json_object(&j, NULL);
    rr_json_null(&j, "a\"b\n");
    rr_json_end_object(&j);
    assert_string_equal(b.data, "{\"a\\\"b\\n\":null}");
}

static void numbers_keep_their_whole_range(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_json j;

    (void)state;
    rr_json_init(&j, &b);
    rr_json_array(&j, NULL);
    rr_json_int(&j, NULL, INT64_MIN);
    rr_json_int(&j, NULL, INT64_MAX);
    rr_json_uint(&j, NULL, UINT64_MAX);
    rr_json_real(&j, NULL, 0.0833);
    rr_json_real(&j, NULL, NAN);
    rr_json_real(&j, NULL, -INFINITY);
    rr_json_end_array(&j);
    assert_string_equal(b.data,
                        "[-9223372036854775808,9223372036854775807,18446744073709551615,0.0833,null,null]");
}

static void times_and_ids_are_texts(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    const struct rr_uuid id = {{1, 2, 3}};
    struct rr_json j;

    (void)state;
    rr_json_init(&j, &b);
    rr_json_object(&j, NULL);
    rr_json_time(&j, "at", RR_US_PER_DAY + 1);
    rr_json_uuid(&j, "id", &id);
    rr_json_end_object(&j);
    assert_string_equal(
        b.data, "{\"at\":\"1970-01-02T00:00:00.000001Z\",\"id\":\"01020300-0000-0000-0000-000000000000\"}");
}

UNIT_MAIN(cmocka_unit_test(members_and_elements_are_separated_by_commas),
          cmocka_unit_test(quotes_backslashes_and_controls_are_escaped),
          cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
          cmocka_unit_test(any_bytes_make_json_that_can_be_read),
          cmocka_unit_test(names_are_escaped_like_texts), cmocka_unit_test(numbers_keep_their_whole_range),
          cmocka_unit_test(times_and_ids_are_texts))
