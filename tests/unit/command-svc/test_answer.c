#include "unit.h"

#include "answer.h"

#include <stdio.h>
#include <string.h>

static const int64_t noon = INT64_C(1796126400000000); /* 2026-12-01T12:00:00Z */

static struct room aurora(void)
{
    return (struct room){.id = 1,
                         .name = "Aurora \"A\"",
                         .location = "2nd floor",
                         .capacity = 8,
                         .active = 1,
                         .version = 3,
                         .created_at = noon,
                         .updated_at = noon + 123456};
}

static struct reservation planning(void)
{
    struct reservation r = {.room_id = 1,
                            .user_id = "ann",
                            .title = "Pl\xc3\xa4ne",
                            .starts_at = noon,
                            .ends_at = noon + INT64_C(3600000000),
                            .state = "confirmed",
                            .version = 2,
                            .created_at = noon,
                            .updated_at = noon};

    assert_true(rr_uuid_parse("019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10", 36, &r.id));
    return r;
}

static void assert_body(const struct answer *a, const char *json)
{
    assert_false(a->body.failed);
    assert_string_equal(a->body.data, json);
}

static void a_room_is_answered_as_the_documentation_shows(void **state)
{
    struct room room = aurora();
    struct answer a = {0};

    (void)state;
    answer_room(&a, 201, &room, false);
    assert_int_equal(a.status, 201);
    assert_body(
        &a,
        "{\"id\":1,\"name\":\"Aurora \\\"A\\\"\",\"capacity\":8,\"location\":\"2nd floor\",\"active\":true,"
        "\"version\":3,\"created_at\":\"2026-12-01T12:00:00Z\",\"updated_at\":\"2026-12-01T12:00:00."
        "123456Z\"}");
    assert_non_null(strstr(a.headers, "Location: /v1/rooms/1\n"));
    assert_non_null(strstr(a.headers, "ETag: \"3\"\n"));
    assert_non_null(strstr(a.headers, "Consistency-Token: "));
    assert_null(strstr(a.headers, "Preference-Applied"));

    room.no_location = true;
    room.active = 0;
    answer_room(&a, 200, &room, false);
    assert_non_null(strstr(a.body.data, "\"location\":null,\"active\":false"));
    assert_null(strstr(a.headers, "Location"));
    answer_fini(&a);
}

static void a_reservation_is_answered_as_the_documentation_shows(void **state)
{
    struct reservation r = planning();
    struct answer a = {0};

    (void)state;
    answer_reservation(&a, 201, &r, false);
    assert_body(&a, "{\"id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"room_id\":1,\"user_id\":\"ann\","
                    "\"title\":\"Pl\xc3\xa4ne\",\"starts_at\":\"2026-12-01T12:00:00Z\",\"ends_at\":\"2026-12-"
                    "01T13:00:00Z\","
                    "\"state\":\"confirmed\",\"version\":2,\"created_at\":\"2026-12-01T12:00:00Z\","
                    "\"updated_at\":\"2026-12-01T12:00:00Z\"}");
    assert_non_null(strstr(a.headers, "Location: /v1/reservations/019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\n"));
    r.no_title = true;
    answer_reservation(&a, 200, &r, false);
    assert_non_null(strstr(a.body.data, "\"title\":null"));
    answer_fini(&a);
}

static void a_minimal_answer_has_id_and_version_only(void **state)
{
    const struct room room = aurora();
    const struct reservation r = planning();
    struct answer a = {0};

    (void)state;
    answer_room(&a, 200, &room, true);
    assert_body(&a, "{\"id\":1,\"version\":3}");
    assert_non_null(strstr(a.headers, "Preference-Applied: return=minimal\n"));
    answer_reservation(&a, 200, &r, true);
    assert_body(&a, "{\"id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"version\":2}");
    answer_fini(&a);
}

static void a_token_names_the_written_version(void **state)
{
    const struct reservation r = planning();
    struct answer a = {0};
    struct rr_token token;
    const char *text;

    (void)state;
    answer_reservation(&a, 200, &r, false);
    text = strstr(a.headers, "Consistency-Token: ") + strlen("Consistency-Token: ");
    assert_true(rr_token_parse(text, strcspn(text, "\n"), &token));
    assert_int_equal(token.kind, RR_TOKEN_RESERVATION);
    assert_int_equal(token.version, 2);
    assert_memory_equal(&token.reservation_id, &r.id, sizeof(r.id));
    answer_fini(&a);
}

static void a_refusal_is_a_problem_document(void **state)
{
    struct answer a = {0};

    (void)state;
    answer_refuse(&a, RR_VERSION_STALE, "the present version is %d", 4);
    rr_json_uint(&a.json, "version", 4);
    answer_end(&a);
    assert_int_equal(a.status, 412);
    assert_body(
        &a,
        "{\"type\":\"/problems/version-stale\",\"title\":\"it has changed since you read it\",\"status\":412,"
        "\"detail\":\"the present version is 4\",\"code\":\"version-stale\",\"version\":4}");
    assert_string_equal(a.headers, "");
    answer_fini(&a);
}

static void broken_rules_are_listed(void **state)
{
    struct rule_breaks b = {0};
    struct answer a = {0};

    (void)state;
    rule_break(&b, "room_id", "there is no such room");
    rule_break(&b, "starts_at", "is in the past");
    answer_refuse_rules(&a, &b);
    assert_int_equal(a.status, 422);
    assert_non_null(strstr(a.body.data,
                           "\"invalid_params\":[{\"name\":\"room_id\",\"reason\":\"there is no such room\"},"
                           "{\"name\":\"starts_at\",\"reason\":\"is in the past\"}]}"));
    answer_fini(&a);
}

static void conflicts_are_listed_without_whose_they_are(void **state)
{
    struct conflicts c = {.n = 1};
    struct answer a = {0};

    (void)state;
    c.items[0].starts_at = noon;
    c.items[0].ends_at = noon + INT64_C(60000000);
    answer_refuse_conflicts(&a, &c);
    answer_end(&a);
    assert_int_equal(a.status, 409);
    assert_body(&a,
                "{\"type\":\"/problems/slot-taken\",\"title\":\"the room is already reserved for this "
                "time\",\"status\":409,"
                "\"detail\":\"1 reservation overlaps\",\"code\":\"slot-taken\",\"conflicts\":[{\"starts_at\":"
                "\"2026-12-01T12:00:00Z\",\"ends_at\":\"2026-12-01T12:01:00Z\"}]}");
    answer_fini(&a);
}

static void what_else_is_free_follows_the_conflicts(void **state)
{
    struct alternatives other = {.n = 1, .rooms = {{.id = 7, .name = "Annex \"B\""}}};
    struct next_free next = {true, noon, noon + INT64_C(60000000)};
    const struct conflicts c = {.n = 1};
    struct answer a = {0};

    (void)state;
    answer_refuse_conflicts(&a, &c);
    answer_suggestions(&a, &next, &other);
    answer_end(&a);
    assert_non_null(strstr(a.body.data, "],\"next_free\":{\"starts_at\":\"2026-12-01T12:00:00Z\",\"ends_at\":"
                                        "\"2026-12-01T12:01:00Z\"},"
                                        "\"alternatives\":[{\"room_id\":7,\"name\":\"Annex \\\"B\\\"\"}]}"));
    next.found = false;
    other.n = 0;
    answer_refuse_conflicts(&a, &c);
    answer_suggestions(&a, &next, &other);
    answer_end(&a);
    assert_non_null(strstr(a.body.data, "],\"next_free\":null,\"alternatives\":[]}"));
    answer_refuse_conflicts(&a, &c);
    answer_suggestions(&a, NULL, NULL);
    answer_end(&a);
    assert_non_null(strstr(a.body.data, "]}"));
    assert_null(strstr(a.body.data, "next_free"));
    answer_fini(&a);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void at_most_twenty_conflicts_are_shown(void **state)
{
    struct conflicts c = {.n = CONFLICTS_MAX};
    struct answer a = {0};

    (void)state;
    answer_refuse_conflicts(&a, &c);
    assert_non_null(strstr(a.body.data, "\"20 reservations overlap\""));
    assert_int_equal(count(a.body.data, "starts_at"), 20);
    c.n++;
    answer_refuse_conflicts(&a, &c);
    assert_non_null(strstr(a.body.data, "\"more than 20 reservations overlap; the first 20 are shown\""));
    assert_int_equal(count(a.body.data, "starts_at"), 20);
    answer_fini(&a);
}

/* A transaction that is tried again decides anew. */
static void a_second_answer_replaces_the_first(void **state)
{
    const struct reservation r = planning();
    const struct room room = aurora();
    struct answer a = {0};

    (void)state;
    answer_reservation(&a, 201, &r, false);
    answer_room(&a, 200, &room, true);
    assert_body(&a, "{\"id\":1,\"version\":3}");
    assert_int_equal(count(a.headers, "ETag"), 1);
    answer_fini(&a);
}

static void the_longest_answer_fits_into_the_table_of_keys(void **state)
{
    static struct stored_answer stored;
    struct reservation r = planning();
    struct answer a = {0};

    (void)state;
    memset(r.title, '"', 200); /* the escape that is longest for its bytes, as many as the column takes */
    r.title[200] = '\0';
    for (size_t i = 0; i + 4 < sizeof(r.user_id); i += 4)
        memcpy(r.user_id + i, "\xf0\x9f\x8e\x89", 4);
    answer_reservation(&a, 201, &r, true);
    assert_true(strlen(a.headers) < sizeof(stored.headers));
    answer_reservation(&a, 201, &r, false);
    assert_true(a.body.len < sizeof(stored.body));

    snprintf(stored.headers, sizeof(stored.headers), "%s", a.headers);
    memcpy(stored.body, a.body.data, a.body.len);
    stored.body_len = a.body.len;
    stored.status = 201;
    answer_restore(&a, &stored);
    assert_int_equal(a.status, 201);
    assert_int_equal(a.body.len, stored.body_len);
    assert_memory_equal(a.body.data, stored.body, stored.body_len);
    assert_string_equal(a.headers, stored.headers);
    answer_fini(&a);
}

UNIT_MAIN(cmocka_unit_test(a_room_is_answered_as_the_documentation_shows),
          cmocka_unit_test(a_reservation_is_answered_as_the_documentation_shows),
          cmocka_unit_test(a_minimal_answer_has_id_and_version_only),
          cmocka_unit_test(a_token_names_the_written_version),
          cmocka_unit_test(a_refusal_is_a_problem_document), cmocka_unit_test(broken_rules_are_listed),
          cmocka_unit_test(conflicts_are_listed_without_whose_they_are),
          cmocka_unit_test(what_else_is_free_follows_the_conflicts),
          cmocka_unit_test(at_most_twenty_conflicts_are_shown),
          cmocka_unit_test(a_second_answer_replaces_the_first),
          cmocka_unit_test(the_longest_answer_fits_into_the_table_of_keys))
