#include "read.h"

#include "cursor.h"
#include "sql.h"

#include "etags.h"
#include "http/request.h"
#include "log.h"
#include "prefer.h"
#include "text.h"
#include "time.h"

#include <assert.h>
#include <stdio.h>

enum phase { PARSE, FIRST, GENERATION, TOKENS, READ, REPLY, REPLIED };

enum { WAIT_DEFAULT_S = 2, WAIT_MAX_S = 10, REPEATS_MAX = 5 };

/* ---- parameters ---- */

void read_statement(struct read *rd, const struct rr_pg_stmt *stmt)
{
    rd->question.query.stmt = stmt;
    rd->question.query.n_params = 0;
}

void read_param_text(struct read *rd, const char *text)
{
    rd->question.query.params[rd->question.query.n_params++] = text;
}

enum rr_err read_param_copy(struct read *rd, const char *text)
{
    char *copy = rr_req_strndup(rd->r, text, strlen(text));

    read_param_text(rd, copy);
    return copy ? RR_OK : RR_NO_MEMORY;
}

static char *param_room(struct read *rd)
{
    char *text = rd->text[rd->question.query.n_params];

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
    uint64_t id;

    if (!rr_path_id(rd->r->arg[0], &id))
        return RR_NOT_FOUND;
    *ret = (int64_t)id;
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

/* ---- the question: what is asked, and who may be given the same answer ---- */

static struct read *of(struct shared_ask *a)
{
    return RR_RING_ENTRY(a, struct read, question);
}

static uint64_t add_value(uint64_t scope, const struct rr_field *f, const struct rr_value *v)
{
    uint64_t number = f->type == RR_FIELD_TIME ? (uint64_t)v->time : v->u;

    if (!v->set)
        return scope;
    scope = cursor_scope_add(scope, f->name, strlen(f->name));
    if (f->type == RR_FIELD_TEXT)
        return cursor_scope_add(scope, v->text, v->len);
    return cursor_scope_add(scope, &number, sizeof(number));
}

uint64_t read_scope(const struct read *rd, size_t first)
{
    const char *pattern = rd->r->route->pattern;
    uint64_t scope = cursor_scope_add(CURSOR_SCOPE, pattern, strlen(pattern));

    for (int i = 0; i < RR_PATH_ARGS && rd->r->arg[i]; i++)
        scope = cursor_scope_add(scope, rd->r->arg[i], strlen(rd->r->arg[i]));
    for (size_t i = first; i < rd->kind->n_fields; i++)
        scope = add_value(scope, &rd->kind->fields[i], &rd->v[i]);
    return scope;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_value(const struct rr_field *f, const struct rr_value *a, const struct rr_value *b)
{
    if (!a->set || !b->set)
        return a->set == b->set;
    switch (f->type) {
    case RR_FIELD_TEXT: return strcmp(a->text, b->text) == 0;
    case RR_FIELD_TIME: return a->time == b->time;
    default: return a->u == b->u;
    }
}

static bool same_caller(const struct rr_req *a, const struct rr_req *b)
{
    return a->admin == b->admin && same_text(a->user, b->user);
}

static bool same_question(const struct shared_ask *x, const struct shared_ask *y)
{
    const struct read *a = RR_RING_ENTRY(x, const struct read, question),
                      *b = RR_RING_ENTRY(y, const struct read, question);

    if (a->kind->shared == BY_NOBODY || a->r->route != b->r->route)
        return false;
    if (a->kind->shared == BY_CALLER && !same_caller(a->r, b->r))
        return false;
    for (int i = 0; i < RR_PATH_ARGS; i++)
        if (!same_text(a->r->arg[i], b->r->arg[i]))
            return false;
    for (size_t i = 0; i < a->kind->n_fields; i++)
        if (!same_value(&a->kind->fields[i], &a->v[i], &b->v[i]))
            return false;
    return true;
}

/* Who may share an answer has the same hash, and hardly anybody else: all of one hash stand in one chain. */
static uint64_t question_hash(const struct read *rd)
{
    const uintptr_t own = (uintptr_t)rd;
    uint64_t hash = read_scope(rd, 0);

    if (rd->kind->shared == BY_NOBODY)
        return cursor_scope_add(hash, &own, sizeof(own));
    if (rd->kind->shared == BY_ALL || !rd->r->user)
        return hash;
    hash = cursor_scope_add(hash, rd->r->user, strlen(rd->r->user));
    return cursor_scope_add(hash, &rd->r->admin, sizeof(rd->r->admin));
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
           rd->loop->session.generation, rd->question.query.stmt->name);
    return RR_INTERNAL;
}

static void give_up_in(struct read *rd, uint32_t ms)
{
    rd->question.give_up = rr_time_monotonic() + (int64_t)ms * 1000;
}

/* ---- PARSE ---- */

static enum rr_err parse_tokens(struct read *rd)
{
    const char *header = rr_header_list(rd->r, "Consistency-Token"),
               *prefer = rr_header_list(rd->r, "Prefer");
    const char *wrong;
    uint32_t wait_s = WAIT_DEFAULT_S;
    char applied[24];

    if (!header)
        return RR_OK;
    wrong = rr_token_parse_list(header, rd->waiter.token, &rd->waiter.n_tokens);
    if (wrong) {
        rr_problem_detail(rd->r, "Consistency-Token: %s", wrong);
        return RR_TOKEN_INVALID;
    }
    if (rr_prefer_wait(prefer, &wait_s)) {
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

static bool same_first(const struct shared_ask *a, const struct shared_ask *b)
{
    return a->query.stmt == b->query.stmt;
}

static enum rr_err take_first(struct read *rd, const struct rr_query *q)
{
    enum rr_err err;

    if (q->err) {
        session_log_refusal(q, &rd->r->log);
        return q->err;
    }
    err = rd->kind->first_answered(rd, q->res);
    if (err == RR_INTERNAL)
        rr_log(RR_LOG_ERROR, &rd->r->log, "an answer that makes no sense", "statement=%s rows=%d",
               q->stmt->name, PQntuples(q->res));
    return err;
}

/* Taken once; each then decides for itself whether that is what it needs. An error is told to each, so that
 * none asks again. */
static void first_answered(struct shared_ask *first)
{
    struct read *rd = RR_RING_ENTRY(first, struct read, before);
    enum rr_err err = take_first(rd, &first->query);

    while (!rr_ring_empty(&first->joined)) {
        struct shared_ask *joined = RR_RING_ENTRY(first->joined.next, struct shared_ask, link);

        rr_ring_remove(&joined->link);
        go_on(RR_RING_ENTRY(joined, struct read, before), err, FIRST);
    }
    go_on(rd, err, FIRST);
}

/* A name that is in no list, asked for again and again, or by many at once, costs one statement: there is one
 * connection for slow ones, and others wait for it. */
static bool ask_first(struct read *rd)
{
    const struct rr_pg_stmt *stmt = rd->kind->first ? rd->kind->first(rd) : NULL;

    if (!stmt || rd->err)
        return false;
    rd->before = (struct shared_ask){.query = {.stmt = stmt, .slow = rd->question.query.slow},
                                     .hash = (uintptr_t)stmt,
                                     .give_up = rd->question.give_up,
                                     .any_age = true};
    rd->err = shared_submit(&rd->loop->firsts, &rd->before);
    return !rd->err;
}

/* ---- GENERATION ---- */

static void generation_done(struct rr_query *q)
{
    struct read *rd = q->arg;
    enum rr_err err = RR_OK;
    int64_t as_of;

    session_judge(&rd->loop->session, q, &rd->r->log, &as_of, &err);
    go_on(rd, err, TOKENS);
}

static bool ask_generation(struct read *rd)
{
    struct rr_query *q = &rd->before.query;

    if (rd->loop->session.generation)
        return false;
    *q = (struct rr_query){.stmt = &session_stmt,
                           .timeout_ms = session_timeout_ms(&rd->loop->session, rd->question.give_up),
                           .done = generation_done,
                           .arg = rd};
    rd->err = q->timeout_ms ? rr_pg_submit(rd->loop->pg, q) : RR_DB_BUSY;
    return !rd->err;
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

static bool has_it(const struct read *rd, const char *etag)
{
    const char *have = rr_header_list(rd->r, "If-None-Match");
    struct rr_etags tags;

    return have && rr_etags_parse(have, &tags) && rr_etags_match_weakly(&tags, etag);
}

bool read_not_modified(struct read *rd, const char *version, bool comparable)
{
    struct rr_ring *joined = &rd->question.joined;
    const char *etag = rd->answer->etag;
    bool all;

    snprintf(rd->answer->etag, sizeof(rd->answer->etag), "\"%s\"", version);
    all = rd->not_modified = comparable && has_it(rd, etag);
    for (struct rr_ring *l = joined->next; l != joined; l = l->next) {
        struct read *one = of(RR_RING_ENTRY(l, struct shared_ask, link));

        one->not_modified = comparable && has_it(one, etag);
        all &= one->not_modified;
    }
    return all;
}

static enum rr_err render(struct read *rd, const PGresult *res, int64_t as_of)
{
    enum rr_err err;

    rd->answer = answer_new();
    if (!rd->answer)
        return RR_NO_MEMORY;
    rd->answer->as_of = as_of;
    rd->answer->parked = atoi(PQgetvalue(res, 0, COL_PARKED));
    err = rd->kind->render(rd, res);
    return rd->answer->body.failed || rd->answer->link.failed ? RR_NO_MEMORY : err;
}

static void tell(struct read *rd, enum session_answer told, enum rr_err err)
{
    if (told != SESSION_REPEAT)
        go_on(rd, err, REPLY);
    else
        go_on(rd, may_repeat(rd, err), rd->loop->session.generation ? READ : GENERATION);
}

/* The first of those who share an answer makes it, and is the last to go on. */
static void answered(struct shared_ask *first)
{
    struct read *rd = of(first);
    enum rr_err err = RR_OK;
    int64_t as_of;
    enum session_answer told = session_judge(&rd->loop->session, &first->query, &rd->r->log, &as_of, &err);

    if (told == SESSION_SERVED)
        err = render(rd, first->query.res, as_of);
    while (!rr_ring_empty(&first->joined)) {
        struct read *one = of(RR_RING_ENTRY(first->joined.next, struct shared_ask, link));

        rr_ring_remove(&one->question.link);
        one->answer = answer_hold(rd->answer);
        tell(one, told, err);
    }
    tell(rd, told, err);
}

static bool ask(struct read *rd)
{
    rd->question.hash = question_hash(rd);
    rd->err = shared_submit(&rd->loop->shared, &rd->question);
    return !rd->err;
}

void read_shared_init(struct query_loop *ql, struct rr_loop *l)
{
    shared_init(&ql->shared, l, &ql->session, same_question, answered);
    shared_init(&ql->firsts, l, &ql->session, same_first, first_answered);
}

/* ---- REPLY ---- */

static enum rr_step refuse(struct read *rd)
{
    if (rd->err != RR_INTERNAL || !rd->kind->not_ready)
        return rr_reply_error(rd->r, rd->err);
    rr_problem_detail(rd->r, "%s", rd->kind->not_ready);
    return rr_reply_error(rd->r, RR_NOT_READY);
}

static enum rr_step reply(struct read *rd)
{
    struct answer *a = rd->answer;

    if (a)
        set_as_of(rd, a->as_of, a->parked);
    if (rd->err)
        return refuse(rd);
    assert(a);
    if (*a->etag)
        rr_reply_header(rd->r, "ETag", a->etag);
    if (a->link.len)
        rr_reply_header(rd->r, "Link", a->link.data);
    if (rd->kind->reply)
        return rd->kind->reply(rd);
    if (rd->not_modified || !a->body.len)
        return rr_reply_empty(rd->r, rd->not_modified ? 304 : 204);
    return rr_reply_shared(rd->r, 200, rd->kind->media ? rd->kind->media : "application/json", &a->body,
                           answer_release, answer_hold(a));
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
        case READ: wait = ask(rd); break;
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

    answer_release(rd->answer);
}
