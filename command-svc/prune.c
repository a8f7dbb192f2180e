#include "prune.h"

#include "log.h"
#include "store/store.h"
#include "time.h"

enum { NEXT_BATCH_MS = 200, DEADLINE_S = 2 };

static void wait_then_fire(struct prune *p)
{
    int64_t us = p->removed ? NEXT_BATCH_MS * INT64_C(1000) : p->period_s * RR_US_PER_SEC;

    if (rr_timer_arm(p->job.loop, &p->timer, rr_time_monotonic() + us))
        rr_error("expired idempotency keys will not be removed any more", "code=%s",
                 rr_err_code(RR_NO_MEMORY));
}

static void work(struct rr_mysql_job *job, struct rr_mysql *db)
{
    struct prune *p = (struct prune *)job;
    enum rr_db end;

    p->removed = false;
    end = store_prune_keys(db);
    p->removed = end == RR_DB_ONE;
    if (end == RR_DB_FATAL && rr_mysql_err(db) == RR_INTERNAL)
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

    p->removed = false;
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
