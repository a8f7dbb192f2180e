#include "unit.h"

#include "macros.h"
#include "render.h"
#include "result.h"
#include "time.h"

static void an_instant_is_written_as_the_truth_writes_it(void **state)
{
    static const char *const pairs[][2] = {
        {"2026-12-01 09:00:00+00", "2026-12-01T09:00:00Z"},
        {"2026-12-01 09:00:00.123456+00", "2026-12-01T09:00:00.123456Z"},
        {"2026-12-01 09:00:00.5+00", "2026-12-01T09:00:00.500000Z"},
        {"2026-12-01 09:00:00.00001+00", "2026-12-01T09:00:00.000010Z"},
        {"0999-02-28 23:59:59+00", "0999-02-28T23:59:59Z"},
    };
    char text[RR_TIME_TEXT], same[RR_TIME_TEXT];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < RR_LEN(pairs); i++) {
        assert_string_equal(render_instant(pairs[i][0], text), pairs[i][1]);
        assert_null(rr_time_parse(text, strlen(text), &us));
        assert_string_equal(rr_time_format(us, same), pairs[i][1]);
    }
}

static void what_is_no_instant_in_utc_is_none(void **state)
{
    static const char *const bad[] = {"",
                                      "infinity",
                                      "-infinity",
                                      "2026-12-01 09:00:00",
                                      "2026-12-01 09:00:00+09",
                                      "10000-01-01 00:00:00+00",
                                      "2026-12-01 09:00:00.1234567+00",
                                      "0044-03-15 00:00:00+00 BC"};
    char text[RR_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_null(render_instant(bad[i], text));
}

static void a_room_is_written_with_all_its_fields(void **state)
{
    static const char *const row[] = {"7",
                                      "A \"quoted\" name",
                                      NULL,
                                      "8",
                                      "t",
                                      "3",
                                      "2026-12-01 09:00:00.123+00",
                                      "2026-12-02 00:00:00+00"};
    PGresult *res = result_new(RR_LEN(row));
    struct rr_buf buf = {0};
    struct rr_json j;

    (void)state;
    result_add(res, row);
    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    render_room(&j, res, 0, 0);
    rr_json_end_object(&j);
    assert_string_equal(buf.data,
                        "{\"id\":7,\"name\":\"A \\\"quoted\\\" name\",\"capacity\":8,\"location\":null,"
                        "\"active\":true,\"version\":3,\"created_at\":\"2026-12-01T09:00:00.123000Z\","
                        "\"updated_at\":\"2026-12-02T00:00:00Z\"}");
    rr_buf_fini(&buf);
    PQclear(res);
}

static void a_reservation_of_an_unknown_room_has_no_room_name(void **state)
{
    static const char *const row[RESERVATION_END] = {"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10",
                                                     "1",
                                                     NULL,
                                                     NULL,
                                                     "ann",
                                                     "Planning",
                                                     "2026-12-01 09:00:00+00",
                                                     "2026-12-01 10:00:00+00",
                                                     "confirmed",
                                                     "2",
                                                     "2026-11-22 13:00:00.123456+00",
                                                     "2026-11-22 13:00:00.123456+00"};
    PGresult *res = result_new(RESERVATION_END);
    struct rr_buf buf = {0};
    struct rr_json j;

    (void)state;
    result_add(res, row);
    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    render_reservation(&j, res, 0, 0);
    rr_json_end_object(&j);
    assert_string_equal(
        buf.data, "{\"id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"room_id\":1,\"room_name\":null,"
                  "\"room_location\":null,\"user_id\":\"ann\",\"title\":\"Planning\","
                  "\"starts_at\":\"2026-12-01T09:00:00Z\",\"ends_at\":\"2026-12-01T10:00:00Z\","
                  "\"state\":\"confirmed\",\"version\":2,\"created_at\":\"2026-11-22T13:00:00.123456Z\","
                  "\"updated_at\":\"2026-11-22T13:00:00.123456Z\"}");
    rr_buf_fini(&buf);
    PQclear(res);
}

static void an_event_is_written_with_its_changes_as_they_are(void **state)
{
    static const char *const row[HISTORY_END] = {"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10",
                                                 "2",
                                                 "changed",
                                                 "2026-12-01 08:30:00.000123+00",
                                                 "admin",
                                                 NULL,
                                                 "{\"title\": {\"to\": \"b\", \"from\": null}}",
                                                 "1",
                                                 "b",
                                                 "2026-12-01 09:00:00+00",
                                                 "2026-12-01 10:30:00+00",
                                                 "confirmed",
                                                 "Aurora"};
    PGresult *res = result_new(HISTORY_END);
    struct rr_buf buf = {0};
    struct rr_json j;

    (void)state;
    result_add(res, row);
    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    render_history(&j, res, 0, 0);
    rr_json_end_object(&j);
    assert_string_equal(buf.data,
                        "{\"reservation_id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"version\":2,"
                        "\"kind\":\"changed\",\"recorded_at\":\"2026-12-01T08:30:00.000123Z\","
                        "\"recorded_by\":\"admin\",\"reason\":null,"
                        "\"changes\":{\"title\": {\"to\": \"b\", \"from\": null}},"
                        "\"room_id\":1,\"room_name\":\"Aurora\",\"title\":\"b\","
                        "\"starts_at\":\"2026-12-01T09:00:00Z\",\"ends_at\":\"2026-12-01T10:30:00Z\","
                        "\"state\":\"confirmed\"}");
    rr_buf_fini(&buf);
    PQclear(res);
}

UNIT_MAIN(cmocka_unit_test(an_instant_is_written_as_the_truth_writes_it),
          cmocka_unit_test(what_is_no_instant_in_utc_is_none),
          cmocka_unit_test(a_room_is_written_with_all_its_fields),
          cmocka_unit_test(a_reservation_of_an_unknown_room_has_no_room_name),
          cmocka_unit_test(an_event_is_written_with_its_changes_as_they_are))
