/* One request's way through libmicrohttpd's callbacks.
 *
 * The access callback comes first when the header is there (begin: route, caller, limits), then for each
 * piece of the body (take_body), then without one (proceed: refuse or run the handler), and again after each
 * resume. An answer in the first of these calls makes libmicrohttpd close the connection, even for a request
 * without a body, so refusals wait for the end of the body; only a body that is far too large, one whose
 * length is in doubt, and a client that waits for "100 Continue" are answered at once. */
#include "http_internal.h"
#include "loop_internal.h"

#include "../log.h"
#include "../time.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { SWALLOWED_BYTES = 1 << 20 }; /* of a refused body, to answer on a connection that stays usable */

/* ---- the header ---- */

static const char *header(const struct rr_http_req *h, const char *name)
{
    return MHD_lookup_connection_value(h->conn, MHD_HEADER_KIND, name);
}

/* Two servers that disagree on where a request ends can be made to see different requests (RFC 9112, 11.2):
 * what is ambiguous is refused. */
static bool framing_is_clear(const struct rr_http_req *h, const char *encoding, const char *length)
{
    const char *first;

    if (encoding)
        return !length && strcasecmp(encoding, "chunked") == 0 &&
               rr_header_values(&h->req, "Transfer-Encoding", &first) == 1;
    return !length || rr_header_values(&h->req, "Content-Length", &first) == 1;
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t n = sizeof(json) - 1;

    if (!content_type || strncasecmp(content_type, json, n) != 0)
        return false;
    n += strspn(content_type + n, " \t");
    return content_type[n] == '\0' || content_type[n] == ';';
}

static bool is_encoded(const char *content_encoding)
{
    return content_encoding && strcasecmp(content_encoding, "identity") != 0;
}

/* What is wrong with the announced body, by its header. */
static void judge_body(struct rr_http_req *h, const char *encoding, const char *length)
{
    if (!encoding && !length)
        return;
    h->length = encoding ? 0 : strtoull(length, NULL, 10);
    if (!encoding && !h->length)
        return;
    if (!rr_method_has_body(h->method))
        h->body_refused = RR_BAD_REQUEST;
    else if (!is_json(header(h, "Content-Type")) || is_encoded(header(h, "Content-Encoding")))
        h->body_refused = RR_MEDIA_TYPE;
    if (!h->refused && h->length > h->hl->http->conf->body_bytes)
        h->refused = RR_BODY_TOO_LARGE;
}

static enum rr_err find_route(struct rr_http_req *h, const char *url)
{
    struct rr_req *r = &h->req;
    char *path = rr_req_strndup(r, url, strlen(url));
    struct rr_match match;
    enum rr_err err;

    if (!path)
        return RR_NO_MEMORY;
    err = rr_router_find(h->hl->http->router, h->method, path, &match);
    h->place = match.place;
    if (err == RR_METHOD_NOT_ALLOWED)
        rr_reply_header(r, "Allow", match.allow);
    if (err == RR_BAD_REQUEST)
        rr_problem_detail(r, "the path holds something that is no text");
    if (err)
        return err;
    if (!rr_http_req_query(h)) {
        rr_problem_detail(r, "the query string holds a broken percent escape");
        return RR_BAD_REQUEST;
    }
    r->route = match.route;
    memcpy(r->arg, match.arg, sizeof(r->arg));
    return RR_OK;
}

static enum rr_err admit(struct rr_http_req *h)
{
    struct rr_req *r = &h->req;
    enum rr_err err = r->route->may == RR_EVERYBODY ? RR_OK : rr_auth_request(h->hl->auth, r);

    if (err)
        return err;
    if (r->route->may == RR_ADMINS && !r->admin) {
        rr_problem_detail(r, "this needs the role admin");
        return RR_FORBIDDEN;
    }
    if (!r->route->ctx_size)
        return RR_OK;
    r->ctx = rr_req_alloc(r, r->route->ctx_size);
    if (!r->ctx)
        return RR_NO_MEMORY;
    memset(r->ctx, 0, r->route->ctx_size);
    return RR_OK;
}

/* ---- the answer ---- */

static void refuse(struct rr_http_req *h)
{
    if (h->refused == RR_METHOD_NOT_ALLOWED && h->method == RR_OPTIONS)
        rr_reply_empty(&h->req, 204);
    else
        rr_reply_error(&h->req, h->refused);
}

static void run(struct rr_http_req *h)
{
    struct rr_req *r = &h->req;
    enum rr_step step;

    do {
        h->resumed = false;
        h->in_handler = true;
        step = r->route->handle(r);
        h->in_handler = false;
        if ((step == RR_DONE) != h->replied)
            RR_BUG("a handler has to reply, or to wait, and not both");
    } while (step == RR_WAIT && h->resumed);
    if (step == RR_WAIT) {
        h->waiting = true;
        MHD_suspend_connection(h->conn);
    }
}

static struct rr_http_conn *connection_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* For want of time, at the end of the service. What a worker has of a write may still be committed, and
 * nobody will wait for it. */
static void give_up(struct rr_http_req *h)
{
    bool unknown = h->failed && rr_method_changes(h->method);

    if (unknown && h->req.given_up)
        h->req.given_up(&h->req);
    rr_reply_error(&h->req, unknown ? RR_OUTCOME_UNKNOWN : RR_OVERLOADED);
}

/* The request is complete, or somebody has resumed it. */
static void proceed(struct rr_http_req *h)
{
    /* What has its result by now is told it: "overloaded" would deny a write that is committed. */
    if (h->failed || (h->hl->past_drain && !h->read)) {
        give_up(h);
        return;
    }
    if (!h->read) {
        struct rr_http_conn *c = connection_of(h->conn);

        h->read = true;
        if (c)
            c->receiving = false;
        if (!h->refused && h->body_seen)
            h->refused = h->body_refused;
        if (!h->refused && h->body.failed)
            h->refused = RR_NO_MEMORY;
        h->req.body = h->body.len ? h->body.data : "";
        h->req.body_len = h->body.len;
    }
    if (h->refused)
        refuse(h);
    else
        run(h);
}

void rr_exchange_resume(struct rr_http_req *h)
{
    MHD_resume_connection(h->conn);
    rr_loop_run_mhd_again(h->hl->loop);
}

void rr_resume(struct rr_req *r)
{
    struct rr_http_req *h = r->http;

    if (h->in_handler) {
        h->resumed = true;
        return;
    }
    if (!h->waiting)
        RR_BUG("a request was resumed that does not wait");
    h->waiting = false;
    if (!h->failed)
        rr_exchange_resume(h);
    else if (!h->conn)
        rr_http_req_free(h);
}

/* ---- libmicrohttpd's callbacks ---- */

static void receives(struct rr_http_conn *c)
{
    c->receiving = true;
    c->since = rr_time_monotonic();
}

static enum MHD_Result begin(struct rr_http_loop *hl, struct MHD_Connection *conn, const char *url,
                             const char *method, void **ret_req)
{
    struct rr_http_req *h = rr_http_req_new(hl, conn);
    struct rr_http_conn *c = connection_of(conn);
    const char *encoding, *length;
    bool clear;

    if (!h)
        return MHD_NO;
    *ret_req = h;
    if (c) {
        c->busy = true;
        receives(c);
    }
    h->method = rr_method_of(method);
    h->place = rr_router_size(hl->http->router);
    encoding = header(h, "Transfer-Encoding");
    length = header(h, "Content-Length");
    clear = framing_is_clear(h, encoding, length);
    h->refused = clear ? find_route(h, url) : RR_BAD_REQUEST;
    if (!h->refused)
        h->refused = admit(h);
    judge_body(h, encoding, length);
    if (!h->refused && h->body_refused && header(h, "Expect"))
        h->refused = h->body_refused;
    if (!clear || (h->refused && (h->length > SWALLOWED_BYTES || header(h, "Expect"))))
        refuse(h);
    return MHD_YES;
}

static enum MHD_Result take_body(struct rr_http_req *h, const char *data, size_t n)
{
    h->body_seen += n;
    if (!h->refused && h->body_seen > h->hl->http->conf->body_bytes)
        h->refused = RR_BODY_TOO_LARGE;
    if (!h->refused) {
        rr_buf_put(&h->body, data, n);
        return MHD_YES;
    }
    rr_buf_fini(&h->body);
    return h->body_seen <= SWALLOWED_BYTES ? MHD_YES : MHD_NO;
}

static enum MHD_Result access_callback(void *cls, struct MHD_Connection *conn, const char *url,
                                       const char *method, const char *version, const char *data,
                                       size_t *data_size, void **req)
{
    size_t n = *data_size;

    (void)version;
    if (!*req)
        return begin(cls, conn, url, method, req);
    if (n) {
        *data_size = 0;
        return take_body(*req, data, n);
    }
    proceed(*req);
    return MHD_YES;
}

static void close_reading(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info)
        shutdown(info->connect_fd, SHUT_RD);
}

static void completed(void *cls, struct MHD_Connection *conn, void **req, enum MHD_RequestTerminationCode how)
{
    struct rr_http_req *h = rr_take(*req);
    struct rr_http_loop *hl = cls;
    struct rr_http_conn *c = connection_of(conn);

    (void)how;
    if (!h)
        return;
    if (c) {
        c->busy = false;
        receives(c);
    }
    if (hl->stopping)
        close_reading(conn); /* its answer may have gone out before it could say "close" */
    h->conn = NULL;
    if (!h->waiting)
        rr_http_req_free(h);
}

static void connection_changed(void *cls, struct MHD_Connection *conn, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct rr_http_loop *hl = cls;
    struct rr_http_conn *c = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        c = *context = calloc(1, sizeof(*c));
        if (!c)
            return;
        c->conn = conn;
        receives(c);
        rr_ring_add(&hl->connections, &c->link);
        rr_counts_connections(hl->counts, 1);
    } else if (c) {
        rr_ring_remove(&c->link);
        rr_counts_connections(hl->counts, -1);
        free(c);
        *context = NULL;
    }
}

/* Percent escapes are the router's business: it has to cut the path before it decodes. */
static size_t leave_escaped(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls, (void)conn;
    return strlen(s);
}

static void __attribute__((format(printf, 2, 0))) log_text(void *cls, const char *fmt, va_list ap)
{
    char text[256];

    (void)cls;
    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    rr_debug("libmicrohttpd", "text=%s", RR_Q(text));
}

struct MHD_Daemon *rr_exchange_daemon(struct rr_http_loop *hl)
{
    const struct rr_http_conf *conf = hl->http->conf;
    unsigned connections = (conf->connections + conf->loops - 1) / conf->loops;

    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                            access_callback, hl, MHD_OPTION_EXTERNAL_LOGGER, log_text, NULL,
                            MHD_OPTION_LISTEN_SOCKET, hl->listen_fd, MHD_OPTION_CONNECTION_LIMIT, connections,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)conf->header_bytes,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)conf->idle_s,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
                            NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, hl, MHD_OPTION_NOTIFY_CONNECTION,
                            connection_changed, hl, MHD_OPTION_END);
}

/* ---- the end ---- */

void rr_exchange_fail_waiting(struct rr_http_loop *hl)
{
    for (struct rr_ring *l = hl->in_flight.next; l != &hl->in_flight; l = l->next) {
        struct rr_http_req *h = RR_RING_ENTRY(l, struct rr_http_req, in_flight);

        if (!h->waiting || h->failed)
            continue;
        h->failed = true;
        rr_exchange_resume(h);
    }
}

void rr_exchange_close_idle(struct rr_http_loop *hl)
{
    for (struct rr_ring *l = hl->connections.next; l != &hl->connections; l = l->next) {
        struct rr_http_conn *c = RR_RING_ENTRY(l, struct rr_http_conn, link);

        if (!c->busy)
            close_reading(c->conn);
    }
}

void rr_exchange_close_slow(struct rr_http_loop *hl)
{
    const int64_t oldest = rr_time_monotonic() - hl->http->conf->request_s * RR_US_PER_SEC;

    for (struct rr_ring *l = hl->connections.next; l != &hl->connections; l = l->next) {
        struct rr_http_conn *c = RR_RING_ENTRY(l, struct rr_http_conn, link);

        if (c->receiving && c->since < oldest)
            close_reading(c->conn);
    }
}
