/* The request's side is wrapped (see CMakeLists.txt): what fields.c says about bad fields is gathered in
 * `said`. */
#include "unit.h"

#include "buf.h"
#include "fields.h"
#include "http/http.h"
#include "http/request.h"

#include <stdio.h>
#include <string.h>

static struct rr_buf said, detail; /* "name: reason\n"… */
static const char *const *query;   /* name, value, name, value, … NULL */
static char *texts[64];
static size_t n_texts;
static bool no_memory;

void __wrap_rr_problem_param(struct rr_req *r, const char *name, const char *fmt, ...);
void __wrap_rr_problem_detail(struct rr_req *r, const char *fmt, ...);
int __wrap_rr_query_each(struct rr_req *r, bool (*cb)(void *, const char *, const char *), void *arg);
char *__wrap_rr_req_strndup(struct rr_req *r, const char *s, size_t n);

void __wrap_rr_problem_param(struct rr_req *r, const char *name, const char *fmt, ...)
{
    va_list ap;

    (void)r;
    va_start(ap, fmt);
    rr_buf_printf(&said, "%s: ", name);
    rr_buf_vprintf(&said, fmt, ap);
    rr_buf_puts(&said, "\n");
    va_end(ap);
}

void __wrap_rr_problem_detail(struct rr_req *r, const char *fmt, ...)
{
    va_list ap;

    (void)r;
    va_start(ap, fmt);
    rr_buf_reset(&detail);
    rr_buf_vprintf(&detail, fmt, ap);
    va_end(ap);
}

int __wrap_rr_query_each(struct rr_req *r, bool (*cb)(void *, const char *, const char *), void *arg)
{
    (void)r;
    for (const char *const *p = query; *p; p += 2)
        if (!cb(arg, p[0], p[1]))
            return 0;
    return 1;
}

char *__wrap_rr_req_strndup(struct rr_req *r, const char *s, size_t n)
{
    (void)r;
    assert_true(n_texts < RR_LEN(texts));
    return no_memory ? NULL : (texts[n_texts++] = strndup(s, n));
}

enum { ROOM, TITLE, STARTS, ACTIVE, STATE, N };

static const char *const states[] = {"confirmed", "cancelled", NULL};
static const struct rr_field fields[N] = {
    [ROOM] = {"room_id", RR_FIELD_UINT, RR_FIELD_REQUIRED, 1, INT64_MAX, NULL},
    [TITLE] = {"title", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 5, NULL},
    [STARTS] = {"starts_at", RR_FIELD_TIME, 0, 0, 0, NULL},
    [ACTIVE] = {"active", RR_FIELD_BOOL, 0, 0, 0, NULL},
    [STATE] = {"state", RR_FIELD_ENUM, 0, 0, 0, states},
};
static const struct rr_field small[] = {
    {"capacity", RR_FIELD_UINT, 0, 1, 100000, NULL},
    {"reason", RR_FIELD_TEXT, 0, 1, 500, NULL},
};
static struct rr_value got[N];

static int forget(void **state)
{
    (void)state;
    rr_buf_reset(&said);
    rr_buf_puts(&said, "");
    rr_buf_reset(&detail);
    rr_buf_puts(&detail, "");
    while (n_texts > 0)
        free(texts[--n_texts]);
    no_memory = false;
    return 0;
}

static int forget_all(void **state)
{
    forget(state);
    rr_buf_fini(&said);
    rr_buf_fini(&detail);
    return 0;
}

static enum rr_err read_bytes(const char *body, size_t len, const struct rr_field *table, size_t n)
{
    struct rr_req r = {.body = body, .body_len = len};

    forget(NULL);
    return rr_body_fields(&r, table, n, got);
}

static enum rr_err read_body(const char *body)
{
    return read_bytes(body, strlen(body), fields, N);
}

static enum rr_err read_small(const char *body)
{
    return read_bytes(body, strlen(body), small, RR_LEN(small));
}

#define READ_QUERY(...) read_query((const char *const[]){__VA_ARGS__, NULL})
static enum rr_err read_query(const char *const *pairs)
{
    struct rr_req r = {.body = ""};

    forget(NULL);
    query = pairs;
    return rr_query_fields(&r, fields, N, got);
}

/* ---- the body ---- */

static void a_body_fills_the_rows_it_names(void **state)
{
    (void)state;
    assert_int_equal(
        read_body("{\"state\": \"cancelled\", \"title\": \"h\\u00e9é🏠\", \"room_id\": 7, \"active\": true,"
                  " \"starts_at\": \"2026-12-01T10:00:00+01:00\"}"),
        RR_OK);
    assert_true(got[ROOM].set && got[ROOM].u == 7);
    assert_string_equal(got[TITLE].text, "héé🏠");
    assert_int_equal(got[TITLE].len, 9);
    assert_int_equal(got[STARTS].time, INT64_C(1796115600000000));
    assert_int_equal(got[ACTIVE].u, 1);
    assert_int_equal(got[STATE].u, 1);
}

static void a_field_left_out_is_not_set(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 7, \"active\": false}"), RR_OK);
    assert_false(got[TITLE].set || got[STARTS].set || got[STATE].set);
    assert_true(got[ACTIVE].set && got[ACTIVE].u == 0);
}

static void null_is_taken_where_the_row_says_so(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 7, \"title\": null}"), RR_OK);
    assert_true(got[TITLE].set && got[TITLE].null);
    assert_int_equal(read_body("{\"room_id\": null}"), RR_JSON_INVALID);
    assert_non_null(strstr(said.data, "room_id: has to be something other than null\n"));
}

static void an_empty_body_reads_as_an_empty_object(void **state)
{
    (void)state;
    assert_int_equal(read_small(""), RR_OK);
    assert_false(got[0].set || got[1].set);
    assert_int_equal(read_body(""), RR_JSON_INVALID);
    assert_string_equal(said.data, "room_id: is required\n");
}

static void each_bad_field_is_named_in_one_answer(void **state)
{
    (void)state;
    assert_int_equal(
        read_body("{\"title\": 5, \"starts_at\": 1, \"active\": \"yes\", \"state\": [], \"colour\": {}}"),
        RR_JSON_INVALID);
    assert_string_equal(said.data, "title: has to be a text\nstarts_at: has to be a text\n"
                                   "active: has to be true or false\nstate: has to be a text\n"
                                   "colour: is not a field of this call\nroom_id: is required\n");
}

static void what_can_be_read_but_breaks_a_rule_is_422(void **state)
{
    static const char *const cases[][2] = {
        {"\"capacity\": 0", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": -3", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": 100001", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": 9223372036854775807", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": 99999999999999999999", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": 1e300", "capacity: has to be from 1 to 100000\n"},
        {"\"capacity\": 1e999", "capacity: has to be from 1 to 100000\n"},
        {"\"reason\": \"\"", "reason: has to be 1 to 500 characters long\n"},
        {"\"reason\": \"a\\u0000b\"", "reason: has a control character\n"},
        {"\"reason\": \"a\\nb\"", "reason: has a control character\n"},
        {"\"reason\": \"a\\u0085b\"", "reason: has a control character\n"},
    };
    char body[256];

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        snprintf(body, sizeof(body), "{%s}", cases[i][0]);
        assert_int_equal(read_small(body), RR_RULE_BROKEN);
        assert_string_equal(said.data, cases[i][1]);
    }
}

static void length_is_counted_in_characters(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 1, \"title\": \"🏠🏠🏠🏠🏠\"}"), RR_OK);
    assert_int_equal(read_body("{\"room_id\": 1, \"title\": \"🏠🏠🏠🏠🏠!\"}"), RR_RULE_BROKEN);
    assert_string_equal(said.data, "title: has to be 1 to 5 characters long\n");
}

static void a_whole_number_may_be_written_as_a_real(void **state)
{
    (void)state;
    assert_int_equal(read_small("{\"capacity\": 12.0}"), RR_OK);
    assert_int_equal(got[0].u, 12);
    assert_int_equal(read_small("{\"capacity\": 12e1}"), RR_OK);
    assert_int_equal(got[0].u, 120);
    assert_int_equal(read_small("{\"capacity\": 12.5}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "capacity: has to be a whole number\n");
    assert_int_equal(read_small("{\"capacity\": \"12\"}"), RR_JSON_INVALID);
}

static void a_time_without_shape_is_400_and_one_that_does_not_exist_422(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 1, \"starts_at\": \"tomorrow\"}"), RR_JSON_INVALID);
    assert_int_equal(read_body("{\"room_id\": 1, \"starts_at\": \"2026-12-01T10:00\"}"), RR_JSON_INVALID);
    assert_non_null(strstr(said.data, "starts_at: has no offset"));
    assert_int_equal(read_body("{\"room_id\": 1, \"starts_at\": \"2026-02-30T10:00Z\"}"), RR_RULE_BROKEN);
    assert_non_null(strstr(said.data, "starts_at: has a day"));
}

static void a_choice_is_one_of_the_words(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 1, \"state\": \"Confirmed\"}"), RR_RULE_BROKEN);
    assert_string_equal(said.data, "state: has to be one of confirmed, cancelled\n");
    assert_int_equal(read_body("{\"room_id\": 1, \"state\": \"confirmed\\u0000\"}"), RR_RULE_BROKEN);
}

static void malformed_wins_over_broken(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 0, \"active\": 1}"), RR_JSON_INVALID);
    assert_string_equal(
        said.data, "room_id: has to be from 1 to 9223372036854775807\nactive: has to be true or false\n");
}

static void a_name_that_comes_twice_is_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 1, \"title\": \"a\", \"room_id\" : 2}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "room_id: comes twice\n");
    assert_int_equal(
        read_body("{\"a name that is quite long\":{}, \"x\":[\"],}\\\"\"], \"a name that is quite long\":1}"),
        RR_JSON_INVALID);
    assert_string_equal(said.data, "a name that is quite long: comes twice\n");
    assert_int_equal(read_body("{\"room_id\": {\"a\": 1, \"a\": 2}}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "");
    assert_non_null(strstr(detail.data, "duplicate"));
}

static void bytes_that_are_no_utf8_are_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"room_id\": 1, \"title\": \"a\xff\"}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "title: is not valid UTF-8\n");
    assert_int_equal(read_body("{\"title\": \"\xe2\x82\"}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "title: is not valid UTF-8\n");
    assert_int_equal(read_body("{\"room_id\": 1, \"ti\xfftle\": 1}"), RR_JSON_INVALID);
    assert_string_equal(said.data, "");
    assert_non_null(strstr(detail.data, "line 1, column "));
    assert_int_equal(read_body("\xff"), RR_JSON_INVALID);
}

static void wrong_syntax_is_located(void **state)
{
    static const char *const bodies[] = {
        "{",        "{\"room_id\": 1,}", "{\"room_id\": 01}", "{'a': 1}", "nil", "{} x",
        "\"text\"", "{\"a\": NaN}",      "{\"a\" 1}",         "{\"a",     "\\",  " "};

    (void)state;
    for (size_t i = 0; i < RR_LEN(bodies); i++) {
        assert_int_equal(read_body(bodies[i]), RR_JSON_INVALID);
        assert_non_null(strstr(detail.data, "line 1, column "));
    }
    assert_int_equal(read_body("{\n  \"room_id\": x\n}"), RR_JSON_INVALID);
    assert_non_null(strstr(detail.data, "line 2, column "));
    assert_int_equal(read_bytes("{}\0", 3, small, RR_LEN(small)), RR_JSON_INVALID);
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    static const char behind_number[] = "{\"capacity\": 1\0}";

    (void)state;
    assert_int_equal(read_bytes(behind_number, sizeof(behind_number) - 1, small, RR_LEN(small)),
                     RR_JSON_INVALID);
    assert_string_equal(detail.data, "byte 15 of the body is NUL");
}

static void the_body_has_to_be_an_object(void **state)
{
    (void)state;
    assert_int_equal(read_body("[]"), RR_JSON_INVALID);
    assert_string_equal(detail.data, "the body has to be a JSON object");
}

static void a_body_cut_anywhere_is_refused_without_harm(void **state)
{
    static const char whole[] = "{\"room_id\": 12345678901234567890, \"t\\\"i\\u00e9\": [\"\\\\\", {\"a\": "
                                "1e400}], \"\xc3\xa9\": \"\xff\"}";

    (void)state;
    for (size_t len = 1; len < sizeof(whole); len++)
        for (size_t from = 0; from < len; from++) {
            char *copy = malloc(len - from); /* its own block: the sanitizer sees one byte too far */

            memcpy(copy, whole + from, len - from);
            assert_int_not_equal(read_bytes(copy, len - from, fields, N), RR_OK);
            free(copy);
        }
}

static void no_memory_for_a_text_is_said(void **state)
{
    struct rr_req r = {.body = "{\"reason\": \"x\"}", .body_len = 15};

    (void)state;
    forget(NULL);
    no_memory = true;
    assert_int_equal(rr_body_fields(&r, small, RR_LEN(small), got), RR_NO_MEMORY);
}

/* ---- the query string ---- */

static void a_query_fills_the_rows_it_names(void **state)
{
    (void)state;
    assert_int_equal(READ_QUERY("room_id", "007", "title", "a", "starts_at", "2026-12-01T10:00Z", "active",
                                "false", "state", "confirmed"),
                     RR_OK);
    assert_int_equal(got[ROOM].u, 7);
    assert_string_equal(got[TITLE].text, "a");
    assert_true(got[ACTIVE].set && got[ACTIVE].u == 0);
    assert_true(got[STATE].set && got[STATE].u == 0);
}

static void a_query_that_is_wrong_in_any_way_is_400(void **state)
{
    static const char *const cases[][3] = {
        {"room_id", "", "room_id: has to be a whole number\n"},
        {"room_id", "1x", "room_id: has to be a whole number\n"},
        {"room_id", " 1", "room_id: has to be a whole number\n"},
        {"room_id", "+1", "room_id: has to be a whole number\n"},
        {"room_id", "1.0", "room_id: has to be a whole number\n"},
        {"room_id", "0", "room_id: has to be from 1 to 9223372036854775807\n"},
        {"room_id", "-1", "room_id: has to be from 1 to 9223372036854775807\n"},
        {"room_id", "9223372036854775808", "room_id: has to be from 1 to 9223372036854775807\n"},
        {"active", "TRUE", "active: has to be true or false\n"},
        {"active", "", "active: has to be true or false\n"},
        {"title", "", "title: has to be 1 to 5 characters long\n"},
        {"title", "\xff", "title: is not valid UTF-8\n"},
        {"title", "a\nb", "title: has a control character\n"},
        {"state", "open", "state: has to be one of confirmed, cancelled\n"},
        {"colour", "red", "colour: is not a parameter of this call\n"},
        {"starts_at", "2026-02-30T10:00Z", "starts_at: has a day that its month does not have\n"},
        {"starts_at", "2026-12-01T10:00:00 09:00",
         "starts_at: has to be a time with an offset, such as 2026-12-01T10:00:00Z; write + as %2B\n"},
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        const bool is_room = strcmp(cases[i][0], "room_id") == 0;
        enum rr_err err = is_room ? READ_QUERY(cases[i][0], cases[i][1])
                                  : READ_QUERY("room_id", "1", cases[i][0], cases[i][1]);

        assert_int_equal(err, RR_PARAMETER_INVALID);
        assert_string_equal(said.data, cases[i][2]);
    }
}

static void a_parameter_that_comes_twice_or_not_at_all_is_named(void **state)
{
    (void)state;
    assert_int_equal(READ_QUERY("room_id", "1", "room_id", "1"), RR_PARAMETER_INVALID);
    assert_string_equal(said.data, "room_id: comes twice\n");
    assert_int_equal(READ_QUERY("active", "true"), RR_PARAMETER_INVALID);
    assert_string_equal(said.data, "room_id: is required\n");
}

static void an_id_in_a_path_is_a_number_from_1(void **state)
{
    uint64_t id = 0;

    (void)state;
    assert_true(rr_path_id("1", &id));
    assert_int_equal(id, 1);
    assert_true(rr_path_id("9223372036854775807", &id));
    assert_int_equal(id, INT64_MAX);
}

static void what_is_no_id_names_nothing(void **state)
{
    const char *const bad[] = {
        "", "0", "01", "-1", "+1", " 1", "1 ", "1x", "0x1", "9223372036854775808", "99999999999999999999999"};
    uint64_t id = 7;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(rr_path_id(bad[i], &id));
    assert_int_equal(id, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_fills_the_rows_it_names),
        cmocka_unit_test(a_field_left_out_is_not_set),
        cmocka_unit_test(null_is_taken_where_the_row_says_so),
        cmocka_unit_test(an_empty_body_reads_as_an_empty_object),
        cmocka_unit_test(each_bad_field_is_named_in_one_answer),
        cmocka_unit_test(what_can_be_read_but_breaks_a_rule_is_422),
        cmocka_unit_test(length_is_counted_in_characters),
        cmocka_unit_test(a_whole_number_may_be_written_as_a_real),
        cmocka_unit_test(a_time_without_shape_is_400_and_one_that_does_not_exist_422),
        cmocka_unit_test(a_choice_is_one_of_the_words),
        cmocka_unit_test(malformed_wins_over_broken),
        cmocka_unit_test(a_name_that_comes_twice_is_refused_by_name),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused_by_name),
        cmocka_unit_test(wrong_syntax_is_located),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(the_body_has_to_be_an_object),
        cmocka_unit_test(a_body_cut_anywhere_is_refused_without_harm),
        cmocka_unit_test(no_memory_for_a_text_is_said),
        cmocka_unit_test(a_query_fills_the_rows_it_names),
        cmocka_unit_test(a_query_that_is_wrong_in_any_way_is_400),
        cmocka_unit_test(a_parameter_that_comes_twice_or_not_at_all_is_named),
        cmocka_unit_test(an_id_in_a_path_is_a_number_from_1),
        cmocka_unit_test(what_is_no_id_names_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, forget_all);
}
