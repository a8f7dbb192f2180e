/* waiters: the requests of one loop that wait until the read model includes the writes their
 * Consistency-Tokens name.
 *
 * One statement asks for all of them: when somebody joins, at each NOTIFY of the projector (once a batch),
 * after a LISTEN reconnect, and once more when somebody's time is over; at most one is under way, what comes
 * meanwhile is answered by the next. So nothing polls, and a lost NOTIFY makes an answer late, never wrong. A
 * waiter is listed before its first check: a write that becomes visible between a check and the joining
 * cannot be missed. Waiting holds no database connection. Places are limited, and those of one user too, so
 * that nobody can keep all others from reading their writes. Threads: belongs to its loop. */
#pragma once

#include "metrics.h"
#include "session.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>

struct waiters;

struct waiters_conf {
    uint32_t max, max_user; /* a loop */
};

struct waiter {
    /* The caller fills in: */
    const char *user;                     /* whose place it takes; NULL: one that is not bound by max_user */
    struct rr_token token[RR_TOKENS_MAX]; /* those that are satisfied are taken out */
    size_t n_tokens;
    /* Called once, later. RR_OK: all writes are included. RR_PROJECTION_BEHIND: not in time.
     * RR_WRITE_PARKED: one of them waits for an operator.
     * RR_PROJECTION_NOT_READY: the generation is not known any more, ask for it and join again. Else: the
     * database could not be asked. */
    void (*done)(struct waiter *w, enum rr_err err);
    void *arg;
    /* waiters' own */
    struct waiters *ws;
    struct waiter *next, *prev;
    struct rr_timer timer;
    int64_t joined;
    size_t first; /* the first of its tokens among those of the check under way */
    bool in_check, due;
};

struct waiters {
    struct rr_loop *loop;
    struct session *session;
    const struct waiters_conf *conf;
    uint32_t timeout_ms, n;
    struct waiter head; /* a ring */
    struct rr_query check;
    struct rr_buf arrays[4]; /* kind, reservation, room, version of each token in the check */
    uint8_t *told;           /* by place in those arrays */
    size_t n_asked, cap_told;
    bool under_way, again, ended;
    struct rr_timer retry;
    int64_t as_of; /* of the newest check */
    int parked;    /* likewise */
    struct rr_gauge *waiting;
    struct rr_counter *refused_all, *refused_user;
    struct rr_histogram *seconds;
};

void waiters_init(struct waiters *ws, struct rr_loop *l, struct session *s, const struct rr_pg_conf *pg,
                  const struct waiters_conf *conf);
/* The projector has applied something, or may have. */
void waiters_notified(struct waiters *ws);
/* Everybody is told RR_DB_UNAVAILABLE; nobody may join any more. Then free the connections, then
 * waiters_fini(). */
void waiters_end(struct waiters *ws);
void waiters_fini(struct waiters *ws);

/* `w` is the caller's and stays where it is until w->done(). The session's generation has to be known.
 * `deadline` may be in the past: then the first check decides. RR_OVERLOADED: too many wait, or too
 * many of this user; other errors: the database cannot be asked. */
enum rr_err waiters_join(struct waiters *ws, struct waiter *w, int64_t deadline) RR_MUST_CHECK;
