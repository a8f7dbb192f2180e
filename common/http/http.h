/* rr_http: the HTTP side of the three programs: routes, requests, answers, problems.
 *
 * A handler is a small state machine over r->phase (0 at first). It is called in the loop's thread, must not
 * block, and returns RR_DONE after it has replied or RR_WAIT after it has handed the request to something
 * that will call rr_resume(r), from the loop's thread; then it is called again. Between RR_WAIT and
 * rr_resume() the connection is suspended: it neither times out nor notices that the client has left, so
 * every wait is bounded by whoever holds it. The router alone makes 404, 405 + Allow, 413 and 415, HEAD from
 * GET, and answers OPTIONS.
 *
 * Every answer carries X-Request-Id (the client's, if it is 1–64 of [A-Za-z0-9._-], else made here).
 * traceparent (W3C Trace Context, level 1) gives the trace id; without a valid one it is made. */
#pragma once

#include "../buf.h"
#include "../config.h"
#include "../err.h"
#include "../fields.h"
#include "../json.h"
#include "../log.h"
#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RR_PATH_ARGS 2

struct rr_req;
enum rr_step { RR_DONE, RR_WAIT };

enum rr_may {
    RR_USERS,    /* who has a token; others → 401 */
    RR_ADMINS,   /* other users → 403 */
    RR_EVERYBODY /* nobody is asked who they are */
};

struct rr_route {
    const char *method;  /* "GET", "POST", "PATCH", "DELETE" */
    const char *pattern; /* "/v1/rooms/{id}"; a literal segment wins over a {…} */
    enum rr_step (*handle)(struct rr_req *r);
    size_t ctx_size;             /* bytes of r->ctx, zeroed */
    void (*ctx_fini)(void *ctx); /* NULL: nothing to release */
    enum rr_may may;
};

struct rr_req {
    struct rr_loop *loop;
    const struct rr_route *route;
    int phase; /* the handler's own */
    /* May be set before RR_WAIT: called when the service ends and the wait is cut off, before the answer
     * outcome-unknown, to say in the problem's members what it was about. Whom the request was handed to may
     * be at work on it all the while. */
    void (*given_up)(struct rr_req *r);
    void *ctx;                     /* route->ctx_size bytes; freed with the request */
    const char *arg[RR_PATH_ARGS]; /* the pattern's {…}, percent-decoded, never empty */
    const char *body;              /* NUL-terminated; "" without one */
    size_t body_len;
    const char *user; /* who calls: valid text, 1 to 128 characters; NULL on routes for everybody */
    bool admin;
    const char *request_id;
    const char *trace_id;     /* 32 hex digits */
    struct rr_log_ctx log;    /* rr_log(RR_LOG_INFO, &r->log, …) */
    struct rr_http_req *http; /* rr_http's side of it */
};

/* ---- reading ---- */
/* NULL if absent; of several the first. A copy that lives as long as the request. */
const char *rr_header(const struct rr_req *r, const char *name);
/* The same of a header that holds a list: all its lines, joined by ", " (RFC 9110, section 5.3). */
const char *rr_header_list(const struct rr_req *r, const char *name);

/* ---- waiting ---- */
/* Exactly once for each RR_WAIT, from the loop's thread; also from inside a handler, which is then called
 * again. Until then the request's memory stays, whatever happens to the connection: when the service stops
 * and the drain time is over, the client has got its 503, the handler is not called again, and rr_resume()
 * frees the request. So do not touch it after rr_resume(), and take nothing of the connection's for granted
 * in between. */
void rr_resume(struct rr_req *r);

/* ---- answering: one reply a request ---- */
/* A header of the answer; value is copied. Before the reply, in any order. */
void rr_reply_header(struct rr_req *r, const char *name, const char *value);
/* Status and JSON body; `body`'s bytes move into the answer and it is empty after. A failed buffer answers
 * RR_NO_MEMORY. */
enum rr_step rr_reply_json(struct rr_req *r, unsigned status, struct rr_buf *body);
enum rr_step rr_reply_text(struct rr_req *r, unsigned status, const char *content_type, struct rr_buf *body);
/* The same with bytes that several answers share: they stay `body`'s, whose owner keeps them until
 * release(owner) is called: once, in the loop's thread, also when the answer could not be made. */
enum rr_step rr_reply_shared(struct rr_req *r, unsigned status, const char *content_type,
                             const struct rr_buf *body, void (*release)(void *owner), void *owner);
enum rr_step rr_reply_empty(struct rr_req *r, unsigned status); /* 204, 304 */

/* ---- problems, RFC 9457 ---- */
/* What is special this time; all before rr_reply_error(). The texts are for the client: no internals. */
void rr_problem_detail(struct rr_req *r, const char *fmt, ...) RR_PRINTF(2, 3);
/* One of invalid_params. */
void rr_problem_param(struct rr_req *r, const char *name, const char *fmt, ...) RR_PRINTF(3, 4);
struct rr_json *rr_problem_members(struct rr_req *r); /* write further members: conflicts, reservation_id … */
/* application/problem+json: type, title, status, detail, code, request_id, then the above. A transient error
 * carries Retry-After. */
enum rr_step rr_reply_error(struct rr_req *r, enum rr_err err);

/* ---- the service ---- */
#define RR_HTTP_LOOPS_MAX 64
struct rr_http_conf {
    const char *host;
    uint32_t port, loops, connections, body_bytes, header_bytes, idle_s, request_s, drain_ms;
    int auth; /* enum rr_auth_mode */
    int auth_off_beyond_loopback;
    const char *jwt_keys_dir, *jwt_issuer, *jwt_audience;
    uint32_t jwt_skew_s;
};
/* Rows of the config table for a program whose struct has `member` of type struct rr_http_conf; `port` is a
 * text, its default. */
/* clang-format off */
#define RR_HTTP_CONFIG(conf, member, port_default) \
    {"RR_HTTP_HOST", RR_CFG_TEXT, offsetof(conf, member.host), "127.0.0.1", \
     "address to listen on", 0, 0, NULL}, \
    {"RR_HTTP_PORT", RR_CFG_U32, offsetof(conf, member.port), port_default, \
     "TCP port to listen on; 0: any free one", 0, 65535, NULL}, \
    {"RR_HTTP_LOOPS", RR_CFG_U32, offsetof(conf, member.loops), "2", \
     "event loops, each a thread; one per core", 1, RR_HTTP_LOOPS_MAX, NULL}, \
    {"RR_HTTP_CONNECTIONS", RR_CFG_U32, offsetof(conf, member.connections), "10000", \
     "open client connections, all loops together", 1, 1000000, NULL}, \
    {"RR_HTTP_BODY_BYTES", RR_CFG_U32, offsetof(conf, member.body_bytes), "16384", \
     "largest request body; more is 413", 1, 16777216, NULL}, \
    {"RR_HTTP_HEADER_BYTES", RR_CFG_U32, offsetof(conf, member.header_bytes), "16384", \
     "memory for one connection's request line and headers; more is 431", 2048, 1048576, NULL}, \
    {"RR_HTTP_IDLE_S", RR_CFG_U32, offsetof(conf, member.idle_s), "60", \
     "a connection that sends nothing this long is closed", 1, 3600, NULL}, \
    {"RR_HTTP_REQUEST_S", RR_CFG_U32, offsetof(conf, member.request_s), "60", \
     "a request has to have come whole this long after its connection was free for it", 1, 3600, NULL}, \
    {"RR_HTTP_DRAIN_MS", RR_CFG_U32, offsetof(conf, member.drain_ms), "10000", \
     "at SIGTERM: how long requests in flight may take", 0, 600000, NULL}, \
    {"RR_AUTH", RR_CFG_ENUM, offsetof(conf, member.auth), "jwt", \
     "who callers are: as their bearer tokens say; off: everybody is the admin `admin`", 0, 0, rr_auth_choices}, \
    {"RR_AUTH_OFF_BEYOND_LOOPBACK", RR_CFG_ENUM, offsetof(conf, member.auth_off_beyond_loopback), "no", \
     "listen beyond loopback although RR_AUTH=off", 0, 0, rr_no_yes}, \
    {"RR_JWT_KEYS_DIR", RR_CFG_TEXT, offsetof(conf, member.jwt_keys_dir), "", \
     "folder of the keys of tokens: <kid>.RS256.pem, .ES256.pem, .EdDSA.pem, .HS256.key; read again at SIGHUP", \
     0, 0, NULL}, \
    {"RR_JWT_ISSUER", RR_CFG_TEXT, offsetof(conf, member.jwt_issuer), "", \
     "what a token's iss has to be; empty: anything", 0, 0, NULL}, \
    {"RR_JWT_AUDIENCE", RR_CFG_TEXT, offsetof(conf, member.jwt_audience), "", \
     "what a token's aud has to be or hold; empty: anything", 0, 0, NULL}, \
    {"RR_JWT_SKEW_S", RR_CFG_U32, offsetof(conf, member.jwt_skew_s), "30", \
     "how far the clock of who makes tokens may be off", 0, 3600, NULL}
/* clang-format on */

extern const char *const rr_auth_choices[]; /* "jwt", "off" */
extern const char *const rr_no_yes[];       /* "no", "yes" */

struct rr_http_service {
    /* Ended by a row with method NULL. /livez and /metrics are built in; /readyz is the service's. Where all
     * are for everybody, RR_AUTH=jwt needs no keys. */
    const struct rr_route *routes;
    const struct rr_openapi *openapi; /* what /openapi.json says of them (openapi.h); NULL: there is none */
    /* In the loop's thread, before it takes requests; may be NULL. */
    enum rr_err (*loop_init)(struct rr_loop *l, void *app, void **ret_loop_app);
    /* In the loop's thread, when all clients have been answered; may be NULL. It ends the loop's own work:
     * after it, nothing posts to the loop but the owners of requests that were given up (they may do so at
     * any time). Queries under way end here and hand their requests back. */
    void (*loop_fini)(struct rr_loop *l, void *loop_app);
    void *app;
};

struct rr_http;
/* Listen (SO_REUSEPORT, one socket a loop) and start the loops. `conf` and `svc` outlive it. Returns 0, or
 * -errno with the reason logged. */
int rr_http_start(const struct rr_http_conf *conf, const struct rr_http_service *svc,
                  struct rr_http **ret) RR_MUST_CHECK;
uint16_t rr_http_port(const struct rr_http *h); /* the real one when conf->port is 0 */
/* Stop accepting, close idle connections, let requests in flight finish for conf->drain_ms, answer the rest
 * with 503 (overloaded; outcome-unknown for what was to change something and had begun), join the threads,
 * free. What a worker still holds then keeps its memory and its loop until the process ends, so a pool of
 * workers is freed after this. */
void rr_http_stop(struct rr_http *h);

/* ---- a program's life ---- */
/* Before any thread: block SIGTERM, SIGINT and SIGHUP, ignore SIGPIPE, so that rr_signal_wait() alone sees
 * them. */
void rr_signal_init(void);
/* Returns the signal that is to end the program. At SIGHUP the keys of tokens are read again (auth.h). */
int rr_signal_wait(struct rr_http *h);
