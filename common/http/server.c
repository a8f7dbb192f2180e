/* The life of a service: sockets, loops, their threads, and the orderly end.
 *
 * The end of a loop: (1) it stops listening, closes connections on which no request is under way and ends
 * streams; answers say `Connection: close`; (2) when all requests are answered it ends; (3) after drain_ms
 * what still waits is answered 503, with half a second for the answers to go out; (4) libmicrohttpd is
 * stopped, never with a suspended connection, which would abort the process; (5) loop_fini() releases the
 * service's side, which may hand requests back. A request whose owner has not handed it back by then (a
 * worker that is still busy with it) keeps its memory and its loop's: the owner may still write into the one
 * and post to the other. Nobody will run that post; the process is about to end. */
#include "http_internal.h"
#include "listen.h"
#include "loop_internal.h"
#include "openapi.h"

#include "../log.h"
#include "../time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLUSH_MS = 500, BACKLOG = 4096, SPARE_FILES = 256 };

enum { GO_WAIT, GO_RUN, GO_BACK };

/* Services with requests still in their owners' hands, see above; volatile, so that the compiler does not
 * drop what nobody reads but a leak detector. */
static struct rr_http *volatile kept;

static void close_listener(struct rr_http_loop *hl)
{
    if (hl->listen_fd >= 0)
        close(hl->listen_fd);
    hl->listen_fd = -1;
}

/* ---- the end of a loop, in its thread ---- */

static void end_later(struct rr_http_loop *hl, void (*fire)(struct rr_timer *t), int64_t ms)
{
    hl->stop_timer.fire = fire;
    if (rr_timer_arm(hl->loop, &hl->stop_timer, rr_time_monotonic() + ms * 1000))
        hl->ended = true;
}

static void flush_over(struct rr_timer *t)
{
    struct rr_http_loop *hl = t->arg;

    hl->ended = true;
}

static void drain_over(struct rr_timer *t)
{
    struct rr_http_loop *hl = t->arg;

    hl->past_drain = true;
    rr_exchange_fail_waiting(hl);
    end_later(hl, flush_over, FLUSH_MS);
}

static void stop_begins(struct rr_post *p)
{
    struct rr_http_loop *hl = RR_RING_ENTRY(p, struct rr_http_loop, stop_post);

    hl->stopping = true;
    MHD_quiesce_daemon(rr_loop_mhd(hl->loop));
    close_listener(hl);
    rr_exchange_close_idle(hl);
    rr_streams_end(hl);
    end_later(hl, drain_over, hl->http->conf->drain_ms);
}

static bool ended(const struct rr_http_loop *hl)
{
    return hl->ended || (hl->stopping && rr_ring_empty(&hl->in_flight) && rr_ring_empty(&hl->connections));
}

static void stop_mhd(struct rr_http_loop *hl)
{
    struct MHD_Daemon *mhd = rr_loop_mhd(hl->loop);

    if (!mhd)
        return;
    rr_exchange_fail_waiting(hl);
    rr_streams_end(hl);
    MHD_quiesce_daemon(mhd); /* the listener stays ours to close */
    if (rr_loop_set_mhd(hl->loop, NULL))
        RR_BUG("a daemon cannot be taken from its loop");
    MHD_stop_daemon(mhd);
}

/* ---- requests that do not come to their end ---- */

static void look_for_slow(struct rr_timer *t)
{
    struct rr_http_loop *hl = t->arg;

    rr_exchange_close_slow(hl);
    if (rr_timer_arm(hl->loop, t, rr_time_monotonic() + RR_US_PER_SEC))
        rr_error("slow requests will not be cut off any more", "code=%s", rr_err_code(RR_NO_MEMORY));
}

/* ---- a loop's thread ---- */

static int report_and_wait(struct rr_http *http, enum rr_err err)
{
    int go;

    pthread_mutex_lock(&http->lock);
    http->n_reported++;
    if (err)
        http->init_err = err;
    pthread_cond_broadcast(&http->changed);
    while (http->go == GO_WAIT)
        pthread_cond_wait(&http->changed, &http->lock);
    go = http->go;
    pthread_mutex_unlock(&http->lock);
    return go;
}

static void *loop_main(void *arg)
{
    struct rr_http_loop *hl = arg;
    const struct rr_http_service *svc = hl->http->svc;
    void *app = NULL;
    enum rr_err err = svc->loop_init ? svc->loop_init(hl->loop, svc->app, &app) : RR_OK;

    rr_loop_set_app(hl->loop, app);
    if (report_and_wait(hl->http, err) == GO_RUN) {
        look_for_slow(&hl->slow_timer);
        while (!ended(hl))
            rr_loop_turn(hl->loop, INT64_MAX);
    }
    stop_mhd(hl);
    rr_timer_cancel(hl->loop, &hl->slow_timer);
    rr_timer_cancel(hl->loop, &hl->stop_timer);
    if (!err && svc->loop_fini)
        svc->loop_fini(hl->loop, app);
    rr_loop_run_posts(hl->loop);
    return NULL;
}

/* ---- start ---- */

static void free_http(struct rr_http *http)
{
    for (unsigned i = 0; i < http->n_loops; i++) {
        struct MHD_Daemon *mhd = http->loops[i].loop ? rr_loop_mhd(http->loops[i].loop) : NULL;

        if (mhd) {
            MHD_quiesce_daemon(mhd); /* the listener stays ours to close */
            MHD_stop_daemon(mhd);
        }
        close_listener(&http->loops[i]);
        rr_loop_free(http->loops[i].loop);
        rr_counts_free(http->loops[i].counts);
        rr_auth_loop_free(http->loops[i].auth);
    }
    if (http->out_of_memory)
        MHD_destroy_response(http->out_of_memory);
    if (http->outcome_unknown)
        MHD_destroy_response(http->outcome_unknown);
    rr_router_free(http->router);
    rr_buf_fini(&http->openapi);
    rr_auth_free(http->auth);
    pthread_cond_destroy(&http->changed);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

/* An answer that needs no memory any more; `text` is a constant. NULL: there is none even now. */
static struct MHD_Response *ready_problem(const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);

    if (!response)
        return NULL;
    if (MHD_add_response_header(response, "Content-Type", "application/problem+json") == MHD_YES &&
        MHD_add_response_header(response, "Retry-After", "1") == MHD_YES)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

static struct rr_http *new_http(const struct rr_http_conf *conf, const struct rr_http_service *svc)
{
    const struct rr_route *const tables[] = {rr_builtin_routes, svc->routes,
                                             svc->openapi ? rr_openapi_routes : NULL, NULL};
    struct rr_http *http = calloc(1, sizeof(*http) + conf->loops * sizeof(http->loops[0]));

    if (!http)
        return NULL;
    http->conf = conf;
    http->svc = svc;
    http->n_loops = conf->loops;
    for (unsigned i = 0; i < http->n_loops; i++)
        http->loops[i].listen_fd = -1;
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->changed, NULL);
    http->router = rr_router_new(tables);
    if (svc->openapi)
        rr_openapi_render(svc->openapi, svc->routes, conf->auth == RR_AUTH_JWT, &http->openapi);
    http->out_of_memory =
        ready_problem("{\"type\":\"/problems/no-memory\",\"status\":503,\"code\":\"no-memory\"}");
    http->outcome_unknown =
        ready_problem("{\"type\":\"/problems/outcome-unknown\",\"status\":503,\"code\":\"outcome-unknown\"}");
    if (http->router && http->out_of_memory && http->outcome_unknown && !http->openapi.failed)
        return http;
    free_http(http);
    return NULL;
}

static int init_loop(struct rr_http *http, unsigned i)
{
    struct rr_http_loop *hl = &http->loops[i];
    struct MHD_Daemon *mhd;
    int rc;

    hl->http = http;
    rr_ring_init(&hl->in_flight);
    rr_ring_init(&hl->connections);
    hl->stop_post.run = stop_begins;
    hl->stop_timer.arg = hl->slow_timer.arg = hl;
    hl->slow_timer.fire = look_for_slow;
    hl->counts = rr_counts_new(http->router);
    hl->auth = rr_auth_loop_new(http->auth);
    if (!hl->counts || !hl->auth)
        return -ENOMEM;
    if (getrandom(hl->random, sizeof(hl->random), 0) != (ssize_t)sizeof(hl->random))
        return -errno;
    rc = rr_loop_new((int)i, &hl->loop);
    if (rc)
        return rc;
    mhd = rr_exchange_daemon(hl);
    return mhd ? rr_loop_set_mhd(hl->loop, mhd) : -ENOMEM;
}

/* The threads run loop_init(); when all have, they go on or back together. */
static int run_loops(struct rr_http *http, unsigned n_threads)
{
    int rc = n_threads == http->n_loops ? 0 : -EAGAIN;

    pthread_mutex_lock(&http->lock);
    while (http->n_reported < n_threads)
        pthread_cond_wait(&http->changed, &http->lock);
    if (!rc && http->init_err) {
        rr_error("an event loop could not be set up", "code=%s", rr_err_code(http->init_err));
        rc = -EIO;
    }
    for (unsigned i = 0; !rc && i < n_threads; i++)
        if (listen(http->loops[i].listen_fd, BACKLOG))
            rc = -errno;
    http->go = rc ? GO_BACK : GO_RUN;
    pthread_cond_broadcast(&http->changed);
    pthread_mutex_unlock(&http->lock);
    if (rc)
        while (n_threads > 0)
            pthread_join(http->loops[--n_threads].thread, NULL);
    return rc;
}

static int start_threads(struct rr_http *http)
{
    unsigned n = 0;

    while (n < http->n_loops &&
           pthread_create(&http->loops[n].thread, NULL, loop_main, &http->loops[n]) == 0) {
        char name[16];

        snprintf(name, sizeof(name), "loop-%u", n);
        pthread_setname_np(http->loops[n++].thread, name);
    }
    return run_loops(http, n);
}

/* The usual soft limit of 1024 files is less than the connections allowed by default. */
static void allow_files(uint32_t connections)
{
    const rlim_t wanted = (rlim_t)connections + SPARE_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        rr_warn("fewer open files are allowed than RR_HTTP_CONNECTIONS may need", "limit=%llu",
                (unsigned long long)limit.rlim_cur);
}

static bool asks_who_calls(const struct rr_route *routes)
{
    while (routes->method && routes->may == RR_EVERYBODY)
        routes++;
    return routes->method;
}

int rr_http_start(const struct rr_http_conf *conf, const struct rr_http_service *svc, struct rr_http **ret)
{
    struct rr_http *http = new_http(conf, svc);
    int fds[RR_HTTP_LOOPS_MAX], rc;

    if (!http)
        return -ENOMEM;
    rc = rr_auth_new(conf, asks_who_calls(svc->routes), &http->auth);
    if (!rc)
        rc = rr_listen_bind(conf, conf->loops, fds, &http->port);
    if (rc) {
        free_http(http);
        return rc;
    }
    allow_files(conf->connections);
    for (unsigned i = 0; i < conf->loops; i++)
        http->loops[i].listen_fd = fds[i];
    for (unsigned i = 0; i < conf->loops && !rc; i++)
        rc = init_loop(http, i);
    if (!rc)
        rc = start_threads(http);
    if (rc) {
        rr_error("the HTTP service cannot start", "reason=%s", RR_Q(strerrordesc_np(-rc)));
        free_http(http);
        return rc;
    }
    rr_info("listening", "host=%s port=%u loops=%u", RR_Q(conf->host), http->port, conf->loops);
    *ret = http;
    return 0;
}

uint16_t rr_http_port(const struct rr_http *h)
{
    return h->port;
}

/* ---- stop ---- */

void rr_http_stop(struct rr_http *h)
{
    unsigned in_hands = 0;

    for (unsigned i = 0; i < h->n_loops; i++)
        rr_loop_post(h->loops[i].loop, &h->loops[i].stop_post);
    for (unsigned i = 0; i < h->n_loops; i++) {
        pthread_join(h->loops[i].thread, NULL);
        in_hands += !rr_ring_empty(&h->loops[i].in_flight);
    }
    if (!in_hands) {
        free_http(h);
        return;
    }
    rr_warn("requests were given up that are still being worked on", "loops=%u", in_hands);
    h->kept_before = kept;
    kept = h;
}
