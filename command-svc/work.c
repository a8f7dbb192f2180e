#include "work.h"

#include "app.h"
#include "fields.h"
#include "time.h"

enum rr_err work_no_query(struct rr_req *r)
{
    struct rr_value none[1];

    return rr_query_fields(r, NULL, 0, none);
}

static void done(struct rr_mysql_job *job)
{
    rr_resume(((struct work *)job)->r);
}

enum rr_err work_submit(struct work *w, struct rr_req *r,
                        void (*run)(struct rr_mysql_job *job, struct rr_mysql *db))
{
    const struct app *app = app_of(r);

    w->r = r;
    w->job.loop = r->loop;
    w->job.work = run;
    w->job.done = done;
    w->job.deadline = rr_time_monotonic() + app->conf.request_timeout_ms * INT64_C(1000);
    return rr_mysql_pool_submit(app->pool, &w->job);
}

/* Errors that say that MySQL cannot do this now, whoever asks. */
static bool is_servers_own(unsigned mysql_errno)
{
    switch (mysql_errno) {
    case 1021: /* disk full */
    case 1037: /* out of memory */
    case 1041: /* out of resources */
    case 1114: /* the table is full */
    case 1290: /* an option forbids it: read_only */
    case 1836: /* read-only mode */ return true;
    default: return false;
    }
}

enum rr_err work_failed(const struct work *w, const struct rr_mysql *db, enum rr_err err)
{
    bool servers_own;

    if (err != RR_INTERNAL)
        return err;
    servers_own = is_servers_own(rr_mysql_errno(db));
    rr_log(servers_own ? RR_LOG_WARN : RR_LOG_ERROR, &w->r->log, "a statement failed", "errno=%u error=%s",
           rr_mysql_errno(db), RR_Q(rr_mysql_message(db)));
    return servers_own ? RR_DB_UNAVAILABLE : RR_INTERNAL;
}

enum rr_err work_end(const struct work *w, const struct rr_mysql *db, enum rr_db end)
{
    return end == RR_DB_ONE || end == RR_DB_NONE ? RR_OK : work_failed(w, db, rr_mysql_err(db));
}
