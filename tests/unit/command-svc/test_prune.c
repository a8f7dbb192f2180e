/* The clock, the workers and MySQL are the test's own. */
#include "unit.h"

#include "prune.h"
#include "store/store.h"
#include "time.h"

enum { PERIOD_S = 60 };

static struct {
    struct prune prune;
    int64_t now, due;
    enum rr_err refusal; /* of the workers' queue */
    struct rr_mysql_job *job;
    enum rr_db end; /* of the statement, which takes took_us */
    enum rr_err err;
    int64_t took_us;
} world;

int64_t __wrap_rr_time_monotonic(void);
enum rr_err __wrap_rr_timer_arm(struct rr_loop *l, struct rr_timer *t, int64_t due);
enum rr_err __wrap_rr_mysql_pool_submit(struct rr_mysql_pool *pool, struct rr_mysql_job *job);
enum rr_db __wrap_store_prune_keys(struct rr_mysql *db);
enum rr_err __wrap_rr_mysql_err(const struct rr_mysql *db);
unsigned __wrap_rr_mysql_errno(const struct rr_mysql *db);
const char *__wrap_rr_mysql_message(const struct rr_mysql *db);

int64_t __wrap_rr_time_monotonic(void)
{
    return world.now;
}

enum rr_err __wrap_rr_timer_arm(struct rr_loop *l, struct rr_timer *t, int64_t due)
{
    (void)l;
    (void)t;
    world.due = due;
    return RR_OK;
}

enum rr_err __wrap_rr_mysql_pool_submit(struct rr_mysql_pool *pool, struct rr_mysql_job *job)
{
    (void)pool;
    if (!world.refusal)
        world.job = job;
    return world.refusal;
}

enum rr_db __wrap_store_prune_keys(struct rr_mysql *db)
{
    (void)db;
    world.now += world.took_us;
    return world.end;
}

enum rr_err __wrap_rr_mysql_err(const struct rr_mysql *db)
{
    (void)db;
    return world.err;
}

unsigned __wrap_rr_mysql_errno(const struct rr_mysql *db)
{
    (void)db;
    return 1142;
}

const char *__wrap_rr_mysql_message(const struct rr_mysql *db)
{
    (void)db;
    return "denied";
}

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.now = 1000;
    assert_int_equal(prune_start(&world.prune, NULL, NULL, PERIOD_S), RR_OK);
    assert_int_equal(world.due, 1000 + PERIOD_S * RR_US_PER_SEC);
    return 0;
}

/* The timer fires; returns how long it waits then. */
static int64_t one_turn(void)
{
    world.now = world.due;
    world.prune.timer.fire(&world.prune.timer);
    if (world.job) {
        if (!world.job->err)
            world.job->work(world.job, NULL);
        world.job->done(world.job);
    }
    return world.due - world.now;
}

static void while_there_are_more_it_rests_as_long_as_it_works(void **state)
{
    (void)state;
    world.end = RR_DB_ONE;
    world.took_us = 7000;
    assert_int_equal(one_turn(), 7000);
    world.took_us = 30000;
    assert_int_equal(one_turn(), 30000);
}

static void when_nothing_has_expired_it_waits_the_whole_period(void **state)
{
    (void)state;
    world.end = RR_DB_NONE;
    assert_int_equal(one_turn(), PERIOD_S * RR_US_PER_SEC);
}

static void after_a_refusal_it_comes_again_soon(void **state)
{
    (void)state;
    world.refusal = RR_OVERLOADED;
    assert_int_equal(one_turn(), RR_US_PER_SEC);
    world.refusal = RR_OK;
    world.end = RR_DB_RETRY;
    assert_int_equal(one_turn(), RR_US_PER_SEC);
    world.end = RR_DB_FATAL;
    world.err = RR_DB_UNAVAILABLE;
    assert_int_equal(one_turn(), RR_US_PER_SEC);
    world.job->err = RR_OVERLOADED; /* it waited too long for a worker */
    assert_int_equal(one_turn(), RR_US_PER_SEC);
}

static void a_fault_is_not_logged_each_second(void **state)
{
    (void)state;
    world.end = RR_DB_FATAL;
    world.err = RR_INTERNAL;
    assert_int_equal(one_turn(), PERIOD_S * RR_US_PER_SEC);
}

#define RULE(name) cmocka_unit_test_setup(name, set_up)
UNIT_MAIN(RULE(while_there_are_more_it_rests_as_long_as_it_works),
          RULE(when_nothing_has_expired_it_waits_the_whole_period), RULE(after_a_refusal_it_comes_again_soon),
          RULE(a_fault_is_not_logged_each_second))
