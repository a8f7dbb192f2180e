/* Removes idempotency keys that have expired: a timer of one loop, a small batch a job. Between two batches
 * it waits as long as the first one took: commands keep half of one worker at least, and however many keys
 * expire, they are removed as fast as MySQL can. Where the workers or a lock refuse it, it comes again soon.
 */
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
    int64_t wait_us;   /* before the next job */
};

/* Both in the loop's thread. Stopping waits for the job that is under way, one statement at most. */
enum rr_err prune_start(struct prune *p, struct rr_loop *l, struct rr_mysql_pool *pool,
                        uint32_t period_s) RR_MUST_CHECK;
void prune_stop(struct prune *p);
