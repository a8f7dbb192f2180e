/* The pool without a server: a port that refuses, and one that accepts and says nothing. */
#include "unit.h"

#include "http/loop.h"
#include "log.h"
#include "metrics.h"
#include "mysql.h"
#include "time.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOPS = 3, JOBS = 500 };

struct job {
    struct rr_mysql_job job;
    struct side *side;
    int n_done;
};

struct side { /* one loop, in a thread of its own */
    struct rr_mysql_pool *pool;
    struct rr_loop *loop;
    pthread_t thread;
    struct job jobs[JOBS];
    int n_done;
};

static int n_works;

static void work(struct rr_mysql_job *job, struct rr_mysql *db)
{
    (void)job, (void)db;
    __atomic_add_fetch(&n_works, 1, __ATOMIC_RELAXED);
}

static void done(struct rr_mysql_job *job)
{
    struct job *j = (struct job *)job;

    assert_true(pthread_equal(pthread_self(), j->side->thread));
    j->n_done++;
    j->side->n_done++;
}

static enum rr_err submit(struct side *s, struct job *j, int64_t deadline)
{
    *j = (struct job){.job = {.loop = s->loop, .work = work, .done = done, .deadline = deadline}, .side = s};
    return rr_mysql_pool_submit(s->pool, &j->job);
}

/* Turns until n jobs of `s` have come back; fails after 20 s. */
static void wait_done(struct side *s, int n)
{
    int64_t limit = rr_time_monotonic() + 20 * RR_US_PER_SEC;

    while (s->n_done < n) {
        assert_true(rr_time_monotonic() < limit);
        rr_loop_turn(s->loop, limit);
    }
}

/* How many jobs have been counted with how long they waited. */
static int counted_waits(void)
{
    static const char name[] = "\nrr_mysql_wait_seconds_count ";
    rr_auto(buf) struct rr_buf b = {0};
    const char *at;

    rr_metrics_render(&b);
    assert_false(b.failed);
    at = strstr(b.data, name);
    return at ? atoi(at + strlen(name)) : 0;
}

/* A port on which nobody listens (backlog < 0), or one whose connections nobody answers. */
static int port(int backlog, uint32_t *ret)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    *ret = ntohs(a.sin_port);
    return fd;
}

static struct rr_mysql_conf conf_for(uint32_t to_port, uint32_t workers, uint32_t queue)
{
    return (struct rr_mysql_conf){.host = "127.0.0.1",
                                  .user = "u",
                                  .password = "p",
                                  .database = "d",
                                  .port = to_port,
                                  .workers = workers,
                                  .queue = queue,
                                  .connect_timeout_ms = 1000,
                                  .statement_timeout_ms = 1000,
                                  .lock_timeout_s = 1};
}

static struct side *side_new(struct rr_mysql_pool *pool, int index)
{
    struct side *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->pool = pool;
    s->thread = pthread_self();
    assert_int_equal(rr_loop_new(index, &s->loop), 0);
    return s;
}

static void side_free(struct side *s)
{
    rr_loop_free(s->loop);
    free(s);
}

static void *run_side(void *arg)
{
    struct side *s = arg;

    s->thread = pthread_self();
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(submit(s, &s->jobs[i], 0), RR_OK);
    wait_done(s, JOBS);
    return NULL;
}

static void each_job_comes_back_once_to_its_own_loop(void **state)
{
    struct rr_mysql_conf conf;
    struct rr_mysql_pool *pool;
    struct side *sides[LOOPS];
    pthread_t threads[LOOPS];
    int fd = port(-1, &conf.port);

    (void)state;
    conf = conf_for(conf.port, 4, LOOPS * JOBS);
    assert_int_equal(rr_mysql_pool_new(&conf, &pool), RR_OK);
    for (int i = 0; i < LOOPS; i++) {
        sides[i] = side_new(pool, i);
        assert_int_equal(pthread_create(&threads[i], NULL, run_side, sides[i]), 0);
    }
    for (int i = 0; i < LOOPS; i++)
        pthread_join(threads[i], NULL);
    rr_mysql_pool_free(pool);
    for (int i = 0; i < LOOPS; i++) {
        for (int k = 0; k < JOBS; k++) {
            assert_int_equal(sides[i]->jobs[k].n_done, 1);
            assert_int_equal(sides[i]->jobs[k].job.err, RR_DB_UNAVAILABLE);
        }
        side_free(sides[i]);
    }
    assert_int_equal(n_works, 0); /* without a connection there is nothing to work with */
    close(fd);
}

static void one_attempt_speaks_for_many_jobs(void **state)
{
    struct rr_mysql_conf conf;
    struct rr_mysql_pool *pool;
    struct side *s;
    int fd = port(64, &conf.port); /* each attempt takes its whole second */
    int64_t begun;

    (void)state;
    conf = conf_for(conf.port, 1, JOBS);
    assert_int_equal(rr_mysql_pool_new(&conf, &pool), RR_OK);
    s = side_new(pool, 0);
    begun = rr_time_monotonic();
    for (int i = 0; i < 20; i++)
        assert_int_equal(submit(s, &s->jobs[i], 0), RR_OK);
    wait_done(s, 20);
    assert_true(rr_time_monotonic() - begun < 10 * RR_US_PER_SEC);
    rr_mysql_pool_free(pool);
    side_free(s);
    close(fd);
}

static void a_full_queue_refuses(void **state)
{
    struct rr_mysql_conf conf;
    struct rr_mysql_pool *pool;
    struct side *s;
    int fd = port(64, &conf.port), accepted = 0;

    (void)state;
    conf = conf_for(conf.port, 1, 3);
    assert_int_equal(rr_mysql_pool_new(&conf, &pool), RR_OK);
    s = side_new(pool, 0);
    for (int i = 0; i < 5; i++) {
        enum rr_err err = submit(s, &s->jobs[i], 0);

        assert_true(err == RR_OK || err == RR_OVERLOADED);
        accepted += err == RR_OK;
    }
    assert_true(accepted == 3 || accepted == 4); /* the worker may have taken the first already */
    wait_done(s, accepted);
    rr_mysql_pool_free(pool);
    side_free(s);
    close(fd);
}

static void a_job_that_waits_too_long_comes_back_although_all_workers_are_busy(void **state)
{
    struct rr_mysql_conf conf;
    struct rr_mysql_pool *pool;
    struct side *s;
    int fd = port(64, &conf.port);
    int64_t begun = rr_time_monotonic();
    int counted = counted_waits();

    (void)state;
    conf = conf_for(conf.port, 1, 100);
    conf.connect_timeout_ms = 3000;
    assert_int_equal(rr_mysql_pool_new(&conf, &pool), RR_OK);
    s = side_new(pool, 0);
    assert_int_equal(submit(s, &s->jobs[0], 0), RR_OK); /* keeps the worker all that time */
    for (int i = 1; i <= 3; i++)
        assert_int_equal(submit(s, &s->jobs[i], rr_time_monotonic() + 50000), RR_OK);
    wait_done(s, 3);
    assert_true(rr_time_monotonic() - begun < 2500000);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(s->jobs[i].job.err, RR_OVERLOADED);
    wait_done(s, 4);
    assert_int_equal(s->jobs[0].job.err, RR_DB_UNAVAILABLE);
    assert_int_equal(counted_waits(), counted + 4);
    rr_mysql_pool_free(pool);
    side_free(s);
    close(fd);
}

static void freeing_finishes_what_is_queued(void **state)
{
    struct rr_mysql_conf conf;
    struct rr_mysql_pool *pool;
    struct side *s;
    int fd = port(-1, &conf.port);

    (void)state;
    conf = conf_for(conf.port, 2, JOBS);
    assert_int_equal(rr_mysql_pool_new(&conf, &pool), RR_OK);
    s = side_new(pool, 0);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(submit(s, &s->jobs[i], 0), RR_OK);
    rr_mysql_pool_free(pool);
    wait_done(s, JOBS);
    side_free(s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_comes_back_once_to_its_own_loop),
        cmocka_unit_test(one_attempt_speaks_for_many_jobs),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_job_that_waits_too_long_comes_back_although_all_workers_are_busy),
        cmocka_unit_test(freeing_finishes_what_is_queued),
    };

    signal(SIGPIPE, SIG_IGN);
    rr_log_init("test_mysql", RR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
