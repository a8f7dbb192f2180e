/* shared: who asks a loop the same at the same time is given one answer.
 *
 * A question that nobody asks yet is sent as a statement. Who comes before it has been sent joins it; who
 * comes later waits until it is answered, and then one statement is sent for all who wait. So of each
 * question at most one statement is under way, however many ask; and no answer is older than its question,
 * because its snapshot is taken after the statement has been sent. Where that does not matter, who comes
 * later joins what has been sent, too.
 *
 * Nobody waits longer than they would alone: each has its own time, and joins only a statement that has
 * enough of it. Memory: asks are their callers', nothing is allocated. Threads: belongs to its loop. */
#pragma once

#include "metrics.h"
#include "ring.h"
#include "session.h"

enum { SHARED_BUCKETS = 1024 };

struct shared;

struct shared_ask {
    /* The caller fills in: */
    struct rr_query query; /* statement and parameters; of those who share, one sends its own */
    uint64_t hash;         /* of the question */
    int64_t give_up;       /* rr_time_monotonic() */
    bool any_age;          /* an answer that is older than the question will do */
    /* shared's own */
    struct shared *shared;
    struct shared_ask *chain;       /* the next one in its bucket */
    struct rr_ring joined, waiting; /* of one that was sent: who is told its answer, who comes after it */
    struct rr_ring link;            /* of the others: a place in one of these */
    struct rr_timer timer;          /* likewise: when their time is over */
};

struct shared {
    struct rr_loop *loop;
    struct session *session;
    bool (*same)(const struct shared_ask *a, const struct shared_ask *b);
    void (*done)(struct shared_ask *first);
    struct shared_ask *bucket[SHARED_BUCKETS];
    struct rr_counter *told;
};

/* same(): whether two asks with the same hash are the same question, so that one answer is right for both.
 * done(): called once, later, for `first` and all on its list `joined` (by `link`): first->query.err and .res
 * are the answer for each. All of them are their callers' again, and may be freed; it must not ask. */
void shared_init(struct shared *sh, struct rr_loop *l, struct session *s,
                 bool (*same)(const struct shared_ask *a, const struct shared_ask *b),
                 void (*done)(struct shared_ask *first));

/* `a` is shared's until done(). Other results are those of rr_pg_submit(), and RR_DB_BUSY when its time is
 * over; then it still is the caller's. */
enum rr_err shared_submit(struct shared *sh, struct shared_ask *a) RR_MUST_CHECK;
