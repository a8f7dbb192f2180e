#include "mysql_conn.h"

#include "log.h"
#include "metrics.h"
#include "time.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

enum ending {
    ENDED_OK,
    ENDED_OVERLOADED,
    ENDED_UNAVAILABLE,
    ENDED_BUSY,
    ENDED_UNKNOWN,
    ENDED_ERROR,
    N_ENDINGS
};

static const char *const ending_labels[N_ENDINGS] = {
    [ENDED_OK] = "result=\"ok\"",
    [ENDED_OVERLOADED] = "result=\"overloaded\"",
    [ENDED_UNAVAILABLE] = "result=\"unavailable\"",
    [ENDED_BUSY] = "result=\"busy\"",
    [ENDED_UNKNOWN] = "result=\"unknown\"",
    [ENDED_ERROR] = "result=\"error\"",
};

/* Jobs wait in one queue, first come, first served. A worker with nothing to do sleeps; the janitor sleeps
 * too while there are sleeping workers for all that waits. When there are not, it hands back what has waited
 * too long, so that a request is answered in time although each worker waits for a server that does not
 * answer.
 *
 * A worker without a connection leaves the jobs to those who have one, and comes back when it has one itself,
 * or when nobody has: where MySQL lets in no more, it would else fail most of them, since that is quickly
 * done. */
struct rr_mysql_pool {
    const struct rr_mysql_conf *conf;
    struct mysql_gate gate;
    pthread_mutex_t lock;
    pthread_cond_t work, crowded, aside;
    /* under the lock */
    struct rr_mysql_job *first, **last;
    uint32_t queued, idle;
    int64_t janitor_next; /* when the janitor wakes by itself; INT64_MAX: not at all */
    bool stopping;
    /* constant while threads run */
    pthread_t *workers, janitor;
    uint32_t n_workers;
    bool has_janitor;
    struct rr_gauge *queue;
    struct rr_histogram *wait_seconds, *job_seconds;
    struct rr_counter *ended[N_ENDINGS]; /* looking a metric up by its labels takes a lock that all share */
};

#define JANITOR_MIN_US 5000

/* ---- the queue; under the lock ---- */

static void queue_changed(struct rr_mysql_pool *pool, int by)
{
    pool->queued += (uint32_t)by;
    rr_gauge_set(pool->queue, pool->queued);
}

static struct rr_mysql_job *queue_take(struct rr_mysql_pool *pool, struct rr_mysql_job **at)
{
    struct rr_mysql_job *job = *at;

    *at = job->next;
    if (pool->last == &job->next)
        pool->last = at;
    job->next = NULL;
    queue_changed(pool, -1);
    return job;
}

static void queue_put_back(struct rr_mysql_pool *pool, struct rr_mysql_job *job)
{
    job->next = pool->first;
    pool->first = job;
    if (!job->next)
        pool->last = &job->next;
    queue_changed(pool, 1);
}

static bool is_late(const struct rr_mysql_job *job, int64_t now)
{
    return job->deadline && now >= job->deadline;
}

static void wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t until)
{
    const struct timespec t = {.tv_sec = until / RR_US_PER_SEC, .tv_nsec = until % RR_US_PER_SEC * 1000};

    pthread_cond_timedwait(changed, lock, &t);
}

/* ---- handing back ---- */

static enum ending ending_of(enum rr_err err)
{
    switch (err) {
    case RR_OVERLOADED: return ENDED_OVERLOADED;
    case RR_DB_UNAVAILABLE: return ENDED_UNAVAILABLE;
    case RR_DB_BUSY: return ENDED_BUSY;
    case RR_OUTCOME_UNKNOWN: return ENDED_UNKNOWN;
    case RR_INTERNAL: return ENDED_ERROR;
    default: return ENDED_OK; /* a refusal by the rules is a job well done */
    }
}

static void count(const struct rr_mysql_pool *pool, enum rr_err err)
{
    rr_counter_add(pool->ended[ending_of(err)], 1);
}

static void count_wait(const struct rr_mysql_pool *pool, const struct rr_mysql_job *job, int64_t until)
{
    rr_histogram_observe(pool->wait_seconds, (double)(until - job->queued) / 1e6);
}

static void run_done(struct rr_post *post)
{
    struct rr_mysql_job *job = (struct rr_mysql_job *)((char *)post - offsetof(struct rr_mysql_job, post));

    job->done(job);
}

static void hand_back(const struct rr_mysql_pool *pool, struct rr_mysql_job *job)
{
    count(pool, job->err);
    job->post.run = run_done;
    rr_loop_post(job->loop, &job->post); /* from here on it is the loop's */
}

/* ---- workers ---- */

/* False: there is no connection for it, but others have one: it is still the queue's. */
static bool serve(struct rr_mysql_pool *pool, struct rr_mysql *db, struct rr_mysql_job *job)
{
    int64_t begun = rr_time_monotonic();

    job->err = is_late(job, begun) ? RR_OVERLOADED : mysql_conn_ready(db);
    if (job->err == RR_DB_UNAVAILABLE && mysql_gate_has_others(&pool->gate))
        return false;
    count_wait(pool, job, begun);
    db->deadline = job->deadline;
    if (job->err == RR_OK)
        job->work(job, db);
    assert(!db->in_tx);
    rr_histogram_observe(pool->job_seconds, (double)(rr_time_monotonic() - begun) / 1e6);
    hand_back(pool, job);
    return true;
}

/* Whoever has a connection, or the janitor, looks after the queue. Under the lock, which is given up
 * meanwhile. */
static void connect_aside(struct rr_mysql_pool *pool, struct rr_mysql *db)
{
    enum rr_err err;

    pthread_cond_signal(&pool->work);
    pthread_cond_signal(&pool->crowded);
    pthread_mutex_unlock(&pool->lock);
    err = mysql_conn_ready(db);
    pthread_mutex_lock(&pool->lock);
    if (err && !pool->stopping && mysql_gate_has_others(&pool->gate))
        wait_until(&pool->aside, &pool->lock, rr_time_monotonic() + MYSQL_TRY_AGAIN_US);
}

static void *worker(void *arg)
{
    struct rr_mysql_pool *pool = arg;
    struct rr_mysql db;

    mysql_conn_init(&db, pool->conf, &pool->gate);
    if (mysql_thread_init())
        RR_BUG("the MySQL client library refuses a thread");
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct rr_mysql_job *job;
        bool served;

        while (!pool->first && !pool->stopping) {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle--;
        }
        if (!pool->first)
            break;
        if (!db.client && mysql_gate_has_others(&pool->gate)) {
            connect_aside(pool, &db);
            continue;
        }
        job = queue_take(pool, &pool->first);
        pthread_mutex_unlock(&pool->lock);
        served = serve(pool, &db, job);
        pthread_mutex_lock(&pool->lock);
        if (!served)
            queue_put_back(pool, job);
    }
    pthread_mutex_unlock(&pool->lock);
    mysql_conn_fini(&db);
    mysql_thread_end();
    return NULL;
}

/* ---- the janitor ---- */

/* Takes the late ones out of the queue. Returns them; *ret_next: when the next one will be late. Under the
 * lock. */
static struct rr_mysql_job *take_late(struct rr_mysql_pool *pool, int64_t *ret_next)
{
    struct rr_mysql_job *late = NULL, **at = &pool->first;
    int64_t now = rr_time_monotonic(), next = INT64_MAX;

    while (*at) {
        struct rr_mysql_job *job = *at;

        if (is_late(job, now)) {
            queue_take(pool, at);
            job->next = late;
            late = job;
            continue;
        }
        if (job->deadline && job->deadline < next)
            next = job->deadline;
        at = &job->next;
    }
    *ret_next = next < now + JANITOR_MIN_US ? now + JANITOR_MIN_US : next;
    return late;
}

static void hand_back_late(const struct rr_mysql_pool *pool, struct rr_mysql_job *late)
{
    while (late) {
        struct rr_mysql_job *job = late;

        late = job->next;
        job->err = RR_OVERLOADED;
        count_wait(pool, job, rr_time_monotonic());
        hand_back(pool, job);
    }
}

static void *janitor(void *arg)
{
    struct rr_mysql_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        struct rr_mysql_job *late = take_late(pool, &pool->janitor_next);

        if (late) {
            pthread_mutex_unlock(&pool->lock);
            hand_back_late(pool, late);
            pthread_mutex_lock(&pool->lock);
        } else if (pool->janitor_next == INT64_MAX) {
            pthread_cond_wait(&pool->crowded, &pool->lock);
        } else {
            wait_until(&pool->crowded, &pool->lock, pool->janitor_next);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- the pool ---- */

enum rr_err rr_mysql_pool_submit(struct rr_mysql_pool *pool, struct rr_mysql_job *job)
{
    job->err = RR_OK;
    job->next = NULL;
    job->queued = rr_time_monotonic();
    pthread_mutex_lock(&pool->lock);
    if (pool->stopping || pool->queued >= pool->conf->queue) {
        pthread_mutex_unlock(&pool->lock);
        count(pool, RR_OVERLOADED);
        return RR_OVERLOADED;
    }
    *pool->last = job;
    pool->last = &job->next;
    queue_changed(pool, 1);
    if (pool->queued > pool->idle && job->deadline && job->deadline < pool->janitor_next) {
        pool->janitor_next = job->deadline;
        pthread_cond_signal(&pool->crowded);
    }
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_signal(&pool->work); /* whoever wakes wants the lock at once */
    return RR_OK;
}

static bool start_threads(struct rr_mysql_pool *pool)
{
    pool->workers = calloc(pool->conf->workers, sizeof(*pool->workers));
    if (!pool->workers)
        return false;
    for (; pool->n_workers < pool->conf->workers; pool->n_workers++)
        if (pthread_create(&pool->workers[pool->n_workers], NULL, worker, pool))
            return false;
    pool->has_janitor = pthread_create(&pool->janitor, NULL, janitor, pool) == 0;
    return pool->has_janitor;
}

static void init_sync(struct rr_mysql_pool *pool)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->crowded, &monotonic);
    pthread_cond_init(&pool->aside, &monotonic);
    pthread_condattr_destroy(&monotonic);
    mysql_gate_init(&pool->gate);
}

enum rr_err rr_mysql_pool_new(const struct rr_mysql_conf *conf, struct rr_mysql_pool **ret)
{
    struct rr_mysql_pool *pool;

    if (!mysql_conf_is_sound(conf))
        return RR_DB_UNAVAILABLE;
    pool = calloc(1, sizeof(*pool));
    if (!pool)
        return RR_NO_MEMORY;
    pool->conf = conf;
    pool->last = &pool->first;
    init_sync(pool);
    pool->queue = rr_gauge("rr_mysql_queue", "jobs waiting for a MySQL connection", NULL);
    pool->wait_seconds = rr_histogram("rr_mysql_wait_seconds", "how long jobs waited for a MySQL connection",
                                      NULL, rr_latency_bounds, rr_latency_n_bounds);
    pool->job_seconds = rr_histogram("rr_mysql_job_seconds", "how long jobs had a MySQL connection", NULL,
                                     rr_latency_bounds, rr_latency_n_bounds);
    for (int i = 0; i < N_ENDINGS; i++)
        pool->ended[i] =
            rr_counter("rr_mysql_jobs_total", "jobs for MySQL by how they ended", ending_labels[i]);
    if (!start_threads(pool)) {
        rr_mysql_pool_free(pool);
        return RR_NO_MEMORY;
    }
    *ret = pool;
    return RR_OK;
}

void rr_mysql_pool_free(struct rr_mysql_pool *pool)
{
    if (!pool)
        return;
    mysql_gate_close(&pool->gate);
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_cond_broadcast(&pool->crowded);
    pthread_cond_broadcast(&pool->aside);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i], NULL);
    if (pool->has_janitor)
        pthread_join(pool->janitor, NULL);
    mysql_gate_fini(&pool->gate);
    pthread_cond_destroy(&pool->aside);
    pthread_cond_destroy(&pool->crowded);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}
