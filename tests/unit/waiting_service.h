/* A service whose requests wait: for workers of other threads, for a thread that a test holds, or in their
 * loop until something else happens there. start() it, and stop it with rr_http_stop(http). */
#pragma once

#include "http_client.h"

#include "time.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { LOOPS = 3, WORKERS = 4 };

static struct rr_http_conf conf;
static struct rr_http *http;
static struct answer a;

/* ---- workers ---- */

struct job {
    struct rr_post post;
    struct rr_req *r;
    struct job *next;
    char result[32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct job *queue;
static bool workers_end;
static pthread_t workers[WORKERS];
static atomic_int handler_calls, ctx_ends;
static sem_t given_to_worker, worker_may_go_on;

static inline void *work(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct job *j = queue;

        if (j) {
            queue = j->next;
            pthread_mutex_unlock(&lock);
            snprintf(j->result, sizeof(j->result), "done %.20s", j->r->arg[0]);
            rr_loop_post(j->r->loop, &j->post);
            pthread_mutex_lock(&lock);
        } else if (workers_end) {
            break;
        } else {
            pthread_cond_wait(&changed, &lock);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static inline void start_workers(void)
{
    workers_end = false;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(0, pthread_create(&workers[i], NULL, work, NULL));
}

static inline void end_workers(void)
{
    pthread_mutex_lock(&lock);
    workers_end = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

static inline void job_done(struct rr_post *p)
{
    rr_resume(((struct job *)(void *)p)->r);
}

/* ---- the service ---- */

static inline enum rr_step reply(struct rr_req *r, const char *text)
{
    struct rr_buf body = {0};

    rr_buf_puts(&body, text);
    return rr_reply_text(r, 200, "text/plain", &body);
}

static inline enum rr_step worked(struct rr_req *r)
{
    struct job *j = r->ctx;

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, j->result);
    j->r = r;
    j->post.run = job_done;
    pthread_mutex_lock(&lock);
    j->next = queue;
    queue = j;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return RR_WAIT;
}

static inline void count_ctx_end(void *ctx)
{
    (void)ctx;
    ctx_ends++;
}

/* A job that a thread of its own holds until the test lets it go. */
static inline void *hold(void *arg)
{
    struct job *j = arg;

    sem_post(&given_to_worker);
    sem_wait(&worker_may_go_on);
    snprintf(j->result, sizeof(j->result), "done %.20s", j->r->arg[0]);
    rr_loop_post(j->r->loop, &j->post);
    return NULL;
}

static pthread_t holder;
static struct rr_loop *held_loop;

static inline void held_is_given_up(struct rr_req *r)
{
    rr_json_text(rr_problem_members(r), "held_id", r->arg[0]);
}

static inline enum rr_step held(struct rr_req *r)
{
    struct job *j = r->ctx;

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, j->result);
    j->r = r;
    j->post.run = job_done;
    held_loop = r->loop;
    r->given_up = held_is_given_up;
    assert_int_equal(0, pthread_create(&holder, NULL, hold, j));
    return RR_WAIT;
}

/* A request that waits in its loop until something else happens there. */
struct loop_app {
    struct rr_turn turn;
    struct rr_req *parked;
    bool resume_after_turn;
};

static atomic_int inits, finis;

static inline void after_turn(struct rr_turn *t)
{
    struct loop_app *app = t->arg;

    if (!app->resume_after_turn || !app->parked)
        return;
    app->resume_after_turn = false;
    rr_resume(rr_take(app->parked));
}

static inline enum rr_err loop_init(struct rr_loop *l, void *arg, void **ret)
{
    struct loop_app *app = calloc(1, sizeof(*app));

    if (!app)
        return RR_NO_MEMORY;
    if (arg && ++inits == LOOPS) {
        free(app);
        return RR_INTERNAL;
    }
    app->turn = (struct rr_turn){.after = after_turn, .arg = app};
    rr_loop_after_turn(l, &app->turn);
    *ret = app;
    return RR_OK;
}

static inline void loop_fini(struct rr_loop *l, void *arg)
{
    struct loop_app *app = arg;

    assert_ptr_equal(app, rr_loop_app(l));
    finis++;
    if (app->parked)
        rr_resume(app->parked);
    free(app);
}

static inline enum rr_step park(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, "parked and resumed");
    app->parked = r;
    sem_post(&given_to_worker);
    return RR_WAIT;
}

static inline enum rr_step park_for_the_turn(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    app->resume_after_turn = app->resume_after_turn || !r->phase;
    return park(r);
}

static inline enum rr_step unpark(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    rr_resume(rr_take(app->parked));
    return reply(r, "unparked");
}

#define WITH_JOB(fn) .handle = fn, .ctx_size = sizeof(struct job), .ctx_fini = count_ctx_end

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/worked/{n}", WITH_JOB(worked)},
    {.method = "GET", .pattern = "/held/{n}", WITH_JOB(held)},
    {.method = "POST", .pattern = "/held/{n}", WITH_JOB(held)},
    {.method = "GET", .pattern = "/park", .handle = park, .ctx_size = 1, .ctx_fini = count_ctx_end},
    {.method = "GET", .pattern = "/park-for-the-turn", .handle = park_for_the_turn},
    {.method = "GET", .pattern = "/unpark", .handle = unpark},
    {0},
};

static const struct rr_http_service service = {
    .routes = routes, .loop_init = loop_init, .loop_fini = loop_fini};

static inline void start(uint32_t loops, uint32_t drain_ms)
{
    conf = client_conf(loops);
    conf.drain_ms = drain_ms;
    handler_calls = ctx_ends = inits = finis = 0;
    assert_int_equal(0, rr_http_start(&conf, &service, &http));
}

static inline int ask(const char *path)
{
    char text[256];
    int fd = client_connect(rr_http_port(http));

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    client_send(fd, text);
    return fd;
}

/* The group's set-up: before there are threads. */
static inline int prepare(void **state)
{
    (void)state;
    rr_signal_init();
    sem_init(&given_to_worker, 0, 0);
    sem_init(&worker_may_go_on, 0, 0);
    return 0;
}
