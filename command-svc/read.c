#include "read.h"

#include "etags.h"

enum { PARSE, SUBMIT, REPLY };

static void run(struct rr_mysql_job *job, struct rr_mysql *db)
{
    struct read *x = (struct read *)job;
    enum rr_db end;

    end = x->kind->query(db, x);
    x->found = end == RR_DB_ONE;
    job->err = x->err = work_end(&x->work, db, end);
}

static enum rr_step refuse(struct rr_req *r, const struct read_kind *kind, enum rr_err err)
{
    if (err != RR_INTERNAL || !kind->not_ready)
        return rr_reply_error(r, err);
    rr_problem_detail(r, "%s", kind->not_ready);
    return rr_reply_error(r, RR_NOT_READY);
}

enum rr_step read_handle(struct rr_req *r, const struct read_kind *kind)
{
    struct read *x = r->ctx;
    enum rr_err err;

    for (;;)
        switch (r->phase) {
        case PARSE:
            x->kind = kind;
            x->err = work_no_query(r);
            if (!x->err && kind->parse)
                x->err = kind->parse(r);
            r->phase = x->err ? REPLY : SUBMIT;
            break;
        case SUBMIT:
            r->phase = REPLY;
            err = work_submit(&x->work, r, run);
            if (!err)
                return RR_WAIT; /* the worker may have begun: nothing here may touch `x` */
            x->err = err;
            break;
        case REPLY:
            if (!x->err)
                x->err = x->work.job.err;
            return x->err ? refuse(r, kind, x->err) : kind->reply(r, x->found);
        default: RR_BUG("a read's handler is in a phase that there is not");
        }
}

enum rr_step read_reply_missing(struct rr_req *r, const char *what)
{
    rr_problem_detail(r, "there is no such %s", what);
    return rr_reply_error(r, RR_NOT_FOUND);
}

enum rr_step read_reply_version(struct rr_req *r, uint32_t version, struct rr_buf *body)
{
    const char *header = rr_header_list(r, "If-None-Match");
    char etag[RR_ETAG_TEXT];
    struct rr_etags tags;

    rr_reply_header(r, "ETag", rr_etag_format(version, etag));
    rr_reply_header(r, "Cache-Control", "private, no-cache");
    if (!header || !rr_etags_parse(header, &tags) || !rr_etags_match_weakly(&tags, etag))
        return rr_reply_json(r, 200, body);
    rr_buf_fini(body);
    return rr_reply_empty(r, 304);
}
