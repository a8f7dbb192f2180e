/* rr_loop: one thread, one epoll, one libmicrohttpd daemon, its own few database connections. More load, more
 * loops; no locks.
 *
 *   while (!stopping) {
 *       epoll_wait(…)          sockets, timers, finished work from other threads → callbacks
 *       MHD_run(…)             handlers run and only queue their queries
 *       after_turn hooks       e.g. rr_pg: one Sync and one send for this whole turn
 *   }
 *
 * libmicrohttpd runs with external epoll (its epoll fd is nested in ours) and MHD_ALLOW_SUSPEND_RESUME; see
 * the manual's section on MHD_get_timeout. Threads: everything here belongs to the loop's thread, except
 * rr_loop_post(), which may be called from any. */
#pragma once

#include "err.h"
#include "macros.h"

#include <stdbool.h>
#include <stdint.h>

struct rr_loop;
struct MHD_Daemon;

/* ---- sockets of other libraries ---- */
struct rr_watch {
    void (*ready)(struct rr_watch *w, uint32_t epoll_events);
    void *arg;
    int fd; /* -1 when not watched */
};
/* Watch w->fd for EPOLLIN and/or EPOLLOUT (level-triggered); call again to change the events; unwatch before
 * closing the fd. 0 or -errno. */
int rr_loop_watch(struct rr_loop *l, struct rr_watch *w, uint32_t epoll_events) RR_MUST_CHECK;
void rr_loop_unwatch(struct rr_loop *l, struct rr_watch *w);

/* ---- timers ---- */
struct rr_timer {
    void (*fire)(struct rr_timer *t);
    void *arg;
    int64_t due;    /* rr_time_monotonic(); the rest is rr_loop's */
    int heap_index; /* 0: not armed */
};
/* Arm (or re-arm) `t`, the caller's, to fire once at `due`. Cancel is idempotent. O(log n). Returns RR_OK or
 * RR_NO_MEMORY. */
enum rr_err rr_timer_arm(struct rr_loop *l, struct rr_timer *t, int64_t due) RR_MUST_CHECK;
void rr_timer_cancel(struct rr_loop *l, struct rr_timer *t);

/* ---- work that was finished elsewhere ---- */
struct rr_post {
    void (*run)(struct rr_post *p); /* called in the loop's thread, exactly once a post */
    struct rr_post *next;           /* rr_loop's */
};
/* From any thread: hand `p` over. One eventfd write wakes the loop for a whole batch: only the post that
 * finds the list empty writes. */
void rr_loop_post(struct rr_loop *l, struct rr_post *p);

/* ---- end of a turn ---- */
struct rr_turn {
    void (*after)(struct rr_turn *t); /* called at the end of each turn, before the loop waits again */
    void *arg;
    struct rr_turn *next; /* rr_loop's */
};
/* From loop_init only; stands until the loop ends. */
void rr_loop_after_turn(struct rr_loop *l, struct rr_turn *t);

void *rr_loop_app(const struct rr_loop *l); /* what the service's loop_init() returned for this loop */
int rr_loop_index(const struct rr_loop *l); /* 0 … RR_HTTP_LOOPS-1 */

/* ---- a loop without HTTP, for tests and tools; rr_http_start() makes its own ---- */
int rr_loop_new(int index, struct rr_loop **ret) RR_MUST_CHECK; /* 0 or -errno */
/* One turn; waits for work until `deadline` (rr_time_monotonic()) at most. */
void rr_loop_turn(struct rr_loop *l, int64_t deadline);
/* Nobody may begin to post to it any more; waits for those whose post has run and who are not back yet. NULL
 * is fine. */
void rr_loop_free(struct rr_loop *l);
