#include "prune.h"

#include "log.h"
#include "store/store.h"
#include "time.h"

enum { AFTER_REFUSAL_S = 1, DEADLINE_S = 2 };

static void wait_then_fire(struct prune *p)
{
    if (rr_timer_arm(p->job.loop, &p->timer, rr_time_monotonic() + p->wait_us))
        rr_error("expired idempotency keys will not be removed any more", "code=%s",
                 rr_err_code(RR_NO_MEMORY));
}

static void work(struct rr_mysql_job *job, struct rr_mysql *db)
{
    struct prune *p = (struct prune *)job;
    const int64_t begun = rr_time_monotonic();
    const enum rr_db end = store_prune_keys(db);
    const bool fault = end == RR_DB_FATAL && rr_mysql_err(db) == RR_INTERNAL;

    if (end == RR_DB_ONE)
        p->wait_us = rr_time_monotonic() - begun;
    else if (end == RR_DB_NONE || fault)
        p->wait_us = p->period_s * RR_US_PER_SEC;
    if (fault)
        rr_error("expired idempotency keys cannot be removed", "errno=%u error=%s", rr_mysql_errno(db),
                 RR_Q(rr_mysql_message(db)));
}

static void done(struct rr_mysql_job *job)
{
    struct prune *p = (struct prune *)job;

    p->busy = false;
    wait_then_fire(p);
}

static void fire(struct rr_timer *t)
{
    struct prune *p = t->arg;

    p->wait_us = AFTER_REFUSAL_S * RR_US_PER_SEC; /* unless work() comes to an end */
    p->job.deadline = rr_time_monotonic() + DEADLINE_S * RR_US_PER_SEC;
    if (rr_mysql_pool_submit(p->pool, &p->job))
        wait_then_fire(p); /* the workers have more urgent things to do */
    else
        p->busy = true;
}

enum rr_err prune_start(struct prune *p, struct rr_loop *l, struct rr_mysql_pool *pool, uint32_t period_s)
{
    p->pool = pool;
    p->period_s = period_s;
    p->job.loop = l;
    p->job.work = work;
    p->job.done = done;
    p->timer.fire = fire;
    p->timer.arg = p;
    return rr_timer_arm(l, &p->timer, rr_time_monotonic() + period_s * RR_US_PER_SEC);
}

void prune_stop(struct prune *p)
{
    while (p->busy)
        rr_loop_turn(p->job.loop, INT64_MAX);
    rr_timer_cancel(p->job.loop, &p->timer);
}
