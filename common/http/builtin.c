/* The routes that every program has. */
#include "http_internal.h"

#include "../metrics.h"

static enum rr_step livez(struct rr_req *r)
{
    struct rr_buf body = {0};

    rr_buf_puts(&body, "ok\n");
    return rr_reply_text(r, 200, "text/plain; charset=utf-8", &body);
}

static enum rr_step metrics(struct rr_req *r)
{
    struct rr_buf body = {0};

    rr_metrics_render(&body);
    return rr_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

const struct rr_route rr_builtin_routes[] = {
    {.method = "GET", .pattern = "/livez", .handle = livez, .may = RR_EVERYBODY},
    {.method = "GET", .pattern = "/metrics", .handle = metrics, .may = RR_EVERYBODY},
    {0},
};

static enum rr_step openapi(struct rr_req *r)
{
    const struct rr_buf *document = &r->http->hl->http->openapi;
    struct rr_buf body = {0};

    rr_buf_put(&body, document->data, document->len);
    return rr_reply_json(r, 200, &body);
}

const struct rr_route rr_openapi_routes[] = {
    {.method = "GET", .pattern = "/openapi.json", .handle = openapi, .may = RR_EVERYBODY},
    {0},
};
