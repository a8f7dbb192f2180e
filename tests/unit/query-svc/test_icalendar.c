#include "icalendar.h"
#include "render.h"
#include "result.h"
#include "unit.h"

static void write_one(struct rr_buf *out, const char *state_name, const char *title, bool details)
{
    const char *const row[RESERVATION_END] = {"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10",
                                              "1",
                                              "Aurora",
                                              "2nd floor; left, then right",
                                              "ann",
                                              title,
                                              "2026-12-01 09:00:00+00",
                                              "2026-12-01 10:00:00+00",
                                              state_name,
                                              "3",
                                              "2026-11-22 13:00:00.123456+00",
                                              "2026-11-23 14:00:00.5+00"};
    PGresult *res = result_new(RESERVATION_END);

    result_add(res, row);
    icalendar_write(out, "ann", res, 0, details);
    PQclear(res);
}

static void assert_line(const struct rr_buf *b, const char *line)
{
    char text[256];

    snprintf(text, sizeof(text), "\r\n%s\r\n", line);
    if (!strstr(b->data, text))
        fail_msg("no line %s in\n%s", line, b->data);
}

static void a_reservation_is_an_event_in_utc(void **state)
{
    struct rr_buf b = {0};

    (void)state;
    write_one(&b, "confirmed", "Planning, part 2", true);
    assert_line(&b, "VERSION:2.0");
    assert_line(&b, "X-WR-CALNAME:ann");
    assert_line(&b, "UID:019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10");
    assert_line(&b, "DTSTAMP:20261123T140000Z");
    assert_line(&b, "SEQUENCE:2");
    assert_line(&b, "DTSTART:20261201T090000Z");
    assert_line(&b, "DTEND:20261201T100000Z");
    assert_line(&b, "STATUS:CONFIRMED");
    assert_line(&b, "SUMMARY:Planning\\, part 2");
    assert_line(&b, "LOCATION:Aurora\\, 2nd floor\\; left\\, then right");
    rr_buf_fini(&b);
}

static void a_cancelled_one_stays_and_says_so(void **state)
{
    struct rr_buf b = {0};

    (void)state;
    write_one(&b, "cancelled", NULL, true);
    assert_line(&b, "STATUS:CANCELLED");
    assert_line(&b, "SUMMARY:Aurora");
    rr_buf_fini(&b);
}

static void without_details_nobody_is_named(void **state)
{
    struct rr_buf b = {0};

    (void)state;
    write_one(&b, "confirmed", "secret", false);
    assert_line(&b, "SUMMARY:Reserved");
    assert_null(strstr(b.data, "secret"));
    assert_null(strstr(b.data, "DESCRIPTION"));
    rr_buf_fini(&b);
}

static void an_empty_calendar_is_one(void **state)
{
    const char *const row[RESERVATION_END] = {NULL};
    PGresult *res = result_new(RESERVATION_END);
    struct rr_buf b = {0};

    (void)state;
    result_add(res, row);
    icalendar_write(&b, "ann", res, 0, true);
    assert_null(strstr(b.data, "VEVENT"));
    assert_non_null(strstr(b.data, "END:VCALENDAR"));
    rr_buf_fini(&b);
    PQclear(res);
}

UNIT_MAIN(cmocka_unit_test(a_reservation_is_an_event_in_utc),
          cmocka_unit_test(a_cancelled_one_stays_and_says_so),
          cmocka_unit_test(without_details_nobody_is_named), cmocka_unit_test(an_empty_calendar_is_one))
