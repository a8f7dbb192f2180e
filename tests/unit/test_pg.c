/* rr_pg against a server that does what the test wants: what ends how, and when. */
#include "unit.h"

#include "log.h"
#include "metrics.h"
#include "pg_setting.h"
#include "time.h"

#include <signal.h>

static const struct rr_pg_stmt other = {"other", "SELECT $1"}, broken = {"broken", "broken"};

static void done_writing(struct rr_query *q)
{
    struct asked *a = q->arg;

    a->kept = a->fake->kept.data && strstr(a->fake->kept.data, "(write)");
    done(q);
}

static void queries_of_one_turn_get_their_own_answers(void **state)
{
    struct setting s;
    struct asked a, b, c;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &a, &echo, "one");
    ask(&s, &b, &other, "two");
    ask(&s, &c, &echo, "three");
    assert_int_equal(a.n_done, 0); /* never from inside submit */
    TURN_UNTIL(&s, a.n_done && b.n_done && c.n_done);
    assert_string_equal(a.value, "one");
    assert_string_equal(b.value, "two");
    assert_string_equal(c.value, "three");
    stop_setting(&s);
}

static void a_statement_is_prepared_once(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    for (int i = 0; i < 3; i++) {
        ask(&s, &a, &echo, "x");
        TURN_UNTIL(&s, a.n_done);
    }
    assert_null(strstr(strstr(s.fake.log.data, "P echo;") + 1, "P echo;"));
    stop_setting(&s);
}

static void a_full_queue_refuses(void **state)
{
    struct setting s;
    struct asked a[3];

    (void)state;
    start(&s, 1, 2, 1000, NULL);
    connected(&s);
    ask(&s, &a[0], &echo, "x");
    ask(&s, &a[1], &echo, "y");
    assert_int_equal(ask_within(&s, &a[2], &echo, "z", 1000), RR_OVERLOADED);
    TURN_UNTIL(&s, a[0].n_done && a[1].n_done);
    assert_int_equal(a[2].n_done, 0);
    ask(&s, &a[2], &echo, "z");
    TURN_UNTIL(&s, a[2].n_done);
    stop_setting(&s);
}

static void a_query_is_given_up_after_its_timeout(void **state)
{
    struct setting s;
    struct asked a;
    int64_t begun;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    begun = rr_time_monotonic();
    assert_int_equal(ask_within(&s, &a, &echo, "mute", 50), RR_OK);
    TURN_UNTIL(&s, a.n_done);
    assert_int_equal(a.err, RR_DB_BUSY);
    assert_true(rr_time_monotonic() - begun >= 50000 && rr_time_monotonic() - begun <= 5000000);
    stop_setting(&s);
}

static void the_error_of_one_query_is_its_own(void **state)
{
    struct setting s;
    struct asked before, bad, after[3];

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &before, &echo, "warm"); /* so that all below share one Sync */
    TURN_UNTIL(&s, before.n_done);
    ask(&s, &before, &echo, "before");
    ask(&s, &bad, &echo, "fail");
    for (int i = 0; i < 3; i++)
        ask(&s, &after[i], &echo, "after");
    TURN_UNTIL(&s, before.n_done && bad.n_done && after[0].n_done && after[1].n_done && after[2].n_done);
    assert_int_equal(before.err, RR_OK);
    assert_int_equal(bad.err, RR_INTERNAL);
    assert_string_equal(bad.sqlstate, "22012");
    for (int i = 0; i < 3; i++)
        assert_string_equal(after[i].value, "after");
    /* What had run before it was rolled back with it; what would have come after it has run by itself. */
    assert_string_equal(s.fake.kept.data, "echo(warm);echo(after);echo(after);echo(after);");
    stop_setting(&s);
}

static enum rr_err ask_to_write(struct setting *s, struct asked *a, const char *param)
{
    *a = (struct asked){.q = {.stmt = &echo,
                              .n_params = 1,
                              .params = {param},
                              .timeout_ms = 5000,
                              .writes = true,
                              .done = done_writing,
                              .arg = a},
                        .fake = &s->fake};
    return rr_pg_submit(s->pg, &a->q);
}

static void a_write_is_kept_when_it_is_answered_whatever_fails_beside_it(void **state)
{
    struct setting s;
    struct asked before, write, bad;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &before, &echo, "warm");
    TURN_UNTIL(&s, before.n_done);
    ask(&s, &before, &echo, "before");
    assert_int_equal(ask_to_write(&s, &write, "write"), RR_OK);
    ask(&s, &bad, &echo, "fail");
    TURN_UNTIL(&s, before.n_done && write.n_done && bad.n_done);
    assert_int_equal(write.err, RR_OK);
    assert_string_equal(write.value, "write");
    assert_true(write.kept);
    assert_string_equal(s.fake.kept.data, "echo(warm);echo(before);echo(write);");
    stop_setting(&s);
}

static void a_write_that_is_not_committed_has_failed(void **state)
{
    struct setting s;
    struct asked write;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    assert_int_equal(ask_to_write(&s, &write, "late"), RR_OK);
    TURN_UNTIL(&s, write.n_done);
    assert_int_equal(write.err, RR_DB_UNAVAILABLE);
    assert_int_equal(write.n_done, 1);
    stop_setting(&s);
}

static void a_write_may_be_abandoned_at_any_time(void **state)
{
    struct setting s;
    struct asked *write = malloc(sizeof(*write)), last;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    assert_int_equal(ask_to_write(&s, write, "write"), RR_OK);
    TURN_UNTIL(&s, s.fake.kept.len);
    rr_pg_abandon(s.pg, &write->q);
    free(write);
    ask(&s, &last, &echo, "last");
    TURN_UNTIL(&s, last.n_done);
    assert_string_equal(last.value, "last");
    stop_setting(&s);
}

static void two_failing_queries_in_one_turn_each_get_their_error(void **state)
{
    struct setting s;
    struct asked a, b;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &a, &echo, "fail");
    ask(&s, &b, &echo, "admin");
    TURN_UNTIL(&s, a.n_done && b.n_done);
    assert_int_equal(a.err, RR_INTERNAL);
    assert_int_equal(b.err, RR_DB_UNAVAILABLE);
    assert_int_equal(a.n_done, 1);
    assert_int_equal(b.n_done, 1);
    stop_setting(&s);
}

static void a_statement_that_cannot_be_prepared_fails_only_its_queries(void **state)
{
    struct setting s;
    struct asked bad[2], good;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &bad[0], &broken, "x");
    ask(&s, &good, &echo, "good");
    ask(&s, &bad[1], &broken, "x");
    TURN_UNTIL(&s, bad[0].n_done && bad[1].n_done && good.n_done);
    assert_int_equal(bad[0].err, RR_INTERNAL);
    assert_string_equal(bad[1].sqlstate, "42P01");
    assert_string_equal(good.value, "good");
    ask(&s, &bad[0], &broken, "x"); /* asked again, it is prepared again: the table may be there now */
    TURN_UNTIL(&s, bad[0].n_done);
    assert_int_equal(bad[0].err, RR_INTERNAL);
    stop_setting(&s);
}

static void the_session_goes_ahead_of_what_is_submitted_after(void **state)
{
    struct setting s;
    struct asked a;

    (void)state;
    start(&s, 1, 100, 1000, "SET a;; SET b ;\n");
    connected(&s);
    ask(&s, &a, &echo, "first");
    TURN_UNTIL(&s, a.n_done);
    assert_int_equal(rr_pg_set_session(s.pg, "SET c"), RR_OK);
    ask(&s, &a, &echo, "second");
    TURN_UNTIL(&s, a.n_done);
    assert_string_equal(s.fake.log.data, "E DEALLOCATE ALL();E SET a();E SET b ();P echo;E echo(first);"
                                         "E DEALLOCATE ALL();E SET c();P echo;E echo(second);");
    stop_setting(&s);
}

static void an_abandoned_query_is_never_called_back(void **state)
{
    struct setting s;
    struct asked *sent = malloc(sizeof(*sent)), *unsent = malloc(sizeof(*unsent)), last, never = {0};

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, sent, &echo, "sent");
    TURN_UNTIL(&s, s.fake.log.data && strstr(s.fake.log.data, "echo(sent)"));
    ask(&s, unsent, &echo, "unsent");
    rr_pg_abandon(s.pg, &sent->q);
    rr_pg_abandon(s.pg, &unsent->q);
    free(sent);
    free(unsent);
    rr_pg_abandon(s.pg, &never.q);
    ask(&s, &last, &echo, "last");
    TURN_UNTIL(&s, last.n_done);
    assert_string_equal(last.value, "last");
    assert_null(strstr(s.fake.log.data, "unsent"));
    stop_setting(&s);
}

static enum rr_err ask_slowly(struct setting *s, struct asked *a, const char *param)
{
    *a = (struct asked){.q = {.stmt = &echo,
                              .n_params = 1,
                              .params = {param},
                              .timeout_ms = 5000,
                              .slow = true,
                              .done = done,
                              .arg = a}};
    return rr_pg_submit(s->pg, &a->q);
}

static void what_holds_a_slow_query_up_does_not_hold_others_up(void **state)
{
    struct setting s;
    struct asked quick, slow;

    (void)state;
    start_with(&s, 1, 1, 100, 1000, NULL);
    connected(&s);
    TURN_UNTIL(&s, ask_slowly(&s, &slow, "warm") == RR_OK);
    ask(&s, &quick, &echo, "warm");
    TURN_UNTIL(&s, slow.n_done && quick.n_done);
    assert_int_equal(ask_slowly(&s, &slow, "die"), RR_OK);
    ask(&s, &quick, &echo, "quick");
    TURN_UNTIL(&s, slow.n_done && quick.n_done);
    assert_int_equal(slow.err, RR_DB_UNAVAILABLE);
    assert_int_equal(quick.err, RR_OK);
    assert_string_equal(quick.value, "quick");
    stop_setting(&s);
}

static void slow_queries_are_sent_one_at_a_time_and_wait_in_a_queue_of_their_own(void **state)
{
    struct setting s;
    struct asked quick[2], slow[3];

    (void)state;
    start_with(&s, 1, 1, 2, 5000, NULL);
    connected(&s);
    TURN_UNTIL(&s, ask_slowly(&s, &slow[0], "warm") == RR_OK);
    TURN_UNTIL(&s, slow[0].n_done);
    assert_int_equal(ask_slowly(&s, &slow[0], "mute"), RR_OK);
    assert_int_equal(ask_slowly(&s, &slow[1], "next"), RR_OK);
    TURN_UNTIL(&s, s.fake.mute);
    assert_false(rr_pg_is_sent(&slow[1].q)); /* so nobody works it off when it is given up */
    assert_int_equal(ask_slowly(&s, &slow[2], "third"), RR_OVERLOADED);
    ask(&s, &quick[0], &echo, "x");
    ask(&s, &quick[1], &echo, "y");
    stop_setting(&s);
}

/* What rr_pg_up says of connections with this role. */
static bool stand(const char *role, int n)
{
    rr_auto(buf) struct rr_buf text = {0}, line = {0};

    rr_metrics_render(&text);
    rr_buf_printf(&line, "rr_pg_up{role=\"%s\"} %d\n", role, n);
    return strstr(text.data, line.data);
}

static void the_metrics_tell_connections_for_slow_queries_from_the_others(void **state)
{
    struct setting s;

    (void)state;
    start_with(&s, 1, 2, 100, 1000, NULL);
    TURN_UNTIL(&s, stand("query", 1) && stand("statistics", 2));
    stop_setting(&s);
    assert_true(stand("query", 0) && stand("statistics", 0));
}

static void freeing_ends_what_is_under_way(void **state)
{
    struct setting s;
    struct asked sent, waiting;

    (void)state;
    start(&s, 1, 100, 1000, NULL);
    connected(&s);
    ask(&s, &sent, &echo, "mute");
    TURN_UNTIL(&s, s.fake.mute);
    ask(&s, &waiting, &echo, "x");
    stop_setting(&s);
    assert_int_equal(sent.n_done, 1);
    assert_int_equal(sent.err, RR_DB_UNAVAILABLE);
    assert_int_equal(waiting.n_done, 1);
    assert_int_equal(waiting.err, RR_DB_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_of_one_turn_get_their_own_answers),
        cmocka_unit_test(a_statement_is_prepared_once),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_query_is_given_up_after_its_timeout),
        cmocka_unit_test(the_error_of_one_query_is_its_own),
        cmocka_unit_test(a_write_is_kept_when_it_is_answered_whatever_fails_beside_it),
        cmocka_unit_test(a_write_that_is_not_committed_has_failed),
        cmocka_unit_test(a_write_may_be_abandoned_at_any_time),
        cmocka_unit_test(two_failing_queries_in_one_turn_each_get_their_error),
        cmocka_unit_test(a_statement_that_cannot_be_prepared_fails_only_its_queries),
        cmocka_unit_test(the_session_goes_ahead_of_what_is_submitted_after),
        cmocka_unit_test(an_abandoned_query_is_never_called_back),
        cmocka_unit_test(what_holds_a_slow_query_up_does_not_hold_others_up),
        cmocka_unit_test(slow_queries_are_sent_one_at_a_time_and_wait_in_a_queue_of_their_own),
        cmocka_unit_test(the_metrics_tell_connections_for_slow_queries_from_the_others),
        cmocka_unit_test(freeing_ends_what_is_under_way),
    };

    signal(SIGPIPE, SIG_IGN);
    rr_log_init("test_pg", RR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
