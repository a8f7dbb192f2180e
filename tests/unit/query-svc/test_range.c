#include "unit.h"

#include "http/http_internal.h"
#include "macros.h"
#include "range.h"
#include "time.h"

static int64_t at(const char *text)
{
    int64_t us;

    assert_null(rr_time_parse(text, strlen(text), &us));
    return us;
}

static struct range_cut cut(const char *from, const char *to)
{
    const struct range range = {at(from), at(to)};
    struct range_cut c;

    range_cut(&range, &c);
    return c;
}

static int64_t length(const struct range_days *d)
{
    assert_true(d->first <= d->end);
    return d->end - d->first;
}

static int64_t days(const struct range_cut *c)
{
    assert_int_equal(c->before.end, c->months.first);
    assert_int_equal(c->months.end, c->after.first);
    return length(&c->before) + length(&c->months) + length(&c->after);
}

static int64_t quarters(const struct range_cut *c)
{
    return c->head.hi - c->head.lo + days(c) * QUARTERS + c->tail.hi - c->tail.lo;
}

static void whole_days_have_no_edges(void **state)
{
    const struct range_cut c = cut("2026-12-01T00:00Z", "2026-12-03T00:00Z");

    (void)state;
    assert_int_equal(days(&c), 2);
    assert_int_equal(c.before.first * RR_US_PER_DAY, at("2026-12-01T00:00Z"));
    assert_int_equal(quarters(&c), 2 * QUARTERS);
}

static void a_range_inside_one_day_is_a_head_alone(void **state)
{
    const struct range_cut c = cut("2026-12-01T09:15Z", "2026-12-01T10:00Z");

    (void)state;
    assert_int_equal(c.head.lo, 37);
    assert_int_equal(c.head.hi, 40);
    assert_int_equal(quarters(&c), 3);
}

static void edges_reach_to_midnight(void **state)
{
    const struct range_cut c = cut("2026-11-30T23:45Z", "2026-12-03T00:15Z");

    (void)state;
    assert_int_equal(c.head.lo, 95);
    assert_int_equal(c.head.hi, 96);
    assert_int_equal(days(&c), 2);
    assert_int_equal(c.tail.day * RR_US_PER_DAY, at("2026-12-03T00:00Z"));
    assert_int_equal(c.tail.hi, 1);
    assert_int_equal(quarters(&c), 1 + 2 * QUARTERS + 1);
}

static void neighbouring_edges_have_no_whole_day_between(void **state)
{
    const struct range_cut c = cut("2026-12-01T12:00Z", "2026-12-02T12:00Z");

    (void)state;
    assert_int_equal(days(&c), 0);
    assert_int_equal(quarters(&c), QUARTERS);
}

static void days_before_1970_are_cut_at_midnight_too(void **state)
{
    const struct range_cut c = cut("1969-12-30T12:00Z", "1970-01-02T06:00Z");

    (void)state;
    assert_int_equal(c.head.day, -2);
    assert_int_equal(c.head.lo, 48);
    assert_int_equal(c.before.first, -1);
    assert_int_equal(c.before.end, 1);
    assert_int_equal(c.tail.hi, 24);
}

static void whole_months_are_cut_out(void **state)
{
    static const struct {
        const char *from, *to, *first, *end;
    } cases[] = {
        {"2026-01-01T00:00Z", "2027-01-01T00:00Z", "2026-01-01T00:00Z", "2027-01-01T00:00Z"},
        {"2026-01-01T00:15Z", "2027-01-01T00:00Z", "2026-02-01T00:00Z", "2027-01-01T00:00Z"},
        {"2025-12-31T12:00Z", "2026-02-01T00:15Z", "2026-01-01T00:00Z", "2026-02-01T00:00Z"},
        {"2027-02-02T00:00Z", "2028-03-31T23:45Z", "2027-03-01T00:00Z", "2028-03-01T00:00Z"},
        {"1969-11-15T00:00Z", "1970-02-01T00:00Z", "1969-12-01T00:00Z", "1970-02-01T00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        const struct range_cut c = cut(cases[i].from, cases[i].to);

        assert_int_equal(c.months.first * RR_US_PER_DAY, at(cases[i].first));
        assert_int_equal(c.months.end * RR_US_PER_DAY, at(cases[i].end));
        assert_int_equal(quarters(&c), (at(cases[i].to) - at(cases[i].from)) / QUARTER_US);
    }
}

static void a_range_without_a_whole_month_is_days_alone(void **state)
{
    static const char *const cases[][2] = {
        {"2026-12-02T00:00Z", "2027-01-31T00:00Z"}, {"2026-12-01T00:15Z", "2027-01-01T00:00Z"},
        {"2026-12-01T00:00Z", "2026-12-31T23:45Z"}, {"2026-12-10T00:00Z", "2026-12-20T00:00Z"},
        {"2026-12-31T12:00Z", "2027-01-01T12:00Z"}, {"9999-12-02T00:00Z", "9999-12-31T23:45Z"},
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        const struct range_cut c = cut(cases[i][0], cases[i][1]);

        assert_int_equal(length(&c.months), 0);
        assert_int_equal(quarters(&c), (at(cases[i][1]) - at(cases[i][0])) / QUARTER_US);
    }
}

/* ---- what a client may ask for ---- */

static enum rr_err take(const char *from, const char *to, char *params, size_t size)
{
    const struct rr_value values[2] = {{.set = true, .time = at(from)}, {.set = true, .time = at(to)}};
    struct rr_http_req *h = calloc(1, sizeof(*h));
    struct range range;
    enum rr_err err;

    h->req.http = h;
    err = range_take_quarters(&h->req, &values[0], &values[1], &range);
    snprintf(params, size, "%s", h->params.len ? h->params.data : "");
    rr_buf_fini(&h->params);
    free(h);
    return err;
}

static void ten_years_are_calendar_years(void **state)
{
    char params[300];

    (void)state;
    assert_int_equal(take("2021-01-01T00:00Z", "2031-01-01T00:00Z", params, sizeof(params)), RR_OK);
    assert_int_equal(take("2021-01-01T00:00Z", "2031-01-01T00:15Z", params, sizeof(params)), RR_RULE_BROKEN);
    assert_int_equal(take("2028-02-29T00:00Z", "2038-03-01T00:00Z", params, sizeof(params)), RR_OK);
    assert_int_equal(take("2028-02-29T00:00Z", "2038-03-01T00:15Z", params, sizeof(params)), RR_RULE_BROKEN);
    assert_non_null(strstr(params, "\"name\":\"to\""));
}

static void each_bound_off_the_quarter_hour_is_named(void **state)
{
    char params[300];

    (void)state;
    assert_int_equal(take("2026-12-01T00:01Z", "2026-12-02T00:00:00.5Z", params, sizeof(params)),
                     RR_RULE_BROKEN);
    assert_non_null(strstr(params, "\"name\":\"from\""));
    assert_non_null(strstr(params, "\"name\":\"to\""));
    assert_int_equal(take("2026-12-01T05:45+05:45", "2026-12-02T05:45+05:45", params, sizeof(params)), RR_OK);
}

static void times_of_rooms_may_lie_on_any_minute(void **state)
{
    const struct rr_value from = {.set = true, .time = at("2026-12-01T00:01Z")};
    const struct rr_value to = {.set = true, .time = at("2036-12-01T00:01Z")};
    struct range range;

    (void)state;
    assert_int_equal(range_take(NULL, &from, &to, &range), RR_OK);
    assert_int_equal(range.from, from.time);
    assert_int_equal(range.to, to.time);
}

static void an_empty_range_is_refused(void **state)
{
    char params[300];

    (void)state;
    assert_int_equal(take("2026-12-01T00:00Z", "2026-12-01T00:00Z", params, sizeof(params)), RR_RULE_BROKEN);
    assert_int_equal(take("2026-12-02T00:00Z", "2026-12-01T00:00Z", params, sizeof(params)), RR_RULE_BROKEN);
    assert_non_null(strstr(params, "\"name\":\"to\""));
}

UNIT_MAIN(cmocka_unit_test(whole_days_have_no_edges),
          cmocka_unit_test(a_range_inside_one_day_is_a_head_alone), cmocka_unit_test(edges_reach_to_midnight),
          cmocka_unit_test(neighbouring_edges_have_no_whole_day_between),
          cmocka_unit_test(days_before_1970_are_cut_at_midnight_too),
          cmocka_unit_test(whole_months_are_cut_out),
          cmocka_unit_test(a_range_without_a_whole_month_is_days_alone),
          cmocka_unit_test(ten_years_are_calendar_years),
          cmocka_unit_test(each_bound_off_the_quarter_hour_is_named),
          cmocka_unit_test(times_of_rooms_may_lie_on_any_minute), cmocka_unit_test(an_empty_range_is_refused))
