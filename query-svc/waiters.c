#include "waiters.h"

#include "log.h"
#include "time.h"

#define RETRY_US   (100 * 1000)

#define OF_LETTERS "SELECT FROM projection.dead_letter d WHERE d.generation = m.generation AND "

/* Tokens of rooms have a zero reservation and the other way round; CASE keeps each look-up to its own index.
 */
static const struct rr_pg_stmt check_stmt = {
    "tokens",
    SQL_META "SELECT m.*, t.n, t.held FROM meta m LEFT JOIN LATERAL ("
             "SELECT t.n, CASE WHEN t.kind = 1 THEN EXISTS (SELECT FROM reservation_history h "
             "WHERE h.reservation_id = t.reservation_id AND h.version >= t.version) OR EXISTS (" OF_LETTERS
             "d.reservation_id = t.reservation_id AND d.version = t.version AND d.state = 'skipped') "
             "ELSE EXISTS (SELECT FROM room r WHERE r.id = t.room_id AND r.version >= t.version) OR EXISTS "
             "(" OF_LETTERS
             "d.room_id = t.room_id AND d.version = t.version AND d.state = 'skipped') END AS held, "
             "m.parked > 0 AND CASE WHEN t.kind = 1 THEN EXISTS (" OF_LETTERS
             "d.reservation_id = t.reservation_id AND d.state = 'parked') ELSE EXISTS (" OF_LETTERS
             "d.room_id = t.room_id AND d.state = 'parked') END AS waits "
             "FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bigint[]) "
             "WITH ORDINALITY AS t(kind, reservation_id, room_id, version, n)) t ON t.held OR t.waits",
};
enum { COL_TOKEN = COL_DATA, COL_HELD };

/* What a check says of a token. A write of which anything is parked does not come by waiting. */
enum told { NOTHING, HELD, PARKED };

static void leave(struct waiters *ws, struct waiter *w)
{
    rr_timer_cancel(ws->loop, &w->timer);
    w->prev->next = w->next;
    w->next->prev = w->prev;
    ws->n--;
    rr_gauge_add(ws->waiting, -1);
}

static void finish(struct waiters *ws, struct waiter *w, enum rr_err err)
{
    leave(ws, w);
    rr_histogram_observe(ws->seconds, (double)(rr_time_monotonic() - w->joined) / 1e6);
    w->done(w, err);
}

static void finish_all(struct waiters *ws, enum rr_err err)
{
    while (ws->head.next != &ws->head)
        finish(ws, ws->head.next, err);
}

/* ---- asking ---- */

static void put_token(struct waiters *ws, const struct rr_token *t)
{
    const char *sep = ws->n_asked++ ? "," : "";
    char id[RR_UUID_TEXT];
    /* PostgreSQL's bigint ends there; no such room exists, so such a token just waits. */
    uint64_t room = t->room_id <= INT64_MAX ? t->room_id : 0;
    bool of_room = t->kind == RR_TOKEN_ROOM;
    static const struct rr_uuid none;

    rr_buf_printf(&ws->arrays[0], "%s%d", sep, (int)t->kind);
    rr_buf_printf(&ws->arrays[1], "%s%s", sep, rr_uuid_format(of_room ? &none : &t->reservation_id, id));
    rr_buf_printf(&ws->arrays[2], "%s%llu", sep, (unsigned long long)(of_room ? room : 0));
    rr_buf_printf(&ws->arrays[3], "%s%llu", sep, (unsigned long long)t->version);
}

static bool collect(struct waiters *ws)
{
    ws->n_asked = 0;
    for (size_t i = 0; i < RR_LEN(ws->arrays); i++) {
        rr_buf_reset(&ws->arrays[i]);
        rr_buf_puts(&ws->arrays[i], "{");
    }
    for (struct waiter *w = ws->head.next; w != &ws->head; w = w->next) {
        w->first = ws->n_asked;
        w->in_check = true;
        for (size_t i = 0; i < w->n_tokens; i++)
            put_token(ws, &w->token[i]);
    }
    for (size_t i = 0; i < RR_LEN(ws->arrays); i++) {
        rr_buf_puts(&ws->arrays[i], "}");
        if (ws->arrays[i].failed)
            return false;
    }
    if (ws->n_asked > ws->cap_told) {
        uint8_t *more = realloc(ws->told, ws->n_asked);

        if (!more)
            return false;
        ws->told = more;
        ws->cap_told = ws->n_asked;
    }
    return true;
}

static void nobody_in_check(struct waiters *ws)
{
    for (struct waiter *w = ws->head.next; w != &ws->head; w = w->next)
        w->in_check = false;
}

static void check_done(struct rr_query *q);

/* Ask for all, or remember to when the answer under way has come. */
static enum rr_err check(struct waiters *ws)
{
    enum rr_err err;

    if (ws->under_way) {
        ws->again = true;
        return RR_OK;
    }
    ws->again = false;
    if (!ws->n)
        return RR_OK;
    if (!collect(ws)) {
        nobody_in_check(ws);
        return RR_NO_MEMORY;
    }
    ws->check = (struct rr_query){.stmt = &check_stmt, .n_params = 4, .timeout_ms = ws->timeout_ms};
    ws->check.done = check_done;
    ws->check.arg = ws;
    for (size_t i = 0; i < RR_LEN(ws->arrays); i++)
        ws->check.params[i] = ws->arrays[i].data;
    err = rr_pg_submit(ws->session->pg, &ws->check);
    ws->under_way = !err;
    if (err)
        nobody_in_check(ws);
    return err;
}

/* ---- answers ---- */

/* Those whose time is over hear the error, the others wait for the next check. */
static void failed(struct waiters *ws, enum rr_err err)
{
    struct waiter *w, *next;

    for (w = ws->head.next; w != &ws->head; w = next) {
        next = w->next;
        w->in_check = false;
        if (w->due)
            finish(ws, w, err);
    }
    if (ws->n && rr_timer_arm(ws->loop, &ws->retry, rr_time_monotonic() + RETRY_US))
        finish_all(ws, RR_NO_MEMORY);
}

/* Takes out what is included; true: one of the others is parked. */
static bool take_told(struct waiters *ws, struct waiter *w)
{
    bool parked = false;
    size_t left = 0;

    for (size_t i = 0; i < w->n_tokens; i++) {
        parked |= ws->told[w->first + i] == PARKED;
        if (ws->told[w->first + i] != HELD)
            w->token[left++] = w->token[i];
    }
    w->n_tokens = left;
    return parked;
}

static void take(struct waiters *ws, const PGresult *res)
{
    struct waiter *w, *next;
    bool parked;

    ws->parked = atoi(PQgetvalue(res, 0, COL_PARKED));
    memset(ws->told, NOTHING, ws->n_asked * sizeof(*ws->told));
    for (int row = 0; row < PQntuples(res); row++)
        if (!PQgetisnull(res, row, COL_TOKEN))
            ws->told[atol(PQgetvalue(res, row, COL_TOKEN)) - 1] =
                *PQgetvalue(res, row, COL_HELD) == 't' ? HELD : PARKED;
    for (w = ws->head.next; w != &ws->head; w = next) {
        next = w->next;
        if (!w->in_check)
            continue;
        w->in_check = false;
        parked = take_told(ws, w);
        if (!w->n_tokens)
            finish(ws, w, RR_OK);
        else if (parked)
            finish(ws, w, RR_WRITE_PARKED);
        else if (w->due)
            finish(ws, w, RR_PROJECTION_BEHIND);
    }
}

static void check_done(struct rr_query *q)
{
    struct waiters *ws = q->arg;
    enum rr_err err = RR_OK;

    ws->under_way = false;
    if (ws->ended)
        return;
    switch (session_judge(ws->session, q, NULL, &ws->as_of, &err)) {
    case SESSION_SERVED: take(ws, q->res); break;
    case SESSION_REPEAT:
        nobody_in_check(ws);
        ws->again = true;
        if (!ws->session->generation)
            finish_all(ws, RR_PROJECTION_NOT_READY);
        break;
    case SESSION_FAILED:
        if (err == RR_PROJECTION_NOT_READY)
            finish_all(ws, err);
        else
            failed(ws, err);
        break;
    }
    if (ws->again && (err = check(ws)))
        failed(ws, err);
}

/* ---- what makes us ask ---- */

static void ask_all(struct waiters *ws)
{
    enum rr_err err = check(ws);

    if (err)
        failed(ws, err);
}

void waiters_notified(struct waiters *ws)
{
    ask_all(ws);
}

static void retry(struct rr_timer *t)
{
    ask_all(t->arg);
}

/* Its time is over. What the check under way says about it decides, else one more: so a NOTIFY that never
 * came costs time only. */
static void time_over(struct rr_timer *t)
{
    struct waiter *w = t->arg;
    struct waiters *ws = w->ws;

    w->due = true;
    if (!w->in_check)
        ask_all(ws);
}

/* ---- joining ---- */

/* Walks over all who wait: a microsecond for some hundred of them, less than the check that follows costs. */
static bool user_has_too_many(const struct waiters *ws, const char *user)
{
    uint32_t n = 0;

    for (const struct waiter *w = ws->head.next; user && w != &ws->head; w = w->next)
        if (w->user && strcmp(w->user, user) == 0)
            n++;
    return user && n >= ws->conf->max_user;
}

static bool no_place(const struct waiters *ws, const char *user)
{
    if (ws->n >= ws->conf->max) {
        rr_counter_add(ws->refused_all, 1);
        return true;
    }
    if (user_has_too_many(ws, user)) {
        rr_counter_add(ws->refused_user, 1);
        return true;
    }
    return ws->ended;
}

enum rr_err waiters_join(struct waiters *ws, struct waiter *w, int64_t deadline)
{
    int64_t now = rr_time_monotonic();
    enum rr_err err;

    if (no_place(ws, w->user))
        return RR_OVERLOADED;
    w->ws = ws;
    w->joined = now;
    w->in_check = false;
    w->due = deadline <= now;
    w->timer = (struct rr_timer){.fire = time_over, .arg = w};
    if (!w->due && (err = rr_timer_arm(ws->loop, &w->timer, deadline)))
        return err;
    w->next = &ws->head;
    w->prev = ws->head.prev;
    w->prev->next = ws->head.prev = w;
    ws->n++;
    rr_gauge_add(ws->waiting, 1);
    err = check(ws);
    if (err)
        leave(ws, w);
    return err;
}

void waiters_init(struct waiters *ws, struct rr_loop *l, struct session *s, const struct rr_pg_conf *pg,
                  const struct waiters_conf *conf)
{
    static const char *const help = "reads with a Consistency-Token that found no place to wait";

    *ws = (struct waiters){.loop = l, .session = s, .timeout_ms = pg->timeout_ms, .conf = conf};
    ws->head.next = ws->head.prev = &ws->head;
    ws->retry = (struct rr_timer){.fire = retry, .arg = ws};
    ws->waiting = rr_gauge("rr_token_waiting", "requests that wait for a Consistency-Token", NULL);
    ws->refused_all = rr_counter("rr_token_refused_total", help, "reason=\"all\"");
    ws->refused_user = rr_counter("rr_token_refused_total", help, "reason=\"user\"");
    ws->seconds =
        rr_histogram("rr_token_wait_seconds", "waiting for Consistency-Tokens, the first check included",
                     NULL, rr_latency_bounds, rr_latency_n_bounds);
}

void waiters_end(struct waiters *ws)
{
    ws->ended = true;
    if (!ws->loop)
        return;
    rr_timer_cancel(ws->loop, &ws->retry);
    finish_all(ws, RR_DB_UNAVAILABLE);
}

void waiters_fini(struct waiters *ws)
{
    for (size_t i = 0; i < RR_LEN(ws->arrays); i++)
        rr_buf_fini(&ws->arrays[i]);
    free(ws->told);
}
