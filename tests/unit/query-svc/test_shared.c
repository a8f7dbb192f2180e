/* Asks that share statements, in a real loop with a PostgreSQL that does what the test wants. The question is
 * the parameter; all that begin with the same letter have the same hash. */
#include "unit.h"

#include "fake_pg.h"
#include "shared.h"

static const struct rr_pg_stmt echo = {"echo", "SELECT $1"};

struct setting {
    struct rr_loop *loop;
    struct fake_pg fake;
    struct rr_pg_conf conf;
    struct session session;
    struct shared shared;
};

struct asked {
    struct shared_ask ask;
    int n_done;
    enum rr_err err;
    char value[64];
};

static void tell(struct shared_ask *one, const struct rr_query *q)
{
    struct asked *a = RR_RING_ENTRY(one, struct asked, ask);

    a->n_done++;
    a->err = q->err;
    if (q->err == RR_OK)
        snprintf(a->value, sizeof(a->value), "%s", PQgetvalue(q->res, 0, 0));
}

static void done(struct shared_ask *first)
{
    tell(first, &first->query);
    for (struct rr_ring *l = first->joined.next; l != &first->joined; l = l->next)
        tell(RR_RING_ENTRY(l, struct shared_ask, link), &first->query);
}

static bool same(const struct shared_ask *a, const struct shared_ask *b)
{
    return strcmp(a->query.params[0], b->query.params[0]) == 0;
}

static enum rr_err submit(struct setting *s, struct asked *a, const char *what, int64_t patience_us,
                          bool any_age)
{
    *a = (struct asked){.ask = {.query = {.stmt = &echo, .n_params = 1, .params = {what}},
                                .hash = (unsigned char)*what,
                                .give_up = rr_time_monotonic() + patience_us,
                                .any_age = any_age}};
    return shared_submit(&s->shared, &a->ask);
}

static enum rr_err ask_for(struct setting *s, struct asked *a, const char *what, int64_t patience_us)
{
    return submit(s, a, what, patience_us, false);
}

static void ask(struct setting *s, struct asked *a, const char *what)
{
    assert_int_equal(ask_for(s, a, what, 10 * RR_US_PER_SEC), RR_OK);
}

/* Statements that the server has been given. */
static unsigned sent(const struct setting *s)
{
    unsigned n = 0;

    for (const char *at = s->fake.log.data; at && (at = strstr(at, "E echo(")); at++)
        n++;
    return n;
}

/* Connected, and the statement is prepared: what is asked goes out at the end of the turn. */
static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof(*s));
    struct asked first;

    assert_int_equal(rr_loop_new(0, &s->loop), 0);
    fake_pg_start(&s->fake, s->loop);
    s->conf =
        (struct rr_pg_conf){.conninfo = s->fake.conninfo, .connections = 1, .queue = 100, .timeout_ms = 2000};
    s->session.timeout_ms = s->conf.timeout_ms;
    assert_int_equal(rr_pg_new(s->loop, &s->conf, NULL, &s->session.pg), RR_OK);
    shared_init(&s->shared, s->loop, &s->session, same, done);
    TURN_UNTIL(s, rr_pg_is_up(s->session.pg));
    ask(s, &first, "first");
    TURN_UNTIL(s, first.n_done);
    rr_buf_reset(&s->fake.log);
    *state = s;
    return 0;
}

/* The connections are still there while those who ask are told. */
static void end(struct setting *s)
{
    rr_pg_free(s->session.pg);
    s->session.pg = NULL;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    end(s);
    fake_pg_stop(&s->fake);
    rr_loop_free(s->loop);
    free(s);
    return 0;
}

static void ask_and_send(struct setting *s, struct asked *a, const char *what)
{
    ask(s, a, what);
    rr_loop_turn(s->loop, 0);
    assert_true(rr_pg_is_sent(&a->ask.query));
    assert_int_equal(a->n_done, 0);
}

static void the_same_asked_before_it_is_sent_is_one_statement(void **state)
{
    struct setting *s = *state;
    struct asked a, b, c;

    ask(s, &a, "x");
    ask(s, &b, "x");
    ask(s, &c, "x");
    TURN_UNTIL(s, a.n_done && b.n_done && c.n_done);
    assert_string_equal(a.value, "x");
    assert_string_equal(b.value, "x");
    assert_string_equal(c.value, "x");
    assert_int_equal(sent(s), 1);
}

static void who_comes_after_it_was_sent_is_told_what_a_later_statement_found(void **state)
{
    struct setting *s = *state;
    struct asked a, b, c;

    ask_and_send(s, &a, "x");
    ask(s, &b, "x");
    ask(s, &c, "x");
    TURN_UNTIL(s, a.n_done);
    assert_int_equal(b.n_done + c.n_done, 0);
    assert_int_equal(sent(s), 1);
    TURN_UNTIL(s, b.n_done && c.n_done);
    assert_string_equal(b.value, "x");
    assert_string_equal(c.value, "x");
    assert_int_equal(sent(s), 2);
}

static void who_is_content_with_an_older_answer_joins_what_was_sent(void **state)
{
    struct setting *s = *state;
    struct asked a, b, c;

    ask_and_send(s, &a, "x");
    assert_int_equal(submit(s, &b, "x", 10 * RR_US_PER_SEC, true), RR_OK);
    ask(s, &c, "x");
    TURN_UNTIL(s, a.n_done && b.n_done);
    assert_string_equal(b.value, "x");
    assert_int_equal(c.n_done, 0);
    assert_int_equal(sent(s), 1);
    TURN_UNTIL(s, c.n_done);
}

static void another_question_with_the_same_hash_is_another_statement(void **state)
{
    struct setting *s = *state;
    struct asked a, b, c;

    ask(s, &a, "xa");
    ask(s, &b, "xb");
    ask(s, &c, "xa");
    TURN_UNTIL(s, a.n_done && b.n_done && c.n_done);
    assert_string_equal(a.value, "xa");
    assert_string_equal(b.value, "xb");
    assert_string_equal(c.value, "xa");
    assert_int_equal(sent(s), 2);
}

static void nobody_waits_longer_than_their_own_time(void **state)
{
    struct setting *s = *state;
    struct asked a, hasty, b;

    ask_and_send(s, &a, "mute");
    assert_int_equal(ask_for(s, &hasty, "mute", 50 * 1000), RR_OK);
    ask(s, &b, "mute");
    TURN_UNTIL(s, hasty.n_done);
    assert_int_equal(hasty.err, RR_DB_BUSY);
    assert_int_equal(a.n_done + b.n_done, 0);
    TURN_UNTIL(s, a.n_done);
    assert_int_equal(a.err, RR_DB_BUSY);
    assert_int_equal(b.n_done, 0); /* its statement is only now sent */
    assert_int_equal(hasty.n_done, 1);
    end(s); /* here: `b` is told */
}

static void the_statement_for_those_who_waited_has_the_time_of_the_most_patient(void **state)
{
    struct setting *s = *state;
    struct asked a, hasty, b;

    ask_and_send(s, &a, "x");
    assert_int_equal(ask_for(s, &hasty, "x", RR_US_PER_SEC), RR_OK);
    ask(s, &b, "x");
    TURN_UNTIL(s, hasty.n_done && b.n_done);
    assert_int_equal(b.ask.query.timeout_ms, s->conf.timeout_ms);
    assert_int_equal(hasty.err, RR_OK);
    assert_int_equal(sent(s), 2);
}

static void a_statement_that_will_soon_be_given_up_is_not_joined(void **state)
{
    struct setting *s = *state;
    struct asked hasty, b;

    assert_int_equal(ask_for(s, &hasty, "x", 500 * 1000), RR_OK);
    ask(s, &b, "x");
    TURN_UNTIL(s, hasty.n_done && b.n_done);
    assert_int_equal(b.err, RR_OK);
    assert_int_equal(sent(s), 2);
}

static void a_lost_connection_is_told_to_all(void **state)
{
    struct setting *s = *state;
    struct asked a, b, late;

    ask(s, &a, "die");
    ask(s, &b, "die");
    rr_loop_turn(s->loop, 0);
    ask(s, &late, "die");
    TURN_UNTIL(s, a.n_done && b.n_done && late.n_done);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    assert_int_equal(b.err, RR_DB_UNAVAILABLE);
    assert_int_equal(late.err, RR_DB_UNAVAILABLE);
}

static void at_the_end_all_are_told(void **state)
{
    struct setting *s = *state;
    struct asked a, b;

    ask_and_send(s, &a, "mute");
    ask(s, &b, "mute");
    end(s);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    assert_int_equal(b.err, RR_DB_UNAVAILABLE);
    assert_int_equal(a.n_done + b.n_done, 2);
}

static void the_same_can_be_asked_again_and_again(void **state)
{
    struct setting *s = *state;
    struct asked a;

    for (unsigned i = 1; i <= 5; i++) {
        ask(s, &a, "x");
        TURN_UNTIL(s, a.n_done);
        assert_int_equal(sent(s), i);
    }
}

#define TEST(rule) cmocka_unit_test_setup_teardown(rule, set_up, tear_down)
UNIT_MAIN(TEST(the_same_asked_before_it_is_sent_is_one_statement),
          TEST(who_comes_after_it_was_sent_is_told_what_a_later_statement_found),
          TEST(who_is_content_with_an_older_answer_joins_what_was_sent),
          TEST(another_question_with_the_same_hash_is_another_statement),
          TEST(nobody_waits_longer_than_their_own_time),
          TEST(the_statement_for_those_who_waited_has_the_time_of_the_most_patient),
          TEST(a_statement_that_will_soon_be_given_up_is_not_joined), TEST(a_lost_connection_is_told_to_all),
          TEST(at_the_end_all_are_told), TEST(the_same_can_be_asked_again_and_again))
