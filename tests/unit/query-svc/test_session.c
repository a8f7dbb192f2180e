/* What becomes of a read that fails, with a PostgreSQL that does what the test wants. */
#include "unit.h"

#include "fake_pg.h"
#include "log.h"
#include "session.h"

static const struct rr_pg_stmt echo = {"echo", "SELECT $1"};

struct setting {
    struct rr_loop *loop;
    struct fake_pg fake;
    struct rr_pg_conf conf;
    struct session session;
};

/* A statistic, and how it ended. */
struct asked {
    struct setting *s;
    struct rr_query q;
    int n_done;
    enum session_answer judged;
    enum rr_err err;
};

static void done(struct rr_query *q)
{
    struct asked *a = q->arg;
    int64_t as_of;

    a->n_done++;
    a->err = q->err;
    if (q->err)
        a->judged = session_judge(&a->s->session, q, NULL, &as_of, &a->err);
}

static void ask(struct setting *s, struct asked *a, const char *what, uint32_t timeout_ms)
{
    *a = (struct asked){.s = s,
                        .q = {.stmt = &echo,
                              .n_params = 1,
                              .params = {what},
                              .timeout_ms = timeout_ms,
                              .slow = true,
                              .done = done,
                              .arg = a}};
    assert_int_equal(rr_pg_submit(s->session.pg, &a->q), RR_OK);
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof(*s));

    rr_log_init("test_session", RR_LOG_ERROR);
    assert_int_equal(rr_loop_new(0, &s->loop), 0);
    fake_pg_start(&s->fake, s->loop);
    s->conf = (struct rr_pg_conf){
        .conninfo = s->fake.conninfo, .connections = 1, .slow = 1, .queue = 100, .timeout_ms = 2000};
    assert_int_equal(session_new(s->loop, &s->conf, &s->session), RR_OK);
    s->session.generation = 1;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    rr_pg_free(s->session.pg);
    fake_pg_stop(&s->fake);
    rr_loop_free(s->loop);
    free(s);
    return 0;
}

static void what_no_connection_came_for_in_time_is_not_asked_again(void **state)
{
    struct setting *s = *state;
    int listening = s->fake.listening.fd;
    struct asked a;

    TURN_UNTIL(s, s->fake.n_connects == 1);
    rr_loop_unwatch(s->loop, &s->fake.listening); /* nobody answers the second one, that of statistics */
    TURN_UNTIL(s, rr_pg_is_up(s->session.pg));
    ask(s, &a, "x", 50);
    TURN_UNTIL(s, a.n_done);
    assert_int_equal(a.judged, SESSION_FAILED);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    close(listening);
}

static void what_was_lost_with_its_connection_is_asked_again(void **state)
{
    struct setting *s = *state;
    struct asked a;

    TURN_UNTIL(s, rr_pg_is_up(s->session.pg));
    ask(s, &a, "x", 5000);
    TURN_UNTIL(s, a.n_done);
    assert_int_equal(a.err, RR_OK);
    ask(s, &a, "die", 5000);
    TURN_UNTIL(s, a.n_done);
    assert_int_equal(a.judged, SESSION_REPEAT);
}

#define TEST(rule) cmocka_unit_test_setup_teardown(rule, set_up, tear_down)
UNIT_MAIN(TEST(what_no_connection_came_for_in_time_is_not_asked_again),
          TEST(what_was_lost_with_its_connection_is_asked_again))
