#include "command.h"

#include "app.h"
#include "prefer.h"
#include "time.h"

#include "http/request.h"

#include <inttypes.h>

enum { PARSE, SUBMIT, REPLY };

/* ---- the request ---- */

static enum rr_err parse_if_match(struct rr_req *r, struct command *c)
{
    const char *header = rr_header_list(r, "If-Match");

    if (!header)
        return RR_OK;
    if (!rr_etags_parse(header, &c->if_match)) {
        rr_problem_detail(r, "If-Match has to be an ETag as it was received, in double quotes: \"3\"");
        return RR_BAD_REQUEST;
    }
    c->has_if_match = true;
    return RR_OK;
}

static enum rr_err parse_key(struct rr_req *r, struct command *c)
{
    const char *header, *wrong;
    unsigned lines = rr_header_values(r, "Idempotency-Key", &header);

    if (!lines)
        return RR_OK;
    wrong = lines > 1 ? "is there more than once" : idempotency_key_parse(header, c->key);
    if (wrong) {
        rr_problem_detail(r, "the key %s", wrong);
        return RR_KEY_INVALID;
    }
    c->has_key = true;
    c->fingerprint = fingerprint_of(r->route->method, r->route->pattern, r->arg[0],
                                    rr_header_list(r, "If-Match"), r->body, r->body_len);
    return RR_OK;
}

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    enum rr_err err = work_no_query(r);

    if (!err)
        err = parse_key(r, c);
    if (!err)
        err = parse_if_match(r, c);
    if (err)
        return err;
    c->minimal = rr_prefer_minimal(rr_header_list(r, "Prefer"));
    return c->kind->parse(r, c);
}

enum rr_err command_require_if_match(struct rr_req *r, const struct command *c)
{
    if (c->has_if_match)
        return RR_OK;
    rr_problem_detail(r, "send the ETag of what you have read, as If-Match: \"<version>\"");
    return RR_PRECONDITION_REQUIRED;
}

/* ---- the transaction, in a worker ---- */

enum rr_db command_not_found(struct command *c, const char *what)
{
    answer_refuse(&c->answer, RR_NOT_FOUND, "there is no such %s", what);
    answer_end(&c->answer);
    return RR_DB_ONE;
}

bool command_matches(const struct command *c, uint64_t version)
{
    char etag[RR_ETAG_TEXT];

    return rr_etags_match_strongly(&c->if_match, rr_etag_format((uint32_t)version, etag));
}

enum rr_db command_stale(struct command *c, uint64_t version)
{
    struct rr_token present = c->subject;

    present.version = (uint32_t)version;
    answer_refuse_stale(&c->answer, &present);
    return RR_DB_ONE;
}

/* ONE: not seen before, go on. NONE: decided, nothing to commit. */
static enum rr_db look_key_up(struct rr_mysql *db, struct command *c)
{
    struct stored_answer stored;
    enum rr_db end = store_find_key(db, c->work.r->user, c->key, &stored);

    if (end == RR_DB_NONE)
        return RR_DB_ONE;
    if (end != RR_DB_ONE)
        return end;
    if (memcmp(&stored.fingerprint, &c->fingerprint, sizeof(c->fingerprint)) != 0) {
        c->err = RR_KEY_REUSED;
        return RR_DB_NONE;
    }
    answer_restore(&c->answer, &stored);
    c->replayed = true;
    return RR_DB_NONE;
}

static enum rr_db claim_key(struct rr_mysql *db, struct command *c)
{
    enum rr_db end = store_claim_key(db, c->work.r->user, c->key, &c->fingerprint,
                                     app_of(c->work.r)->conf.idempotency_ttl_h);

    if (end == RR_DB_ONE)
        return RR_DB_ONE;
    if (end == RR_DB_FATAL && store_key_taken(db))
        return RR_DB_RETRY; /* the answer is there by now: from the beginning */
    if (end == RR_DB_RETRY && store_key_in_progress(db)) {
        c->err = RR_KEY_IN_PROGRESS;
        return RR_DB_NONE;
    }
    return end;
}

static enum rr_db keep_answer(struct rr_mysql *db, struct command *c)
{
    if (c->answer.body.failed) {
        c->err = RR_NO_MEMORY;
        return RR_DB_NONE;
    }
    if (!c->has_key)
        return RR_DB_ONE;
    return store_keep_answer(db, c->work.r->user, c->key, c->answer.status, c->answer.headers,
                             c->answer.body.data, c->answer.body.len);
}

static enum rr_db transaction(struct rr_mysql *db, void *arg)
{
    struct command *c = arg;

    c->err = RR_OK;
    c->written = c->replayed = false;
    c->overlapped = NULL;
    answer_reset(&c->answer);
    if (c->has_key)
        STORE_TRY(look_key_up(db, c));
    if (c->kind->lock)
        STORE_TRY(c->kind->lock(db, c));
    if (c->has_key && !c->kind->lock)
        STORE_TRY(claim_key(db, c));
    STORE_TRY(c->kind->decide(db, c));
    if (c->overlapped)
        return RR_DB_NONE;
    if (c->has_key && c->kind->lock)
        STORE_TRY(claim_key(db, c));
    STORE_TRY(keep_answer(db, c));
    return c->has_key || c->written ? RR_DB_ONE : RR_DB_NONE;
}

/* A claim without the room's lock is safe here: nothing is waited for while it is held. */
static enum rr_db keep_explained(struct rr_mysql *db, void *arg)
{
    struct command *c = arg;

    c->err = RR_OK;
    STORE_TRY(look_key_up(db, c));
    STORE_TRY(claim_key(db, c));
    return keep_answer(db, c);
}

static void run(struct rr_mysql_job *job, struct rr_mysql *db)
{
    struct command *c = (struct command *)job;
    struct rr_mysql_tx tx = {.body = transaction,
                             .arg = c,
                             .actor = c->work.r->user,
                             .reason = c->reason,
                             .trace_id = c->work.r->trace_id};
    enum rr_err err;

    err = rr_mysql_transact(db, &tx);
    if (!err && c->overlapped) {
        c->kind->explain(db, c);
        tx.body = keep_explained;
        if (c->has_key)
            err = rr_mysql_transact(db, &tx);
    }
    if (err == RR_OUTCOME_UNKNOWN && !c->written)
        err = RR_OK; /* only the key may not have been kept: the answer is right either way */
    if (err)
        c->err = work_failed(&c->work, db, err);
    job->err = c->err; /* counted by the pool */
    if (!c->err && !c->answer.status)
        RR_BUG("a command has decided on no answer");
}

/* ---- the answer ---- */

/* What helps to find out how it ended. */
static void say_subject(struct rr_req *r, const struct rr_token *subject)
{
    if (subject->kind == RR_TOKEN_RESERVATION)
        rr_json_uuid(rr_problem_members(r), "reservation_id", &subject->reservation_id);
    if (subject->kind == RR_TOKEN_ROOM)
        rr_json_uint(rr_problem_members(r), "room_id", subject->room_id);
}

static void given_up(struct rr_req *r)
{
    const struct command *c = r->ctx;

    say_subject(r, &c->given_up);
}

/* A refusal of ours that is no answer of the transaction. */
static enum rr_step reply_error(struct rr_req *r, struct command *c)
{
    /* The number of a room that was being made is MySQL's: if the commit is lost, another room may get it. */
    if (c->err == RR_OUTCOME_UNKNOWN)
        say_subject(r, c->subject.kind == RR_TOKEN_ROOM ? &c->given_up : &c->subject);
    return rr_reply_error(r, c->err);
}

static void log_written(const struct rr_req *r, const struct command *c)
{
    char id[RR_UUID_TEXT];

    if (c->subject.kind == RR_TOKEN_RESERVATION)
        rr_log(RR_LOG_INFO, &r->log, c->kind->done, "reservation=%s room=%" PRIu64 " version=%" PRIu32,
               rr_uuid_format(&c->subject.reservation_id, id), c->subject.room_id, c->subject.version);
    else
        rr_log(RR_LOG_INFO, &r->log, c->kind->done, "room=%" PRIu64 " version=%" PRIu32, c->subject.room_id,
               c->subject.version);
}

static enum rr_step reply(struct rr_req *r, struct command *c)
{
    if (!c->err)
        c->err = c->work.job.err;
    if (c->err)
        return reply_error(r, c);
    if (c->replayed)
        rr_reply_header(r, "Idempotency-Replayed", "true");
    else if (c->written)
        log_written(r, c);
    return answer_send(&c->answer, r);
}

enum rr_step command_handle(struct rr_req *r, const struct command_kind *kind)
{
    struct command *c = r->ctx;
    enum rr_err err;

    for (;;)
        switch (r->phase) {
        case PARSE:
            c->kind = kind;
            c->err = parse(r, c);
            r->phase = c->err ? REPLY : SUBMIT;
            break;
        case SUBMIT:
            r->phase = REPLY;
            c->given_up = c->subject;
            r->given_up = given_up;
            err = work_submit(&c->work, r, run);
            if (!err)
                return RR_WAIT; /* the worker may have begun: nothing here may touch `c` */
            c->err = err;
            break;
        case REPLY: return reply(r, c);
        default: RR_BUG("a command's handler is in a phase that there is not");
        }
}

void command_fini(void *ctx)
{
    answer_fini(&((struct command *)ctx)->answer);
}
