#include "read.h"

#include "headers.h"
#include "sql.h"

#include "http/request.h"
#include "log.h"
#include "text.h"
#include "time.h"

#include <stdio.h>

enum phase { PARSE, FIRST, GENERATION, TOKENS, READ, REPLY, REPLIED };

enum { WAIT_DEFAULT_S = 2, WAIT_MAX_S = 10, REPEATS_MAX = 5 };

/* ---- parameters ---- */

void read_statement(struct read *rd, const struct rr_pg_stmt *stmt)
{
    rd->query.stmt = stmt;
    rd->query.n_params = 0;
}

void read_param_text(struct read *rd, const char *text)
{
    rd->query.params[rd->query.n_params++] = text;
}

enum rr_err read_param_copy(struct read *rd, const char *text)
{
    char *copy = rr_req_strndup(rd->r, text, strlen(text));

    read_param_text(rd, copy);
    return copy ? RR_OK : RR_NO_MEMORY;
}

static char *param_room(struct read *rd)
{
    char *text = rd->text[rd->query.n_params];

    read_param_text(rd, text);
    return text;
}

void read_param_int(struct read *rd, int64_t v)
{
    snprintf(param_room(rd), READ_TEXT, "%lld", (long long)v);
}

void read_param_time(struct read *rd, int64_t us)
{
    /* 0001-01-01T00:00:00Z, 10000-01-01T00:00:00Z */
    if (us < INT64_C(-62135596800) * RR_US_PER_SEC)
        read_param_text(rd, "-infinity");
    else if (us >= INT64_C(253402300800) * RR_US_PER_SEC)
        read_param_text(rd, "infinity");
    else
        rr_time_format(us, param_room(rd));
}

void read_param_day(struct read *rd, int64_t day)
{
    unsigned m, d;
    int y;

    rr_civil_from_days(day, &y, &m, &d);
    snprintf(param_room(rd), READ_TEXT, "%04d-%02u-%02u", y, m, d);
}

void read_param_uuid(struct read *rd, const struct rr_uuid *id)
{
    rr_uuid_format(id, param_room(rd));
}

void read_param_filter(struct read *rd, const struct rr_value *v)
{
    if (v->set)
        read_param_int(rd, (int64_t)v->u);
    else
        read_param_text(rd, NULL);
}

/* ---- what several endpoints check ---- */

enum rr_err read_room_id(struct read *rd, int64_t *ret)
{
    const char *s = rd->r->arg[0];
    size_t digits = strspn(s, "0123456789");

    if (s[digits] || digits > 18 || *s == '0')
        return RR_NOT_FOUND;
    *ret = strtoll(s, NULL, 10);
    return RR_OK;
}

enum rr_err read_own_user(struct read *rd)
{
    const char *user = rd->r->arg[0];

    if (!rd->r->admin && strcmp(user, rd->r->user) != 0) {
        rr_problem_detail(rd->r, "this is another user's");
        return RR_FORBIDDEN;
    }
    return rr_text_valid(user, strlen(user)) ? RR_OK : RR_NOT_FOUND;
}

enum rr_err read_check_order(struct read *rd, const struct rr_value *from, const struct rr_value *to)
{
    if (!from->set || !to->set || from->time < to->time)
        return RR_OK;
    rr_problem_param(rd->r, "to", "has to be after from");
    return RR_RULE_BROKEN;
}

bool read_not_modified(struct read *rd, const char *version, bool comparable)
{
    const char *have = rr_header(rd->r, "If-None-Match");
    char etag[32];

    snprintf(etag, sizeof(etag), "\"%s\"", version);
    rr_reply_header(rd->r, "ETag", etag);
    if (!have || !comparable || !etag_matches(have, version))
        return false;
    rd->status = 304;
    return true;
}

/* ---- waiting for somebody ---- */

/* All callbacks end here: the handler goes on with `next`, or with the reply if there is an error. */
static void go_on(struct read *rd, enum rr_err err, enum phase next)
{
    rd->err = err;
    rd->r->phase = err ? REPLY : next;
    rr_resume(rd->r); /* rd may be gone after this */
}

/* A read that keeps being repeated has lost one connection after the other (`why` says so), or has met more
 * switches of generation than can be. */
static enum rr_err may_repeat(struct read *rd, enum rr_err why)
{
    if (++rd->repeats <= REPEATS_MAX)
        return RR_OK;
    if (why != RR_OK && why != RR_INTERNAL)
        return why;
    rr_log(RR_LOG_ERROR, &rd->r->log, "the serving generation cannot be read", "generation=%d statement=%s",
           rd->loop->session.generation, rd->query.stmt->name);
    return RR_INTERNAL;
}

/* True: wait for `done`. */
static bool submit(struct read *rd, struct rr_query *q, void (*done)(struct rr_query *q))
{
    int64_t left_ms = (rd->give_up - rr_time_monotonic()) / 1000;
    uint32_t limit_ms = rd->loop->conf->pg.timeout_ms;

    if (left_ms <= 0) {
        rd->err = RR_DB_BUSY;
        return false;
    }
    q->timeout_ms = left_ms < limit_ms ? (uint32_t)left_ms : limit_ms;
    q->done = done;
    q->arg = rd;
    rd->err = rr_pg_submit(rd->loop->pg, q);
    return !rd->err;
}

static void give_up_in(struct read *rd, uint32_t ms)
{
    rd->give_up = rr_time_monotonic() + (int64_t)ms * 1000;
}

/* ---- PARSE ---- */

static enum rr_err parse_tokens(struct read *rd)
{
    const char *header = rr_header(rd->r, "Consistency-Token"), *prefer = rr_header(rd->r, "Prefer"), *wrong;
    uint32_t wait_s = WAIT_DEFAULT_S;
    char applied[24];

    if (!header)
        return RR_OK;
    wrong = rr_token_parse_list(header, rd->waiter.token, &rd->waiter.n_tokens);
    if (wrong) {
        rr_problem_detail(rd->r, "Consistency-Token: %s", wrong);
        return RR_TOKEN_INVALID;
    }
    if (prefer && prefer_wait(prefer, &wait_s)) {
        wait_s = wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S;
        snprintf(applied, sizeof(applied), "wait=%u", (unsigned)wait_s);
        rr_reply_header(rd->r, "Preference-Applied", applied);
    }
    rd->wait_until = rr_time_monotonic() + wait_s * RR_US_PER_SEC;
    return RR_OK;
}

static enum rr_err parse(struct rr_req *r, const struct read_kind *kind)
{
    struct read *rd = r->ctx;
    enum rr_err err;

    rd->r = r;
    rd->kind = kind;
    rd->loop = rr_loop_app(r->loop);
    rd->status = 200;
    give_up_in(rd, rd->loop->conf->request_timeout_ms);
    /* What was read is somebody's own, and newer with each event; a cache may keep it only to ask whether it
     * still holds. */
    rr_reply_header(r, "Cache-Control", "private, no-cache");
    err = rr_query_fields(r, kind->fields, kind->n_fields, rd->v);
    /* Places among those who wait are few: nobody gets one who has not said who they are. */
    if (!err && r->route->may != RR_EVERYBODY)
        err = parse_tokens(rd);
    return err ? err : kind->parse(rd);
}

/* ---- FIRST ---- */

static void first_done(struct rr_query *q)
{
    struct read *rd = q->arg;
    enum rr_err err = q->err;

    if (err == RR_INTERNAL)
        rr_warn("statement refused", "statement=%s sqlstate=%s reason=%s", q->stmt->name, q->sqlstate,
                RR_Q(q->message));
    go_on(rd, err ? err : rd->kind->first_answered(rd, q->res), FIRST);
}

static bool ask_first(struct read *rd)
{
    const struct rr_pg_stmt *stmt = rd->kind->first ? rd->kind->first(rd) : NULL;

    if (!stmt || rd->err)
        return false;
    rd->ask = (struct rr_query){.stmt = stmt};
    return submit(rd, &rd->ask, first_done);
}

/* ---- GENERATION ---- */

static void generation_done(struct rr_query *q)
{
    struct read *rd = q->arg;
    enum rr_err err = RR_OK;

    session_judge(&rd->loop->session, q, &rd->as_of, &err);
    go_on(rd, err, TOKENS);
}

static bool ask_generation(struct read *rd)
{
    if (rd->loop->session.generation)
        return false;
    rd->ask = (struct rr_query){.stmt = &session_stmt};
    return submit(rd, &rd->ask, generation_done);
}

/* ---- TOKENS ---- */

static void set_as_of(struct read *rd, int64_t as_of, int parked)
{
    char text[RR_TIME_TEXT], count[16];

    rr_reply_header(rd->r, "Projection-As-Of", rr_time_format(as_of, text));
    if (!parked)
        return;
    snprintf(count, sizeof(count), "%d", parked);
    rr_reply_header(rd->r, "Projection-Parked", count);
}

static void tokens_done(struct waiter *w, enum rr_err err)
{
    struct read *rd = w->arg;
    enum phase next = READ;

    if (err == RR_PROJECTION_NOT_READY) {
        err = may_repeat(rd, err);
        next = GENERATION;
    } else if (err == RR_PROJECTION_BEHIND || err == RR_WRITE_PARKED) {
        set_as_of(rd, rd->loop->waiters.as_of, rd->loop->waiters.parked);
        rr_json_time(rr_problem_members(rd->r), "as_of", rd->loop->waiters.as_of);
    }
    give_up_in(rd, rd->loop->conf->request_timeout_ms);
    go_on(rd, err, next);
}

static bool await_tokens(struct read *rd)
{
    if (!rd->waiter.n_tokens)
        return false;
    rd->waiter.done = tokens_done;
    rd->waiter.arg = rd;
    rd->waiter.user = rd->r->admin ? NULL : rd->r->user;
    rd->err = waiters_join(&rd->loop->waiters, &rd->waiter, rd->wait_until);
    return !rd->err;
}

/* ---- READ ---- */

static void read_done(struct rr_query *q)
{
    struct read *rd = q->arg;
    enum rr_err err = RR_OK;
    enum phase next = REPLY;

    switch (session_judge(&rd->loop->session, q, &rd->as_of, &err)) {
    case SESSION_SERVED:
        set_as_of(rd, rd->as_of, atoi(PQgetvalue(q->res, 0, COL_PARKED)));
        err = rd->kind->render(rd, q->res);
        break;
    case SESSION_REPEAT:
        next = rd->loop->session.generation ? READ : GENERATION;
        err = may_repeat(rd, err);
        break;
    case SESSION_FAILED: break;
    }
    go_on(rd, err, next);
}

/* ---- REPLY ---- */

static enum rr_step reply(struct read *rd)
{
    if (rd->err)
        return rr_reply_error(rd->r, rd->err);
    if (rd->kind->reply)
        return rd->kind->reply(rd);
    if (rd->status == 304 || rd->status == 204)
        return rr_reply_empty(rd->r, rd->status);
    return rr_reply_json(rd->r, rd->status, &rd->body);
}

/* Each phase either waits, and its callback sets the next one, or falls to the next one, or ends in rd->err.
 */
enum rr_step read_step(struct rr_req *r, const struct read_kind *kind)
{
    struct read *rd = r->ctx;
    bool wait = false;

    while (r->phase != REPLY) {
        switch ((enum phase)r->phase) {
        case PARSE: rd->err = parse(r, kind); break;
        case FIRST: wait = ask_first(rd); break;
        case GENERATION: wait = ask_generation(rd); break;
        case TOKENS: wait = await_tokens(rd); break;
        case READ: wait = submit(rd, &rd->query, read_done); break;
        default: RR_BUG("a read was entered after its reply");
        }
        if (wait)
            return RR_WAIT;
        r->phase = rd->err ? REPLY : r->phase + 1;
    }
    r->phase = REPLIED;
    return reply(rd);
}

void read_fini(void *ctx)
{
    struct read *rd = ctx;

    rr_buf_fini(&rd->body);
}
