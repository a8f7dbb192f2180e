#include "event.h"
#include "result.h"
#include "unit.h"

enum { COLUMNS = EVENT_END };

static const char *const changed[COLUMNS] = {
    [HISTORY_RESERVATION] = "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10",
    [HISTORY_VERSION] = "2",
    [HISTORY_KIND] = "changed",
    [HISTORY_RECORDED_AT] = "2026-12-01 08:30:00+00",
    [HISTORY_RECORDED_BY] = "root@localhost",
    [HISTORY_REASON] = "secret reason",
    [HISTORY_CHANGES] = "{\"user_id\": {\"to\": \"bob\", \"from\": \"ann\"}}",
    [HISTORY_ROOM] = "1",
    [HISTORY_TITLE] = "secret title",
    [HISTORY_STARTS] = "2026-12-01 09:00:00+00",
    [HISTORY_ENDS] = "2026-12-01 10:00:00+00",
    [HISTORY_STATE] = "confirmed",
    [HISTORY_ROOM_NAME] = "Aurora",
    [EVENT_N] = "17",
    [EVENT_GIVEN_CHANGES] = "{\"user_id\": {\"to\": \"bob\", \"from\": null}}",
};

static PGresult *event(const char *const row[COLUMNS])
{
    PGresult *res = result_new(COLUMNS);

    result_add(res, row);
    return res;
}

/* An event in room 1. */
static PGresult *row_of(const char *user, const char *old_room, const char *old_user)
{
    const char *row[COLUMNS];

    memcpy(row, changed, sizeof(row));
    row[EVENT_USER] = user;
    row[EVENT_OLD_ROOM] = old_room;
    row[EVENT_OLD_USER] = old_user;
    return event(row);
}

static enum event_view view(const struct event_filter *f, const char *user, const char *old_room,
                            const char *old_user)
{
    PGresult *res = row_of(user, old_room, old_user);
    enum event_view v = event_view(f, res, 0, 0);

    PQclear(res);
    return v;
}

static void without_a_filter_an_admin_sees_everything(void **state)
{
    const struct event_filter all = {.admin = true};

    (void)state;
    assert_int_equal(view(&all, "ann", NULL, NULL), EVENT_SHOWN);
    assert_int_equal(view(&all, "bob", "2", "ann"), EVENT_SHOWN);
}

static void a_room_matches_the_old_or_the_new_one(void **state)
{
    const struct event_filter one = {.admin = true, .room = 1}, two = {.admin = true, .room = 2};

    (void)state;
    assert_int_equal(view(&one, "ann", NULL, NULL), EVENT_SHOWN);
    assert_int_equal(view(&two, "ann", NULL, NULL), EVENT_HIDDEN);
    assert_int_equal(view(&two, "ann", "2", NULL), EVENT_SHOWN);
    assert_int_equal(view(&one, "ann", "2", NULL), EVENT_SHOWN);
}

static void a_user_matches_the_old_or_the_new_one(void **state)
{
    const struct event_filter ann = {.admin = true, .user = "ann"};

    (void)state;
    assert_int_equal(view(&ann, "ann", NULL, NULL), EVENT_SHOWN);
    assert_int_equal(view(&ann, "bob", NULL, NULL), EVENT_HIDDEN);
    assert_int_equal(view(&ann, "bob", NULL, "ann"), EVENT_SHOWN);
    assert_int_equal(view(&ann, "ann", NULL, "bob"), EVENT_SHOWN);
}

static void filters_have_to_match_both(void **state)
{
    const struct event_filter f = {.admin = true, .user = "ann", .room = 2};

    (void)state;
    assert_int_equal(view(&f, "ann", NULL, NULL), EVENT_HIDDEN);
    assert_int_equal(view(&f, "bob", "2", NULL), EVENT_HIDDEN);
    assert_int_equal(view(&f, "ann", "2", NULL), EVENT_SHOWN);
}

static void a_filter_tells_nobody_a_room_that_they_may_not_see(void **state)
{
    const struct event_filter ann1 = {.user = "ann", .room = 1}, ann2 = {.user = "ann", .room = 2};
    const struct event_filter bob1 = {.user = "bob", .room = 1}, bob2 = {.user = "bob", .room = 2};

    (void)state;
    assert_int_equal(view(&ann1, "ann", "2", NULL), EVENT_SHOWN);
    assert_int_equal(view(&ann2, "ann", "2", NULL), EVENT_SHOWN);
    assert_int_equal(view(&ann1, "bob", "2", "ann"), EVENT_HIDDEN);
    assert_int_equal(view(&ann2, "bob", "2", "ann"), EVENT_LEFT);
    assert_int_equal(view(&bob1, "bob", "2", "ann"), EVENT_GIVEN);
    assert_int_equal(view(&bob2, "bob", "2", "ann"), EVENT_HIDDEN);
    assert_int_equal(view(&ann1, "bob", NULL, "ann"), EVENT_LEFT);
    assert_int_equal(view(&bob1, "bob", NULL, "ann"), EVENT_GIVEN);
}

static void a_user_sees_that_a_reservation_left_but_not_to_whom(void **state)
{
    const struct event_filter ann = {.user = "ann"};
    PGresult *res = row_of("bob", NULL, "ann");
    struct rr_buf buf = {0};

    (void)state;
    assert_int_equal(event_view(&ann, res, 0, 0), EVENT_LEFT);
    event_write(&buf, 3, EVENT_LEFT, res, 0, 0);
    assert_string_equal(
        buf.data, "id: 3-17\n"
                  "data: {\"reservation_id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"version\":2,"
                  "\"kind\":\"changed\",\"recorded_at\":\"2026-12-01T08:30:00Z\",\"recorded_by\":null,"
                  "\"reason\":null,\"changes\":{\"user_id\":{\"from\":\"ann\",\"to\":null}},\"room_id\":1,"
                  "\"room_name\":\"Aurora\",\"title\":null,\"starts_at\":\"2026-12-01T09:00:00Z\","
                  "\"ends_at\":\"2026-12-01T10:00:00Z\",\"state\":\"confirmed\"}\n\n");
    rr_buf_fini(&buf);
    PQclear(res);
}

static void what_left_is_shown_as_it_was_before_it_left(void **state)
{
    const char *row[COLUMNS];
    PGresult *res;
    struct rr_buf buf = {0};

    (void)state;
    memcpy(row, changed, sizeof(row));
    row[HISTORY_KIND] = row[HISTORY_STATE] = "cancelled";
    row[HISTORY_ROOM] = "2";
    row[EVENT_USER] = "bob";
    row[EVENT_OLD_USER] = "ann";
    row[EVENT_OLD_ROOM] = "1";
    row[EVENT_OLD_STARTS] = "2026-11-01T09:00:00Z";
    row[EVENT_OLD_ENDS] = "2026-11-01T10:00:00Z";
    row[EVENT_OLD_STATE] = "confirmed";
    res = event(row);
    event_write(&buf, 3, EVENT_LEFT, res, 0, 0);
    assert_non_null(strstr(
        buf.data, "\"kind\":\"changed\",\"recorded_at\":\"2026-12-01T08:30:00Z\",\"recorded_by\":null,"
                  "\"reason\":null,\"changes\":{\"user_id\":{\"from\":\"ann\",\"to\":null}},\"room_id\":1,"
                  "\"room_name\":null,\"title\":null,\"starts_at\":\"2026-11-01T09:00:00Z\","
                  "\"ends_at\":\"2026-11-01T10:00:00Z\",\"state\":\"confirmed\"}\n\n"));
    rr_buf_fini(&buf);
    PQclear(res);
}

static void a_user_who_is_given_a_reservation_does_not_see_what_it_was(void **state)
{
    const struct event_filter bob = {.user = "bob"}, admin = {.admin = true, .user = "bob"};
    PGresult *res = row_of("bob", NULL, "ann");
    struct rr_buf buf = {0};

    (void)state;
    assert_int_equal(event_view(&admin, res, 0, 0), EVENT_SHOWN);
    assert_int_equal(event_view(&bob, res, 0, 0), EVENT_GIVEN);
    event_write(&buf, 3, EVENT_GIVEN, res, 0, 0);
    assert_non_null(strstr(buf.data, "\"changes\":{\"user_id\": {\"to\": \"bob\", \"from\": null}}"));
    assert_null(strstr(buf.data, "ann"));
    rr_buf_fini(&buf);
    PQclear(res);
}

static void an_id_is_read_as_it_was_written(void **state)
{
    struct rr_buf buf = {0};
    int generation;
    int64_t n;

    (void)state;
    event_write_id(&buf, 12, INT64_C(123456789012));
    assert_string_equal(buf.data, "id: 12-123456789012\n\n");
    assert_true(event_parse_id("12-123456789012", &generation, &n));
    assert_int_equal(generation, 12);
    assert_int_equal(n, INT64_C(123456789012));
    rr_buf_fini(&buf);
}

static void what_is_no_id_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1-",
                                      "-1",
                                      "1-2-3",
                                      "1- 2",
                                      "+1-2",
                                      "1--2",
                                      "a-2",
                                      "1-2 ",
                                      "1.5-2",
                                      "4294967296-1",
                                      "1-1234567890123456789"};
    int generation = 7;
    int64_t n = 8;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(event_parse_id(bad[i], &generation, &n));
    assert_int_equal(generation, 7);
    assert_int_equal(n, 8);
}

static void a_reset_names_the_new_generation(void **state)
{
    struct rr_buf buf = {0};

    (void)state;
    event_write_reset(&buf, 2, 5);
    assert_string_equal(buf.data, "event: reset\nid: 2-5\ndata: {\"generation\":2}\n\n");
    rr_buf_fini(&buf);
}

UNIT_MAIN(cmocka_unit_test(without_a_filter_an_admin_sees_everything),
          cmocka_unit_test(a_room_matches_the_old_or_the_new_one),
          cmocka_unit_test(a_user_matches_the_old_or_the_new_one),
          cmocka_unit_test(filters_have_to_match_both),
          cmocka_unit_test(a_filter_tells_nobody_a_room_that_they_may_not_see),
          cmocka_unit_test(a_user_sees_that_a_reservation_left_but_not_to_whom),
          cmocka_unit_test(what_left_is_shown_as_it_was_before_it_left),
          cmocka_unit_test(a_user_who_is_given_a_reservation_does_not_see_what_it_was),
          cmocka_unit_test(an_id_is_read_as_it_was_written), cmocka_unit_test(what_is_no_id_is_refused),
          cmocka_unit_test(a_reset_names_the_new_generation))
