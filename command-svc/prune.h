/* Removes idempotency keys that have expired: a timer of one loop, a small batch a job, so that commands
 * hardly notice. */
#pragma once

#include "http/loop.h"
#include "mysql.h"

#include <stdbool.h>

struct prune {
    struct rr_mysql_job job; /* first */
    struct rr_mysql_pool *pool;
    struct rr_timer timer;
    uint32_t period_s; /* from one search to the next */
    bool busy;         /* a job is under way */
    bool removed;      /* the last one found something: there may be more */
};

/* Both in the loop's thread. Stopping waits for the job that is under way, one statement at most. */
enum rr_err prune_start(struct prune *p, struct rr_loop *l, struct rr_mysql_pool *pool,
                        uint32_t period_s) RR_MUST_CHECK;
void prune_stop(struct prune *p);
