#include "unit.h"

#include "http/timers.h"

enum { MANY = 1000 };

static struct rr_timers timers;
static struct rr_timer many[MANY];
static int64_t fired[2 * MANY];
static size_t n_fired;

static void note(struct rr_timer *t)
{
    assert_int_equal(0, t->heap_index);
    fired[n_fired++] = t->due;
}

static int64_t scattered(size_t i)
{
    return (int64_t)(i * 7919 % MANY) / 3;
}

static int set_up(void **state)
{
    (void)state;
    n_fired = 0;
    for (size_t i = 0; i < MANY; i++) {
        many[i] = (struct rr_timer){.fire = note};
        assert_int_equal(RR_OK, rr_timers_arm(&timers, &many[i], scattered(i)));
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rr_timers_fini(&timers);
    return 0;
}

static void assert_in_order(size_t expected)
{
    assert_int_equal(expected, n_fired);
    for (size_t i = 1; i < n_fired; i++)
        assert_true(fired[i - 1] <= fired[i]);
}

static void timers_fire_in_the_order_of_their_due_times(void **state)
{
    (void)state;
    rr_timers_fire(&timers, MANY);
    assert_in_order(MANY);
    assert_int_equal(INT64_MAX, rr_timers_next(&timers));
}

static void only_what_is_due_fires(void **state)
{
    (void)state;
    rr_timers_fire(&timers, 99);
    assert_in_order(300);
    assert_int_equal(100, rr_timers_next(&timers));
}

static void a_cancelled_timer_does_not_fire(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i += 2) {
        rr_timers_cancel(&timers, &many[i]);
        rr_timers_cancel(&timers, &many[i]);
    }
    rr_timers_fire(&timers, MANY);
    assert_in_order(MANY / 2);
}

static void arming_again_moves_a_timer_forth_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(RR_OK,
                         rr_timers_arm(&timers, &many[i], scattered(MANY - 1 - i) + (int64_t)(i % 5) * 100));
    rr_timers_fire(&timers, INT64_C(2) * MANY);
    assert_in_order(MANY);
}

static void fire_again_at_once(struct rr_timer *t)
{
    note(t);
    assert_int_equal(RR_OK, rr_timers_arm(&timers, t, t->due));
}

static void a_timer_that_always_arms_itself_does_not_hold_the_loop(void **state)
{
    (void)state;
    many[0].fire = fire_again_at_once;
    rr_timers_fire(&timers, MANY);
    assert_true(n_fired <= MANY);
    assert_true(many[0].heap_index > 0);
}

static void cancel_others(struct rr_timer *t)
{
    note(t);
    for (size_t i = 0; i < MANY; i++)
        rr_timers_cancel(&timers, &many[i]);
}

static void a_timer_may_cancel_those_that_are_due_with_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        many[i].fire = cancel_others;
    rr_timers_fire(&timers, MANY);
    assert_int_equal(1, n_fired);
}

int main(void)
{
#define TIMER_TEST(rule) cmocka_unit_test_setup_teardown(rule, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TIMER_TEST(timers_fire_in_the_order_of_their_due_times),
        TIMER_TEST(only_what_is_due_fires),
        TIMER_TEST(a_cancelled_timer_does_not_fire),
        TIMER_TEST(arming_again_moves_a_timer_forth_and_back),
        TIMER_TEST(a_timer_that_always_arms_itself_does_not_hold_the_loop),
        TIMER_TEST(a_timer_may_cancel_those_that_are_due_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
