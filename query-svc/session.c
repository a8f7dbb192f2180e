#include "session.h"

#include "render.h"

#include "time.h"

#include <stdio.h>

enum { SQL_SIZE = 320 };

const struct rr_pg_stmt session_stmt = {"serving", SQL_META "SELECT m.* FROM meta m"};

/* render.h reads instants as ISO texts in UTC. Plans are made once a connection, and each statement is
 * written so that one plan suits all its parameters: every list walks an index in its own order. Not knowing
 * the parameters, the planner expects few rows and would rather collect and sort them, all of a user's for
 * one page; without bitmap scans it cannot. The server gives a statement up after as long as anybody waits
 * for one. That bounds each by itself: what was sent behind it is worked off after it, though nobody may wait
 * for that any more. So of slow ones, which that would be long for, rr_pg sends one at a time. */
static void session_sql(const struct session *s, int generation, char *sql, size_t size)
{
    char schema[24] = "projection";

    if (generation)
        snprintf(schema, sizeof(schema), "g%d", generation);
    snprintf(sql, size,
             "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET plan_cache_mode = force_generic_plan; "
             "SET enable_bitmapscan = off; "
             "SET statement_timeout = %u; SET search_path = %s",
             (unsigned)s->timeout_ms, schema);
}

enum rr_err session_new(struct rr_loop *l, const struct rr_pg_conf *conf, struct session *ret)
{
    char sql[SQL_SIZE];

    *ret = (struct session){.timeout_ms = conf->timeout_ms};
    session_sql(ret, 0, sql, sizeof(sql));
    return rr_pg_new(l, conf, sql, &ret->pg);
}

uint32_t session_timeout_ms(const struct session *s, int64_t give_up)
{
    int64_t left_ms = (give_up - rr_time_monotonic()) / 1000;

    if (left_ms <= 0)
        return 0;
    return left_ms < s->timeout_ms ? (uint32_t)left_ms : s->timeout_ms;
}

static enum rr_err switch_to(struct session *s, int generation)
{
    char sql[SQL_SIZE];
    enum rr_err err;

    if (generation == s->generation)
        return RR_OK;
    session_sql(s, generation, sql, sizeof(sql));
    err = rr_pg_set_session(s->pg, sql);
    if (err)
        return err;
    rr_info("reading from", "generation=%d before=%d", generation, s->generation);
    s->generation = generation;
    return RR_OK;
}

static bool state_is(const struct rr_query *q, const char *sqlstate)
{
    return strncmp(q->sqlstate, sqlstate, strlen(sqlstate)) == 0;
}

void session_log_refusal(const struct rr_query *q, const struct rr_log_ctx *log)
{
    if (q->err == RR_INTERNAL)
        rr_log(RR_LOG_ERROR, log, "statement refused", "statement=%s sqlstate=%s reason=%s", q->stmt->name,
               q->sqlstate, RR_Q(q->message));
}

static enum session_answer judge_refusal(struct session *s, const struct rr_query *q,
                                         const struct rr_log_ctx *log, enum rr_err *ret_err)
{
    *ret_err = q->err;
    /* No such table, no such schema: the generation is gone, for everybody who was under way in it. */
    if (q->stmt != &session_stmt && (state_is(q, "42P01") || state_is(q, "3F000"))) {
        s->generation = 0;
        return SESSION_REPEAT;
    }
    /* A deadlock with whoever drops an old generation: all reads of a turn are one transaction. */
    if (state_is(q, "40P01"))
        return SESSION_REPEAT;
    /* It fell with somebody else's error more than once, or with one connection of several. (One that was
     * given up while no connection stood has an SQLSTATE: it would only wait as long again.) */
    if (q->err == RR_DB_UNAVAILABLE && !*q->sqlstate && rr_pg_is_up(s->pg))
        return SESSION_REPEAT;
    session_log_refusal(q, log);
    return SESSION_FAILED;
}

enum session_answer session_judge(struct session *s, const struct rr_query *q, const struct rr_log_ctx *log,
                                  int64_t *ret_as_of, enum rr_err *ret_err)
{
    enum rr_err err;
    bool here;

    if (q->err)
        return judge_refusal(s, q, log, ret_err);
    if (PQntuples(q->res) == 0) {
        s->generation = 0;
        *ret_err = RR_PROJECTION_NOT_READY;
        return SESSION_FAILED;
    }
    *ret_as_of = render_us(q->res, 0, COL_AS_OF);
    here = *PQgetvalue(q->res, 0, COL_HERE) == 't';
    if (here && s->generation)
        return SESSION_SERVED;
    err = switch_to(s, atoi(PQgetvalue(q->res, 0, COL_GENERATION)));
    if (err) {
        *ret_err = err;
        return SESSION_FAILED;
    }
    return here ? SESSION_SERVED : SESSION_REPEAT;
}
