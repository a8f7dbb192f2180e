/* What /readyz of the projector says, without its thread and without a client. */
#include "health.h"
#include "time.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { READY_LAG_MS = 10000 };

static struct health health;
static struct {
    char detail[700];
    enum rr_err err;
} answer;

void *__wrap_rr_loop_app(const struct rr_loop *l);
void __wrap_rr_problem_detail(struct rr_req *r, const char *fmt, ...) RR_PRINTF(2, 3);
enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err);
enum rr_step __wrap_rr_reply_json(struct rr_req *r, unsigned status, struct rr_buf *body);

void *__wrap_rr_loop_app(const struct rr_loop *l)
{
    (void)l;
    return &health;
}

void __wrap_rr_problem_detail(struct rr_req *r, const char *fmt, ...)
{
    va_list ap;

    (void)r;
    va_start(ap, fmt);
    vsnprintf(answer.detail, sizeof(answer.detail), fmt, ap);
    va_end(ap);
}

enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err)
{
    (void)r;
    answer.err = err;
    return RR_DONE;
}

enum rr_step __wrap_rr_reply_json(struct rr_req *r, unsigned status, struct rr_buf *body)
{
    (void)r;
    assert_int_equal(status, 200);
    rr_buf_fini(body);
    answer.err = RR_OK;
    return RR_DONE;
}

static enum rr_err ask(void)
{
    struct rr_req r = {.phase = 0};

    assert_int_equal(readyz(&r), RR_DONE);
    return answer.err;
}

static void well(bool serving, bool unproven, int64_t as_of)
{
    health_well(&health, &(struct position){.serving = serving, .unproven = unproven, .as_of = as_of});
}

static int set_up(void **state)
{
    (void)state;
    health_init(&health, READY_LAG_MS);
    return 0;
}

static void who_has_applied_nothing_yet_is_starting(void **state)
{
    (void)state;
    assert_int_equal(ask(), RR_NOT_READY);
    assert_string_equal(answer.detail, "starting");
}

static void what_serves_and_is_fresh_is_ready(void **state)
{
    (void)state;
    well(true, false, rr_time_now());
    assert_int_equal(ask(), RR_OK);
}

static void what_is_being_built_is_told_from_what_is_in_trouble(void **state)
{
    (void)state;
    well(false, false, 0);
    assert_int_equal(ask(), RR_PROJECTION_NOT_READY);
    health_trouble(&health, "no disk, 100%s full");
    assert_int_equal(ask(), RR_NOT_READY);
    assert_string_equal(answer.detail, "no disk, 100%s full");
}

static void trouble_is_over_when_all_is_well_and_then_the_age_counts(void **state)
{
    (void)state;
    health_trouble(&health, "PostgreSQL is gone");
    well(true, false, rr_time_now() - 2 * READY_LAG_MS * INT64_C(1000));
    assert_int_equal(ask(), RR_NOT_READY);
    assert_ptr_equal(strstr(answer.detail, "behind by 2"), answer.detail);
}

static void what_serves_from_a_log_that_is_unproven_is_not_ready(void **state)
{
    (void)state;
    well(true, true, rr_time_now());
    assert_int_equal(ask(), RR_NOT_READY);
    assert_non_null(strstr(answer.detail, "the log was replaced"));
    well(true, false, rr_time_now());
    assert_int_equal(ask(), RR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_has_applied_nothing_yet_is_starting, set_up),
        cmocka_unit_test_setup(what_serves_and_is_fresh_is_ready, set_up),
        cmocka_unit_test_setup(what_is_being_built_is_told_from_what_is_in_trouble, set_up),
        cmocka_unit_test_setup(what_serves_from_a_log_that_is_unproven_is_not_ready, set_up),
        cmocka_unit_test_setup(trouble_is_over_when_all_is_well_and_then_the_age_counts, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
