#include "pg_pipe.h"

#include "log.h"
#include "time.h"

#include <assert.h>
#include <stdio.h>

enum ended { ENDED_OK, ENDED_BUSY, ENDED_UNAVAILABLE, ENDED_ERROR };
static const char *const ended_labels[] = {"result=\"ok\"", "result=\"busy\"", "result=\"unavailable\"",
                                           "result=\"error\""};

static enum ended ended_of(enum rr_err err)
{
    switch (err) {
    case RR_OK: return ENDED_OK;
    case RR_DB_BUSY: return ENDED_BUSY;
    case RR_DB_UNAVAILABLE: return ENDED_UNAVAILABLE;
    default: return ENDED_ERROR;
    }
}

void pg_query_end(struct rr_pg *pg, struct rr_query *q, enum rr_err err, PGresult *res)
{
    int64_t begun = q->timer.due - (int64_t)q->timeout_ms * 1000;

    rr_timer_cancel(pg->loop, &q->timer);
    rr_counter_add(pg->ended[ended_of(err)], 1);
    rr_histogram_observe(pg->seconds, (double)(rr_time_monotonic() - begun) / 1e6);
    q->conn = NULL;
    q->err = err;
    q->res = err == RR_OK ? res : NULL;
    q->done(q); /* may free it */
}

static void given_up(struct rr_timer *t)
{
    struct rr_query *q = t->arg;
    struct pg_pipe *p = q->conn;
    bool up = p->link.state == PG_LINK_UP;

    pg_pipe_forget(p, q);
    q->message = up ? "no answer in time" : "no connection in time";
    if (!up)
        strcpy(q->sqlstate, RR_PG_UNCONNECTED);
    pg_query_end(p->pg, q, up ? RR_DB_BUSY : RR_DB_UNAVAILABLE, NULL);
}

static bool stmts_grow(struct rr_pg *pg)
{
    size_t cap = pg->cap_stmts ? 2 * pg->cap_stmts : 16;
    const struct rr_pg_stmt **stmts = realloc(pg->stmts, cap * sizeof(struct rr_pg_stmt *));

    if (!stmts)
        return false;
    pg->stmts = stmts;
    for (size_t i = 0; i < pg->n_pipes; i++) {
        struct pg_prepared *prepared = realloc(pg->pipes[i].prepared, cap * sizeof(*prepared));

        if (!prepared)
            return false;
        memset(prepared + pg->cap_stmts, 0, (cap - pg->cap_stmts) * sizeof(*prepared));
        pg->pipes[i].prepared = prepared;
    }
    pg->cap_stmts = cap;
    return true;
}

static bool stmt_find(struct rr_pg *pg, const struct rr_pg_stmt *stmt, unsigned *ret)
{
    size_t i;

    for (i = 0; i < pg->n_stmts; i++)
        if (pg->stmts[i] == stmt) {
            *ret = (unsigned)i;
            return true;
        }
    if (i == pg->cap_stmts && !stmts_grow(pg))
        return false;
    pg->stmts[pg->n_stmts++] = stmt;
    *ret = (unsigned)i;
    return true;
}

static bool is_better(const struct pg_pipe *p, const struct pg_pipe *than)
{
    bool p_up = p->link.state == PG_LINK_UP, than_up = than->link.state == PG_LINK_UP;

    return p_up != than_up ? p_up : p->load < than->load;
}

struct pg_pipe *pg_pipe_for(struct rr_pg *pg, bool slow)
{
    struct pg_pipe *best = NULL;

    for (size_t i = 0; i < pg->n_pipes; i++) {
        struct pg_pipe *p = &pg->pipes[i];

        if (p->slow == slow && !p->link.failed && (!best || is_better(p, best)))
            best = p;
    }
    return best;
}

enum rr_err rr_pg_submit(struct rr_pg *pg, struct rr_query *q)
{
    /* Slow ones have connections of their own, where there are any. */
    struct pg_pipe *p = pg_pipe_for(pg, q->slow && pg->conf->slow);
    enum rr_err err;

    assert(q->timeout_ms > 0 && q->n_params <= RR_PG_PARAMS);
    if (!p)
        return RR_DB_UNAVAILABLE;
    if (pg->load[p->slow] >= pg->conf->queue)
        return RR_OVERLOADED;
    if (!stmt_find(pg, q->stmt, &q->stmt_index))
        return RR_NO_MEMORY;
    q->timer = (struct rr_timer){.fire = given_up, .arg = q};
    err = rr_timer_arm(pg->loop, &q->timer, rr_time_monotonic() + (int64_t)q->timeout_ms * 1000);
    if (err)
        return err;
    q->flags = 0;
    q->err = RR_OK;
    q->res = NULL;
    q->sqlstate[0] = '\0';
    q->message = "";
    pg_pipe_queue(p, q);
    return RR_OK;
}

bool rr_pg_is_sent(const struct rr_query *q)
{
    return q->flags & PG_QUERY_SENT;
}

void rr_pg_abandon(struct rr_pg *pg, struct rr_query *q)
{
    if (!q->conn)
        return;
    rr_timer_cancel(pg->loop, &q->timer);
    pg_pipe_forget(q->conn, q);
    q->conn = NULL;
}

/* "a; b" → "a\0b\0\0"; blank ones fall out. */
static char *session_split(const char *sql)
{
    char *list = calloc(1, strlen(sql) + 2), *to = list;

    while (list && *sql) {
        const char *end = strchrnul(sql, ';');

        sql += strspn(sql, " \t\r\n");
        if (sql < end) {
            memcpy(to, sql, (size_t)(end - sql));
            to += end - sql + 1;
        }
        sql = *end ? end + 1 : end;
    }
    return list;
}

enum rr_err rr_pg_set_session(struct rr_pg *pg, const char *session_sql)
{
    char *session = session_split(session_sql ? session_sql : "");

    if (!session)
        return RR_NO_MEMORY;
    free(pg->session);
    pg->session = session;
    for (size_t i = 0; i < pg->n_pipes; i++)
        pg->pipes[i].flush_due = pg->pipes[i].session_due = true;
    return RR_OK;
}

bool rr_pg_is_up(const struct rr_pg *pg)
{
    for (size_t i = 0; i < pg->n_pipes; i++)
        if (!pg->pipes[i].slow && pg->pipes[i].link.state == PG_LINK_UP)
            return true;
    return false;
}

static void after_turn(struct rr_turn *t)
{
    struct rr_pg *pg = t->arg;
    size_t load;
    bool all_sent;

    /* A connection lost while sending moves its queries to others, perhaps to one that has had its turn. */
    do {
        all_sent = true;
        for (size_t i = 0; i < pg->n_pipes; i++)
            if (pg_pipe_is_due(&pg->pipes[i])) {
                pg_pipe_turn(&pg->pipes[i]);
                all_sent = false;
            }
    } while (!all_sent);
    /* Several loops add to one gauge; once a turn, so that they do not fight over its cache line. */
    load = pg->load[false] + pg->load[true];
    if (load != pg->reported) {
        rr_gauge_add(pg->queue, (double)load - (double)pg->reported);
        pg->reported = load;
    }
}

static void metrics_init(struct rr_pg *pg)
{
    pg->queue = rr_gauge("rr_pg_queue", "queries to PostgreSQL waiting or under way", NULL);
    for (size_t i = 0; i < RR_LEN(ended_labels); i++)
        pg->ended[i] =
            rr_counter("rr_pg_queries_total", "queries to PostgreSQL by how they ended", ended_labels[i]);
    pg->seconds = rr_histogram("rr_pg_query_seconds", "from submit to answer, PostgreSQL", NULL,
                               rr_latency_bounds, rr_latency_n_bounds);
}

enum rr_err rr_pg_new(struct rr_loop *l, const struct rr_pg_conf *conf, const char *session_sql,
                      struct rr_pg **ret)
{
    struct rr_pg *pg = calloc(1, sizeof(*pg));

    if (!pg)
        return RR_NO_MEMORY;
    pg->loop = l;
    pg->conf = conf;
    pg->session = session_split(session_sql ? session_sql : "");
    pg->n_pipes = conf->connections + conf->slow;
    pg->pipes = calloc(pg->n_pipes, sizeof(*pg->pipes));
    if (!pg->session || !pg->pipes) {
        free(pg->session);
        free(pg->pipes);
        free(pg);
        return RR_NO_MEMORY;
    }
    metrics_init(pg);
    for (size_t i = 0; i < pg->n_pipes; i++)
        pg_pipe_start(&pg->pipes[i], pg, i >= conf->connections);
    pg->turn = (struct rr_turn){.after = after_turn, .arg = pg};
    rr_loop_after_turn(l, &pg->turn);
    *ret = pg;
    return RR_OK;
}

void rr_pg_free(struct rr_pg *pg)
{
    if (!pg)
        return;
    pg_listeners_free(pg);
    /* What a done() submits now goes to a pipe behind this one, and is refused when there is none left. */
    for (size_t i = 0; i < pg->n_pipes; i++)
        pg_pipe_stop(&pg->pipes[i]);
    for (size_t i = 0; i < pg->n_pipes; i++)
        pg_pipe_free(&pg->pipes[i]);
    rr_gauge_add(pg->queue, -(double)pg->reported);
    free(pg->stmts);
    free(pg->session);
    free(pg->pipes);
    free(pg);
}
