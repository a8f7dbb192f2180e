/* rr_pg while it connects, and when a connection is lost: who waits, for how long, and who is refused. */
#include "unit.h"

#include "log.h"
#include "pg_setting.h"

#include <signal.h>

static void a_query_waits_for_the_first_connection(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    ask(&s, &a, &echo, "early");
    TURN_UNTIL(&s, a.n_done);
    assert_string_equal(a.value, "early");
    stop_setting(&s);
}

static void it_waits_no_longer_than_it_may(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    s.fake.mute = true;
    assert_int_equal(ask_within(&s, &a, &echo, "early", 50), RR_OK);
    TURN_UNTIL(&s, a.n_done);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    assert_string_equal(a.sqlstate, RR_PG_UNCONNECTED);
    stop_setting(&s);
}

static void a_failed_try_to_connect_ends_the_waiting(void **state)
{
    struct setting s;
    struct asked a, b;

    (void)state;
    start(&s, 1, 100, 1000, "SET a");
    s.fake.refuses_sessions = 1;
    ask(&s, &a, &echo, "early");
    TURN_UNTIL(&s, a.n_done);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    assert_int_equal(ask_within(&s, &b, &echo, "x", 1000), RR_DB_UNAVAILABLE);
    assert_int_equal(b.n_done, 0);
    connected(&s);
    ask(&s, &b, &echo, "again");
    TURN_UNTIL(&s, b.n_done);
    assert_string_equal(b.value, "again");
    stop_setting(&s);
}

static void a_failed_try_of_several_ends_no_waiting(void **state)
{
    struct setting s;
    struct asked a[2];

    (void)state;
    start(&s, 2, 100, 1000, "SET a");
    s.fake.refuses_sessions = 1;
    for (int i = 0; i < 2; i++)
        ask(&s, &a[i], &echo, "early");
    TURN_UNTIL(&s, a[0].n_done && a[1].n_done);
    for (int i = 0; i < 2; i++)
        assert_int_equal(a[i].err, RR_OK);
    stop_setting(&s);
}

static void a_lost_connection_fails_what_was_sent_and_comes_back(void **state)
{
    struct setting s;
    struct asked a, b;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &a, &echo, "die");
    ask(&s, &b, &echo, "x");
    TURN_UNTIL(&s, a.n_done && b.n_done);
    assert_int_equal(a.err, RR_DB_UNAVAILABLE);
    assert_int_equal(b.err, RR_DB_UNAVAILABLE);
    assert_false(rr_pg_is_up(s.pg));
    ask(&s, &a, &echo, "again");
    TURN_UNTIL(&s, a.n_done);
    assert_string_equal(a.value, "again");
    stop_setting(&s);
}

static void a_silent_connection_is_made_again(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 50, NULL);
    connected(&s);
    assert_int_equal(ask_within(&s, &a, &echo, "mute", 50), RR_OK);
    TURN_UNTIL(&s, a.n_done && !rr_pg_is_up(s.pg));
    s.fake.mute = false;
    connected(&s);
    assert_int_equal(s.fake.n_connects, 2);
    ask(&s, &a, &echo, "fresh");
    TURN_UNTIL(&s, a.n_done);
    assert_string_equal(a.value, "fresh");
    stop_setting(&s);
}

static void a_connection_whose_session_is_refused_serves_nothing(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 1000, "SET a");
    s.fake.refuses_sessions = 2;
    TURN_UNTIL(&s, s.fake.n_connects == 3);
    assert_false(rr_pg_is_up(s.pg));
    assert_int_equal(ask_within(&s, &a, &echo, "x", 1000), RR_DB_UNAVAILABLE);
    connected(&s);
    stop_setting(&s);
}

static void what_was_not_sent_goes_to_another_connection(void **state)
{
    struct setting s;
    struct asked die, a[4];

    (void)state;
    start(&s, 2, 100, 1000, NULL);
    TURN_UNTIL(&s, s.fake.n_connects == 2);
    connected(&s);
    ask(&s, &die, &echo, "die");
    for (int i = 0; i < 4; i++)
        ask(&s, &a[i], &echo, "x");
    TURN_UNTIL(&s, die.n_done && a[0].n_done && a[1].n_done && a[2].n_done && a[3].n_done);
    assert_int_equal(die.err, RR_DB_UNAVAILABLE);
    for (int i = 0; i < 4; i++)
        assert_true(a[i].err == RR_OK || a[i].err == RR_DB_UNAVAILABLE);
    stop_setting(&s);
}

struct persistent {
    struct asked first, second;
    struct setting *s;
};

static void done_asking_again(struct rr_query *q)
{
    struct persistent *p = q->arg;

    p->first.n_done++;
    p->first.err = q->err;
    assert_int_equal(ask_within(p->s, &p->second, &echo, "again", 1000), RR_DB_UNAVAILABLE);
}

static void freeing_ends_what_waits_for_a_connection_and_refuses_what_comes_of_that(void **state)
{
    struct setting s;
    struct persistent p = {.s = &s};

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    ask(&s, &p.first, &echo, "early");
    p.first.q.done = done_asking_again;
    p.first.q.arg = &p;
    stop_setting(&s);
    assert_int_equal(p.first.n_done, 1);
    assert_int_equal(p.first.err, RR_DB_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_waits_for_the_first_connection),
        cmocka_unit_test(it_waits_no_longer_than_it_may),
        cmocka_unit_test(a_failed_try_to_connect_ends_the_waiting),
        cmocka_unit_test(a_failed_try_of_several_ends_no_waiting),
        cmocka_unit_test(a_lost_connection_fails_what_was_sent_and_comes_back),
        cmocka_unit_test(a_silent_connection_is_made_again),
        cmocka_unit_test(a_connection_whose_session_is_refused_serves_nothing),
        cmocka_unit_test(what_was_not_sent_goes_to_another_connection),
        cmocka_unit_test(freeing_ends_what_waits_for_a_connection_and_refuses_what_comes_of_that),
    };

    signal(SIGPIPE, SIG_IGN);
    rr_log_init("test_pg_connecting", RR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
