/* One turn: wait, let the ready sockets and the finished work call back, fire timers, run libmicrohttpd
 * (handlers only queue their queries), then the hooks that send what was queued. A request that is resumed by
 * a callback is therefore answered in the same turn.
 *
 * libmicrohttpd's epoll is nested in ours. It may have work without an event on it (data already read, an
 * idle connection to close), so that MHD_get_timeout() bounds each wait and MHD_run() is called in every
 * turn. */
#include "loop.h"

#include "log.h"
#include "loop_internal.h"
#include "time.h"
#include "timers.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 256 };

struct rr_loop {
    int ep, index;
    void *app;
    struct MHD_Daemon *mhd;
    struct rr_watch mhd_watch, post_watch;
    struct rr_timers timers;
    struct rr_turn *turns;
    struct epoll_event events[EVENTS];
    int n_events, at_event;
    bool again;                      /* libmicrohttpd has to run once more before we wait */
    _Atomic(struct rr_post *) posts; /* the newest first */
    atomic_uint posting;             /* threads that may still wake us, although their post has run */
};

/* ---- sockets ---- */

int rr_loop_watch(struct rr_loop *l, struct rr_watch *w, uint32_t epoll_events)
{
    struct epoll_event ev = {.events = epoll_events, .data.ptr = w};

    if (epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &ev) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &ev) == 0)
        return 0;
    return -errno;
}

void rr_loop_unwatch(struct rr_loop *l, struct rr_watch *w)
{
    if (w->fd < 0)
        return;
    epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
    w->fd = -1;
    /* An event that this turn has already fetched must not reach it any more: it may be freed. */
    for (int i = l->at_event + 1; i < l->n_events; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
}

/* ---- timers ---- */

enum rr_err rr_timer_arm(struct rr_loop *l, struct rr_timer *t, int64_t due)
{
    return rr_timers_arm(&l->timers, t, due);
}

void rr_timer_cancel(struct rr_loop *l, struct rr_timer *t)
{
    rr_timers_cancel(&l->timers, t);
}

/* ---- posts ---- */

static void wake(const struct rr_loop *l)
{
    const uint64_t one = 1;

    while (write(l->post_watch.fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void rr_loop_post(struct rr_loop *l, struct rr_post *p)
{
    /* The post is not to be touched after the exchange: the loop may already have run it and freed what it
     * lies in. The loop itself waits, before it is freed, for those that are still in here. */
    struct rr_post *head = atomic_load_explicit(&l->posts, memory_order_relaxed);

    atomic_fetch_add_explicit(&l->posting, 1, memory_order_relaxed); /* seen by whoever sees the post */
    do
        p->next = head;
    while (!atomic_compare_exchange_weak_explicit(&l->posts, &head, p, memory_order_release,
                                                  memory_order_relaxed));
    if (!head)
        wake(l);
    atomic_fetch_sub_explicit(&l->posting, 1, memory_order_release);
}

void rr_loop_run_posts(struct rr_loop *l)
{
    struct rr_post *p = atomic_exchange_explicit(&l->posts, NULL, memory_order_acquire), *oldest = NULL;

    while (p) {
        struct rr_post *next = p->next;

        p->next = oldest;
        oldest = p;
        p = next;
    }
    while (oldest) {
        struct rr_post *next = oldest->next;

        oldest->run(oldest);
        oldest = next;
    }
}

static void posted(struct rr_watch *w, uint32_t epoll_events)
{
    uint64_t n;

    (void)epoll_events;
    /* First the eventfd, then the list: a post that comes in between finds the list empty and wakes us again.
     */
    if (read(w->fd, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR)
        RR_BUG("a loop's eventfd cannot be read");
    rr_loop_run_posts(w->arg);
}

/* ---- turns ---- */

void rr_loop_after_turn(struct rr_loop *l, struct rr_turn *t)
{
    struct rr_turn **at = &l->turns;

    while (*at)
        at = &(*at)->next;
    t->next = NULL;
    *at = t;
}

/* Until `deadline`, the next timer, or what libmicrohttpd allows, in epoll's milliseconds, rounded up so that
 * a timer is due when we wake. */
static int wait_ms(struct rr_loop *l, int64_t deadline)
{
    int64_t next = rr_timers_next(&l->timers), us, ms = -1;
    MHD_UNSIGNED_LONG_LONG mhd_ms;

    if (deadline < next)
        next = deadline;
    if (next != INT64_MAX) {
        us = next - rr_time_monotonic();
        ms = us <= 0 ? 0 : (us + 999) / 1000;
    }
    if (l->mhd && MHD_get_timeout(l->mhd, &mhd_ms) == MHD_YES && (ms < 0 || mhd_ms < (uint64_t)ms))
        ms = mhd_ms > INT_MAX ? INT_MAX : (int64_t)mhd_ms;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

void rr_loop_turn(struct rr_loop *l, int64_t deadline)
{
    int n = epoll_wait(l->ep, l->events, EVENTS, l->again ? 0 : wait_ms(l, deadline));

    if (n < 0 && errno != EINTR)
        RR_BUG("epoll_wait failed");
    l->n_events = n < 0 ? 0 : n;
    for (l->at_event = 0; l->at_event < l->n_events; l->at_event++) {
        struct rr_watch *w = l->events[l->at_event].data.ptr;

        if (w)
            w->ready(w, l->events[l->at_event].events);
    }
    l->n_events = l->at_event = 0;
    if (l->timers.n)
        rr_timers_fire(&l->timers, rr_time_monotonic());
    l->again = false;
    if (l->mhd)
        MHD_run(l->mhd);
    for (struct rr_turn *t = l->turns; t; t = t->next)
        t->after(t);
}

/* ---- life ---- */

static void mhd_ready(struct rr_watch *w, uint32_t epoll_events)
{
    (void)w, (void)epoll_events; /* the turn runs it anyway */
}

int rr_loop_set_mhd(struct rr_loop *l, struct MHD_Daemon *mhd)
{
    const union MHD_DaemonInfo *info;

    rr_loop_unwatch(l, &l->mhd_watch);
    l->mhd = mhd;
    if (!mhd)
        return 0;
    info = MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EINVAL;
    l->mhd_watch = (struct rr_watch){.ready = mhd_ready, .fd = info->epoll_fd};
    return rr_loop_watch(l, &l->mhd_watch, EPOLLIN);
}

void rr_loop_run_mhd_again(struct rr_loop *l)
{
    l->again = true;
}

struct MHD_Daemon *rr_loop_mhd(const struct rr_loop *l)
{
    return l->mhd;
}

int rr_loop_new(int index, struct rr_loop **ret)
{
    struct rr_loop *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return -ENOMEM;
    l->index = index;
    l->mhd_watch.fd = -1;
    l->ep = epoll_create1(EPOLL_CLOEXEC);
    l->post_watch =
        (struct rr_watch){.ready = posted, .arg = l, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    rc = l->ep < 0 || l->post_watch.fd < 0 ? -errno : rr_loop_watch(l, &l->post_watch, EPOLLIN);
    if (rc) {
        rr_loop_free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void rr_loop_free(struct rr_loop *l)
{
    if (!l)
        return;
    while (atomic_load_explicit(&l->posting, memory_order_acquire))
        sched_yield();
    rr_timers_fini(&l->timers);
    if (l->post_watch.fd >= 0)
        close(l->post_watch.fd);
    if (l->ep >= 0)
        close(l->ep);
    free(l);
}

void rr_loop_set_app(struct rr_loop *l, void *app)
{
    l->app = app;
}

void *rr_loop_app(const struct rr_loop *l)
{
    return l->app;
}

int rr_loop_index(const struct rr_loop *l)
{
    return l->index;
}
