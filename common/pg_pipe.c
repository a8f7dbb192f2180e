#include "pg_pipe.h"

#include "log.h"
#include "time.h"

#include <assert.h>
#include <stdio.h>
#include <sys/epoll.h>

/* Sent and not answered, a connection: enough to keep a server busy; what waits behind it can be given up for
 * nothing.
 */
#define WINDOW 1024
/* Likewise, of slow ones: a trip is nothing beside one of them, and what was given up is worked off all the
 * same once it was sent. */
#define SLOW_WINDOW 1
/* Silence beyond the longest time-out after which the connection is taken for dead. */
#define GRACE_US RR_US_PER_SEC

/* ---- the waiting list and the ring ---- */

static void load_add(struct pg_pipe *p, int n)
{
    p->load += (size_t)n;
    p->pg->load[p->slow] += (size_t)n;
}

static void list_put_before(struct rr_query *where, struct rr_query *q)
{
    q->next = where;
    q->prev = where->prev;
    where->prev->next = q;
    where->prev = q;
}

static void list_remove(struct rr_query *q)
{
    q->prev->next = q->next;
    q->next->prev = q->prev;
    q->next = q->prev = NULL;
}

static void list_init(struct rr_query *head)
{
    head->next = head->prev = head;
}

static struct pg_sent *at(struct pg_pipe *p, uint64_t seq)
{
    return &p->sent[seq & (p->cap - 1)];
}

static bool ring_grow(struct pg_pipe *p)
{
    size_t cap = p->cap ? 2 * p->cap : 256;
    struct pg_sent *sent = malloc(cap * sizeof(*sent));

    if (!sent)
        return false;
    for (uint64_t i = p->head; i != p->tail; i++)
        sent[i & (cap - 1)] = *at(p, i);
    free(p->sent);
    p->sent = sent;
    p->cap = cap;
    return true;
}

/* Room for one more, before anything is sent: an answer must find its place. False: lost. */
static bool ring_room(struct pg_pipe *p)
{
    if (p->tail - p->head < p->cap || ring_grow(p))
        return true;
    pg_link_lose(&p->link, "out of memory");
    return false;
}

static void ring_put(struct pg_pipe *p, struct pg_sent what)
{
    if (p->head == p->tail) {
        p->heard = rr_time_monotonic();
        p->patience_ms = p->pg->conf->timeout_ms;
    }
    *at(p, p->tail++) = what;
}

static void ring_pop(struct pg_pipe *p)
{
    if (at(p, p->head)->op == PG_OP_QUERY)
        load_add(p, -1);
    p->head++;
    p->answered = false;
}

void pg_pipe_queue(struct pg_pipe *p, struct rr_query *q)
{
    q->conn = p;
    q->flags &= ~PG_QUERY_SENT;
    list_put_before(&p->waiting, q);
    load_add(p, 1);
    p->flush_due = true;
}

void pg_pipe_forget(struct pg_pipe *p, struct rr_query *q)
{
    if (q->flags & PG_QUERY_SENT) {
        at(p, q->seq)->q = NULL;
        return;
    }
    list_remove(q);
    load_add(p, -1);
}

/* ---- sending ---- */

static bool lost(struct pg_pipe *p)
{
    pg_link_lose(&p->link, PQerrorMessage(p->link.db));
    return false;
}

static bool send_sync(struct pg_pipe *p, enum pg_op op)
{
    if (!ring_room(p))
        return false;
    if (!PQpipelineSync(p->link.db))
        return lost(p);
    ring_put(p, (struct pg_sent){.op = op});
    return true;
}

static bool send_plain(struct pg_pipe *p, const char *sql, struct pg_sent what)
{
    if (!ring_room(p))
        return false;
    if (!PQsendQueryParams(p->link.db, sql, 0, NULL, NULL, NULL, NULL, 0))
        return lost(p);
    ring_put(p, what);
    return true;
}

/* The statements of the session, as one transaction. Whatever was prepared may mean other tables after it. */
static bool send_session(struct pg_pipe *p)
{
    p->session_due = false;
    if (!send_plain(p, "DEALLOCATE ALL", (struct pg_sent){.op = PG_OP_SESSION}))
        return false;
    for (size_t i = 0; i < p->pg->n_stmts; i++) {
        p->prepared[i].state = PG_NEW;
        p->prepared[i].gen++;
    }
    for (const char *sql = p->pg->session; *sql; sql += strlen(sql) + 1)
        if (!send_plain(p, sql, (struct pg_sent){.op = PG_OP_SESSION}))
            return false;
    return send_sync(p, PG_OP_SESSION_END);
}

static bool send_prepare(struct pg_pipe *p, unsigned i)
{
    const struct rr_pg_stmt *stmt = p->pg->stmts[i];
    struct pg_sent what = {.stmt_index = i, .gen = p->prepared[i].gen};

    if (p->prepared[i].state == PG_STALE) {
        char sql[96];

        snprintf(sql, sizeof(sql), "DEALLOCATE \"%s\"", stmt->name);
        what.op = PG_OP_FORGET;
        if (!send_plain(p, sql, what) || !send_sync(p, PG_OP_SYNC))
            return false;
    }
    if (!ring_room(p))
        return false;
    if (!PQsendPrepare(p->link.db, stmt->name, stmt->sql, 0, NULL))
        return lost(p);
    p->prepared[i].state = PG_ASKED;
    what.op = PG_OP_PREPARE;
    ring_put(p, what);
    return send_sync(p, PG_OP_SYNC);
}

static bool send_query(struct pg_pipe *p, struct rr_query *q)
{
    struct pg_sent what = {
        .op = PG_OP_QUERY, .stmt_index = q->stmt_index, .gen = p->prepared[q->stmt_index].gen, .q = q};

    if (!ring_room(p))
        return false;
    if (!PQsendQueryPrepared(p->link.db, q->stmt->name, q->n_params, q->params, NULL, NULL, 0))
        return lost(p);
    list_remove(q);
    q->flags |= PG_QUERY_SENT;
    q->seq = p->tail;
    ring_put(p, what);
    if (q->timeout_ms > p->patience_ms)
        p->patience_ms = q->timeout_ms;
    return true;
}

/* False: lost. */
static bool send_waiting(struct pg_pipe *p)
{
    const uint64_t window = p->slow ? SLOW_WINDOW : WINDOW;
    struct rr_query *q, *next;
    bool open = false; /* queries stand behind the last Sync */

    for (q = p->waiting.next; q != &p->waiting && p->tail - p->head < window; q = next) {
        enum pg_prepared_state state = p->prepared[q->stmt_index].state;
        bool alone = state != PG_READY || q->flags & PG_QUERY_AGAIN || q->writes;

        next = q->next;
        if (state == PG_ASKED)
            continue;
        if (alone && open && !send_sync(p, PG_OP_SYNC))
            return false;
        if (state != PG_READY) {
            if (!send_prepare(p, q->stmt_index))
                return false;
        } else if (!send_query(p, q) || (alone && !send_sync(p, PG_OP_SYNC))) {
            return false;
        }
        open = !alone;
    }
    return !open || send_sync(p, PG_OP_SYNC);
}

static void alive_check(struct rr_timer *t);

static void alive_arm(struct pg_pipe *p)
{
    int64_t due = p->heard + (int64_t)p->patience_ms * 1000 + GRACE_US;

    if (rr_timer_arm(p->link.loop, &p->alive, due) != RR_OK)
        pg_link_lose(&p->link, "out of memory");
}

/* Armed when something is sent, looked at when due, not moved with every answer: that would cost more than it
 * tells. */
static void alive_check(struct rr_timer *t)
{
    struct pg_pipe *p = t->arg;

    if (p->head == p->tail)
        return;
    if (rr_time_monotonic() >= p->heard + (int64_t)p->patience_ms * 1000 + GRACE_US)
        pg_link_lose(&p->link, "no answer");
    else
        alive_arm(p);
}

bool pg_pipe_is_due(const struct pg_pipe *p)
{
    return p->flush_due && p->link.state >= PG_LINK_SETTLING;
}

void pg_pipe_turn(struct pg_pipe *p)
{
    p->flush_due = false;
    if (p->session_due && !send_session(p))
        return;
    if (p->link.state == PG_LINK_UP && !send_waiting(p))
        return;
    if (!pg_link_flush(&p->link))
        return;
    if (p->head != p->tail && !p->alive.heap_index)
        alive_arm(p);
}

/* ---- answers ---- */

static enum rr_err classify(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum rr_err err;
    } known[] = {
        {"08", RR_DB_UNAVAILABLE}, {"57P", RR_DB_UNAVAILABLE}, {"53", RR_DB_UNAVAILABLE},
        {"58", RR_DB_UNAVAILABLE}, {"57014", RR_DB_BUSY}, /* statement_timeout */
        {"55P03", RR_DB_BUSY},     {"40", RR_DB_BUSY},
    };

    if (!*sqlstate) /* libpq's own error: the connection is broken */
        return RR_DB_UNAVAILABLE;
    for (size_t i = 0; i < RR_LEN(known); i++)
        if (!strncmp(sqlstate, known[i].prefix, strlen(known[i].prefix)))
            return known[i].err;
    return RR_INTERNAL;
}

static const char *sqlstate_of(const PGresult *res)
{
    const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return s ? s : "";
}

static void query_failed(struct rr_pg *pg, struct rr_query *q, const PGresult *res)
{
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    snprintf(q->sqlstate, sizeof(q->sqlstate), "%s", sqlstate_of(res));
    q->message = message ? message : PQresultErrorMessage(res);
    pg_query_end(pg, q, classify(q->sqlstate), NULL);
}

static void query_again(struct pg_pipe *p, struct rr_query *q)
{
    q->flags |= PG_QUERY_AGAIN;
    pg_pipe_queue(p, q);
}

/* The statement is gone (26000: somebody's DISCARD) or its columns have changed (0A000): prepared anew it
 * works. */
static bool is_stale(struct pg_pipe *p, const struct pg_sent *s, const PGresult *res)
{
    const char *sqlstate = sqlstate_of(res);
    struct pg_prepared *prepared = &p->prepared[s->stmt_index];

    if (strcmp(sqlstate, "26000") != 0 && strcmp(sqlstate, "0A000") != 0)
        return false;
    if (prepared->gen == s->gen) {
        prepared->state = PG_STALE;
        prepared->gen++;
    }
    return true;
}

/* A write's answer waits for its COMMIT, which is the Sync that was sent straight behind it. */
static void write_answered(struct pg_pipe *p, struct rr_query *q, PGresult *res)
{
    q->seq = p->head + 1;
    at(p, q->seq)->q = q;
    at(p, q->seq)->res = res;
}

static void write_committed(struct pg_pipe *p, struct pg_sent *s)
{
    struct rr_query *q = rr_take(s->q);
    PGresult *res = rr_take(s->res);

    if (q)
        pg_query_end(p->pg, q, RR_OK, res);
    PQclear(res);
}

static void query_answered(struct pg_pipe *p, struct pg_sent *s, PGresult **res_taken)
{
    struct rr_query *q = s->q;
    PGresult *res = *res_taken;
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
    bool again = status == PGRES_PIPELINE_ABORTED || (!ok && is_stale(p, s, res));

    s->q = NULL;
    if (!q)
        return;
    if (ok && q->writes)
        write_answered(p, q, rr_take(*res_taken));
    else if (ok)
        pg_query_end(p->pg, q, RR_OK, res);
    else if (again && !(q->flags & PG_QUERY_AGAIN))
        query_again(p, q);
    else
        query_failed(p->pg, q, res);
}

/* A statement that cannot be prepared fails those who wait for it, and nobody else. */
static void prepare_answered(struct pg_pipe *p, const struct pg_sent *s, const PGresult *res)
{
    struct pg_prepared *prepared = &p->prepared[s->stmt_index];
    struct rr_query failed, *q, *next;
    unsigned stmt_index = s->stmt_index;

    if (prepared->gen != s->gen)
        return;
    p->flush_due = true;
    if (PQresultStatus(res) == PGRES_COMMAND_OK) {
        prepared->state = PG_READY;
        return;
    }
    prepared->state = PG_NEW;
    list_init(&failed);
    for (q = p->waiting.next; q != &p->waiting; q = next) {
        next = q->next;
        if (q->stmt_index == stmt_index) {
            list_remove(q);
            list_put_before(&failed, q);
        }
    }
    while ((q = failed.next) != &failed) {
        list_remove(q);
        load_add(p, -1);
        query_failed(p->pg, q, res);
    }
}

static void session_ended(struct pg_pipe *p)
{
    if (p->link.state == PG_LINK_SETTLING && !p->session_due)
        pg_link_settled(&p->link);
    p->flush_due = true;
}

/* False: lost. */
static bool take_result(struct pg_pipe *p, PGresult **res_taken)
{
    struct pg_sent *s = at(p, p->head);
    PGresult *res = *res_taken;
    char reason[300];

    p->answered = true;
    switch (s->op) {
    case PG_OP_QUERY: query_answered(p, s, res_taken); break;
    case PG_OP_PREPARE: prepare_answered(p, s, res); break;
    case PG_OP_FORGET: break; /* that there was nothing to forget is fine */
    case PG_OP_SESSION:
        if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
            snprintf(reason, sizeof(reason), "session: %s", PQresultErrorMessage(res));
            pg_link_lose(&p->link, reason);
            return false;
        }
        break;
    case PG_OP_SYNC:
    case PG_OP_SESSION_END:
        if (PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
            pg_link_lose(&p->link, "answers out of step");
            return false;
        }
        if (s->op == PG_OP_SESSION_END)
            session_ended(p);
        write_committed(p, s);
        ring_pop(p); /* a Sync has no end of its own */
        break;
    }
    return true;
}

static void ready(struct pg_link *k, uint32_t events)
{
    struct pg_pipe *p = k->owner;

    if (!PQconsumeInput(k->db)) {
        lost(p);
        return;
    }
    p->heard = rr_time_monotonic();
    while (p->head != p->tail && !PQisBusy(k->db)) {
        PGresult *res = PQgetResult(k->db);
        bool still_there;

        if (res) {
            still_there = take_result(p, &res);
            PQclear(res);
            if (!still_there)
                return;
        } else if (p->answered) {
            ring_pop(p);
        } else {
            pg_link_lose(k,
                         PQstatus(k->db) == CONNECTION_BAD ? PQerrorMessage(k->db) : "answers out of step");
            return;
        }
    }
    if (p->waiting.next != &p->waiting)
        p->flush_due = true;
    if (events & EPOLLOUT)
        pg_link_flush(k);
}

/* ---- life ---- */

static void opened(struct pg_link *k)
{
    struct pg_pipe *p = k->owner;

    if (!PQenterPipelineMode(k->db) || PQsetnonblocking(k->db, 1)) {
        lost(p);
        return;
    }
    p->flush_due = p->session_due = true;
}

static void end_unanswered(struct pg_pipe *p, struct rr_query *q, const char *message)
{
    q->message = message;
    pg_query_end(p->pg, q, RR_DB_UNAVAILABLE, NULL);
}

/* What was not sent goes to another connection, or waits here for one try to make this one. */
static void closed_before_sending(struct pg_pipe *p)
{
    struct pg_pipe *to = pg_pipe_for(p->pg, p->slow);
    struct rr_query *q;

    while (to != p && (q = p->waiting.next) != &p->waiting) {
        list_remove(q);
        load_add(p, -1);
        if (to)
            pg_pipe_queue(to, q);
        else
            end_unanswered(p, q, "no connection");
    }
}

/* What was sent fails: nobody knows what became of it. */
static void closed(struct pg_link *k)
{
    struct pg_pipe *p = k->owner;

    rr_timer_cancel(k->loop, &p->alive);
    closed_before_sending(p);
    for (; p->head != p->tail; ring_pop(p)) {
        struct pg_sent *s = at(p, p->head);
        struct rr_query *q = rr_take(s->q);

        PQclear(rr_take(s->res));
        if (q)
            end_unanswered(p, q, "connection lost");
    }
}

void pg_pipe_start(struct pg_pipe *p, struct rr_pg *pg, bool slow)
{
    p->pg = pg;
    p->slow = slow;
    list_init(&p->waiting);
    p->alive = (struct rr_timer){.fire = alive_check, .arg = p};
    p->link = (struct pg_link){.loop = pg->loop,
                               .conninfo = pg->conf->conninfo,
                               .role = slow ? "statistics" : "query",
                               .opened = opened,
                               .ready = ready,
                               .closed = closed,
                               .owner = p};
    pg_link_start(&p->link);
}

void pg_pipe_stop(struct pg_pipe *p)
{
    pg_link_stop(&p->link);
}

void pg_pipe_free(struct pg_pipe *p)
{
    free(p->sent);
    free(p->prepared);
}
