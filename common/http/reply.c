/* Answers. One a request; only inside the request's handler, which the exchange calls from libmicrohttpd's.
 */
#include "reply.h"
#include "http_internal.h"

#include "../log.h"
#include "../time.h"

#include <string.h>

void rr_reply_header(struct rr_req *r, const char *name, const char *value)
{
    struct rr_http_req *h = r->http;
    struct rr_reply_header *header = rr_req_alloc(r, sizeof(*header));
    const char *copy = rr_req_strndup(r, value, strlen(value));

    if (!header || !copy) {
        h->no_memory = true;
        return;
    }
    *header = (struct rr_reply_header){name, copy, NULL};
    *h->headers_end = header;
    h->headers_end = &header->next;
}

bool rr_reply_has_header(const struct rr_req *r, const char *name)
{
    for (const struct rr_reply_header *header = r->http->headers; header; header = header->next)
        if (strcasecmp(header->name, name) == 0)
            return true;
    return false;
}

static void note(struct rr_http_req *h, unsigned status)
{
    int64_t us = rr_time_monotonic() - h->started;
    const struct rr_router *router = h->hl->http->router;

    h->replied = true;
    rr_counts_reply(h->hl->counts, h->place, h->method, status, (double)us / 1e6);
    rr_log(RR_LOG_DEBUG, &h->req.log, "request", "method=%s route=%s status=%u us=%lld",
           rr_method_name(h->method), rr_router_pattern(router, h->place), status, (long long)us);
}

static bool add_headers(const struct rr_http_req *h, struct MHD_Response *response, const char *content_type)
{
    if (content_type && MHD_add_response_header(response, "Content-Type", content_type) != MHD_YES)
        return false;
    if (h->hl->stopping && MHD_add_response_header(response, "Connection", "close") != MHD_YES)
        return false;
    for (const struct rr_reply_header *header = h->headers; header; header = header->next)
        if (MHD_add_response_header(response, header->name, header->value) != MHD_YES)
            return false;
    return MHD_add_response_header(response, "X-Request-Id", h->request_id) == MHD_YES;
}

/* When there is no memory for the answer. Its handler may have changed something by then: "retry later" would
 * deny that. */
static struct MHD_Response *emergency(const struct rr_http_req *h)
{
    const bool may_have_changed = rr_method_changes(h->method) && (h->in_handler || h->failed);

    return may_have_changed ? h->hl->http->outcome_unknown : h->hl->http->out_of_memory;
}

enum rr_step rr_reply_queue(struct rr_http_req *h, unsigned status, struct MHD_Response *response,
                            const char *content_type)
{
    if (h->replied)
        RR_BUG("a request was answered twice");
    if (response && (h->no_memory || !add_headers(h, response, content_type))) {
        MHD_destroy_response(response);
        response = NULL;
    }
    if (!response) {
        rr_log(RR_LOG_ERROR, &h->req.log, "an answer could not be made", "status=%u", status);
        status = 503;
        MHD_queue_response(h->conn, status, emergency(h));
    } else {
        MHD_queue_response(h->conn, status, response);
        MHD_destroy_response(response);
    }
    note(h, status);
    return RR_DONE;
}

enum rr_step rr_reply_text(struct rr_req *r, unsigned status, const char *content_type, struct rr_buf *body)
{
    struct MHD_Response *response = NULL;
    size_t len = 0;
    char *data = rr_buf_steal(body, &len);

    if (data)
        response = MHD_create_response_from_buffer_with_free_callback(len, data, free);
    if (!response)
        free(data);
    return rr_reply_queue(r->http, status, response, content_type);
}

enum rr_step rr_reply_json(struct rr_req *r, unsigned status, struct rr_buf *body)
{
    return rr_reply_text(r, status, "application/json", body);
}

enum rr_step rr_reply_shared(struct rr_req *r, unsigned status, const char *content_type,
                             const struct rr_buf *body, void (*release)(void *owner), void *owner)
{
    struct MHD_Response *response = NULL;

    if (!body->failed)
        response =
            MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, release, owner);
    if (!response)
        release(owner);
    return rr_reply_queue(r->http, status, response, content_type);
}

enum rr_step rr_reply_empty(struct rr_req *r, unsigned status)
{
    return rr_reply_queue(r->http, status, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT),
                          NULL);
}
