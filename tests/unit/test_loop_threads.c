/* Work that is posted from many threads. */
#include "unit.h"

#include "http/loop.h"
#include "http/loop_internal.h"
#include "time.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { THREADS = 8, POSTS = 5000 };

struct sender {
    pthread_t thread;
    struct rr_loop *loop;
    int next_expected;
    struct numbered {
        struct rr_post post;
        struct sender *sender;
        int number;
    } posts[POSTS];
};

static struct sender senders[THREADS];
static int n_run;

static void run_numbered(struct rr_post *p)
{
    struct numbered *n = (struct numbered *)(void *)p;

    assert_int_equal(n->sender->next_expected++, n->number);
    n_run++;
}

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < POSTS; i++) {
        s->posts[i] = (struct numbered){.post.run = run_numbered, .sender = s, .number = i};
        rr_loop_post(s->loop, &s->posts[i].post);
    }
    return NULL;
}

static void each_post_runs_once_and_in_the_order_of_its_thread(void **state)
{
    struct rr_loop *loop;

    (void)state;
    assert_int_equal(0, rr_loop_new(3, &loop));
    assert_int_equal(3, rr_loop_index(loop));
    for (int i = 0; i < THREADS; i++) {
        senders[i].loop = loop;
        assert_int_equal(0, pthread_create(&senders[i].thread, NULL, send_all, &senders[i]));
    }
    while (n_run < THREADS * POSTS)
        rr_loop_turn(loop, INT64_MAX);
    for (int i = 0; i < THREADS; i++)
        pthread_join(senders[i].thread, NULL);
    rr_loop_turn(loop, 0);
    assert_int_equal(THREADS * POSTS, n_run);
    rr_loop_free(loop);
}

static void note_run(struct rr_post *p)
{
    (void)p;
    n_run = 1;
}

static void *send_one(void *arg)
{
    static struct rr_post post;

    post.run = note_run;
    rr_loop_post(arg, &post);
    return NULL;
}

static void a_loop_may_be_freed_as_soon_as_the_last_post_has_run(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct rr_loop *loop;
        pthread_t sender;

        assert_int_equal(0, rr_loop_new(0, &loop));
        n_run = 0;
        assert_int_equal(0, pthread_create(&sender, NULL, send_one, loop));
        while (!n_run)
            rr_loop_run_posts(loop);
        rr_loop_free(loop);
        pthread_join(sender, NULL);
    }
}

static void note_time(struct rr_timer *t)
{
    *(int64_t *)t->arg = rr_time_monotonic();
}

static void the_loop_wakes_for_a_timer_and_not_before(void **state)
{
    struct rr_loop *loop;
    int64_t start = rr_time_monotonic(), at = 0;
    struct rr_timer t = {.fire = note_time, .arg = &at};

    (void)state;
    assert_int_equal(0, rr_loop_new(0, &loop));
    assert_int_equal(RR_OK, rr_timer_arm(loop, &t, start + 20000));
    while (!at)
        rr_loop_turn(loop, INT64_MAX);
    assert_true(at >= start + 20000);
    rr_loop_free(loop);
}

static void a_turn_ends_at_its_deadline(void **state)
{
    struct rr_loop *loop;
    int64_t start = rr_time_monotonic();

    (void)state;
    assert_int_equal(0, rr_loop_new(0, &loop));
    rr_loop_turn(loop, start + 10000);
    assert_true(rr_time_monotonic() >= start + 10000);
    rr_loop_free(loop);
}

/* ---- sockets ---- */

struct pair {
    struct rr_loop *loop;
    struct rr_watch *other;
    int calls;
};

static void unwatch_the_other(struct rr_watch *w, uint32_t events)
{
    struct pair *pair = w->arg;

    assert_true(events & EPOLLIN);
    pair->calls++;
    rr_loop_unwatch(pair->loop, pair->other == w ? w : pair->other);
}

static void an_unwatched_socket_calls_no_more_even_in_the_same_turn(void **state)
{
    struct rr_loop *loop;
    int pipes[2][2];
    struct rr_watch w[2];
    struct pair pair[2];

    (void)state;
    assert_int_equal(0, rr_loop_new(0, &loop));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(0, pipe(pipes[i]));
        pair[i] = (struct pair){.loop = loop, .other = &w[1 - i]};
        w[i] = (struct rr_watch){.ready = unwatch_the_other, .arg = &pair[i], .fd = pipes[i][0]};
        assert_int_equal(0, rr_loop_watch(loop, &w[i], EPOLLIN));
        assert_int_equal(1, write(pipes[i][1], "x", 1));
    }
    rr_loop_turn(loop, INT64_MAX);
    assert_int_equal(1, pair[0].calls + pair[1].calls);
    for (int i = 0; i < 2; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    rr_loop_free(loop);
}

static void count_turn(struct rr_turn *t)
{
    ++*(int *)t->arg;
}

static void hooks_run_at_the_end_of_each_turn(void **state)
{
    struct rr_loop *loop;
    int n = 0;
    struct rr_turn first = {.after = count_turn, .arg = &n}, second = {.after = count_turn, .arg = &n};

    (void)state;
    assert_int_equal(0, rr_loop_new(0, &loop));
    rr_loop_after_turn(loop, &first);
    rr_loop_after_turn(loop, &second);
    rr_loop_turn(loop, 0);
    rr_loop_turn(loop, 0);
    assert_int_equal(4, n);
    rr_loop_free(loop);
}

UNIT_MAIN(cmocka_unit_test(each_post_runs_once_and_in_the_order_of_its_thread),
          cmocka_unit_test(a_loop_may_be_freed_as_soon_as_the_last_post_has_run),
          cmocka_unit_test(the_loop_wakes_for_a_timer_and_not_before),
          cmocka_unit_test(a_turn_ends_at_its_deadline),
          cmocka_unit_test(an_unwatched_socket_calls_no_more_even_in_the_same_turn),
          cmocka_unit_test(hooks_run_at_the_end_of_each_turn))
