/* Problem documents (RFC 9457): fixed members from the table of errors, then what the handler said about this
 * occurrence. */
#include "http_internal.h"
#include "reply.h"

#include "../time.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WARNINGS_A_SECOND = 20 }; /* of one loop */

/* ---- what is special this time ---- */

void rr_problem_detail(struct rr_req *r, const char *fmt, ...)
{
    struct rr_buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    rr_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (!text.failed)
        r->http->detail = rr_req_strndup(r, text.data, text.len);
    rr_buf_fini(&text);
}

void rr_problem_param(struct rr_req *r, const char *name, const char *fmt, ...)
{
    struct rr_http_req *h = r->http;
    struct rr_buf reason = {0};
    va_list ap;

    if (!h->params_json.buf)
        rr_json_init(&h->params_json, &h->params);
    va_start(ap, fmt);
    rr_buf_vprintf(&reason, fmt, ap);
    va_end(ap);
    rr_json_object(&h->params_json, NULL);
    rr_json_text(&h->params_json, "name", name);
    rr_json_text(&h->params_json, "reason", reason.failed ? NULL : reason.data);
    rr_json_end_object(&h->params_json);
    rr_buf_fini(&reason);
}

struct rr_json *rr_problem_members(struct rr_req *r)
{
    struct rr_http_req *h = r->http;

    if (!h->members_json.buf)
        rr_json_init(&h->members_json, &h->members);
    return &h->members_json;
}

/* ---- the document ---- */

/* `inner` is JSON that stands between brackets. */
static void write_array(struct rr_json *j, const char *name, const struct rr_buf *inner)
{
    rr_json_array(j, name);
    rr_buf_put(j->buf, inner->data, inner->len);
    rr_json_end_array(j);
}

static void write_document(const struct rr_http_req *h, enum rr_err err, struct rr_buf *out)
{
    char type[64];
    struct rr_json j;

    snprintf(type, sizeof(type), "/problems/%s", rr_err_code(err));
    rr_json_init(&j, out);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "type", type);
    rr_json_text(&j, "title", rr_err_title(err));
    rr_json_uint(&j, "status", rr_err_status(err));
    if (h->detail)
        rr_json_text(&j, "detail", h->detail);
    rr_json_text(&j, "code", rr_err_code(err));
    rr_json_text(&j, "request_id", h->request_id);
    if (h->params.len)
        write_array(&j, "invalid_params", &h->params);
    if (h->members.len) {
        rr_buf_put(out, ",", 1);
        rr_buf_put(out, h->members.data, h->members.len);
    }
    rr_json_end_object(&j);
    if (h->params.failed || h->members.failed)
        out->failed = true;
}

/* ---- the answer ---- */

/* What fails for the service's own reasons is said in the log, but not fifty thousand times a second. */
static void warn(struct rr_http_req *h, enum rr_err err)
{
    struct rr_http_loop *hl = h->hl;
    int64_t second = rr_time_monotonic() / RR_US_PER_SEC;

    if (second != hl->warn_second) {
        hl->warn_second = second;
        hl->warned = 0;
    }
    if (hl->warned == WARNINGS_A_SECOND) {
        hl->not_warned++;
        return;
    }
    hl->warned++;
    rr_log(RR_LOG_WARN, &h->req.log, "request failed", "code=%s method=%s route=%s lines_left_out=%u",
           rr_err_code(err), rr_method_name(h->method), rr_router_pattern(hl->http->router, h->place),
           hl->not_warned);
    hl->not_warned = 0;
}

enum rr_step rr_reply_error(struct rr_req *r, enum rr_err err)
{
    struct rr_buf body = {0};

    if (rr_err_status(err) >= 500)
        warn(r->http, err);
    if (rr_err_is_transient(err) && !rr_reply_has_header(r, "Retry-After"))
        rr_reply_header(r, "Retry-After", "1");
    write_document(r->http, err, &body);
    return rr_reply_text(r, rr_err_status(err), "application/problem+json", &body);
}
