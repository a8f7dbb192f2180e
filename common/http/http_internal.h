/* How the files of rr_http hang together: server.c (life) makes one struct rr_http_loop a thread; exchange.c
 * (libmicrohttpd's callbacks) makes one struct rr_http_req a request; router.c finds its route, reply.c and
 * problem.c answer it, counts.c counts it.
 *
 * Who holds a request: its connection (`conn`), from the first callback to notify_completed, and, while
 * `waiting`, whoever will call rr_resume(). It is freed when both are gone. They part only when the service
 * stops: what still waits at the end of the drain time is `failed`; its client gets a 503 and its connection
 * ends, but its memory stays until its owner hands it back. */
#pragma once

#include "../auth.h"
#include "../ring.h"
#include "http.h"
#include "request.h"
#include "router.h"

#include <microhttpd.h>
#include <pthread.h>

struct rr_http_loop;

enum { RR_REQ_KEEPS = 8, RR_REQ_ARENA = 768, RR_REQUEST_ID_MAX = 64 };

struct rr_reply_header {
    const char *name, *value;
    struct rr_reply_header *next;
};

struct rr_http_req {
    struct rr_req req; /* first: the same address */
    struct rr_ring in_flight;
    struct rr_http_loop *hl;
    struct MHD_Connection *conn; /* NULL: gone */
    enum rr_method method;
    size_t place;             /* of its route, for the counters */
    enum rr_err refused;      /* the router's own answer, given when the body has been read */
    enum rr_err body_refused; /* the same, if a body really comes */
    bool read;                /* all of it has come */
    bool waiting, in_handler, resumed, failed, replied;
    bool no_memory;           /* a header of the answer was lost */
    struct rr_stream *stream; /* its answer goes on; NULL: it does not */
    int64_t started;          /* rr_time_monotonic() */
    uint64_t length;          /* Content-Length, 0 without */
    size_t body_seen;         /* what came, also beyond what is kept */
    struct rr_buf body;
    struct rr_reply_header *headers, **headers_end;
    struct rr_query_param *query, **query_end;
    const char *detail;
    struct rr_buf params, members; /* of a problem; JSON between the brackets */
    struct rr_json params_json, members_json;
    struct {
        void *p;
        void (*release)(void *);
    } keeps[RR_REQ_KEEPS];
    size_t n_keeps;
    char request_id[RR_REQUEST_ID_MAX + 1], trace_id[33];
    struct rr_chunk *chunks; /* further memory, newest first */
    size_t arena_used;
    _Alignas(max_align_t) char arena[RR_REQ_ARENA];
};

struct rr_http_conn { /* one open connection */
    struct rr_ring link;
    struct MHD_Connection *conn;
    bool busy;      /* a request is under way */
    bool receiving; /* a request is awaited or has not come whole yet … */
    int64_t since;  /* … from then on: its connection was free for it, or its header was there */
};

struct rr_http_loop {
    struct rr_http *http;
    struct rr_loop *loop;
    pthread_t thread;
    int listen_fd;
    struct rr_ring in_flight, connections;
    struct rr_counts *counts;
    struct rr_auth_loop *auth;
    uint64_t random[4];  /* state of the generator of request ids */
    int64_t warn_second; /* log lines about failed requests are limited */
    unsigned warned, not_warned;
    bool stopping, past_drain, ended;
    struct rr_timer stop_timer, slow_timer;
    struct rr_post stop_post;
};

struct rr_http {
    const struct rr_http_conf *conf;
    const struct rr_http_service *svc;
    struct rr_router *router;
    struct rr_buf openapi; /* the document; empty if there is none */
    struct rr_auth *auth;
    struct MHD_Response *out_of_memory, *outcome_unknown; /* for when not even an answer can be made */
    uint16_t port;
    pthread_mutex_t lock; /* guards the next four, while the loops are started */
    pthread_cond_t changed;
    unsigned n_reported;
    enum rr_err init_err;
    int go;
    struct rr_http *kept_before; /* see rr_http_stop() */
    unsigned n_loops;
    struct rr_http_loop loops[];
};

/* ---- exchange.c ---- */
struct MHD_Daemon *rr_exchange_daemon(struct rr_http_loop *hl); /* NULL: could not be made */
/* Answer 503 to each waiting request; its handler will not be called again. */
void rr_exchange_fail_waiting(struct rr_http_loop *hl);
void rr_exchange_close_idle(struct rr_http_loop *hl);
/* Cut off whose request trickles in for longer than request_s: the limit on silence does not see those. */
void rr_exchange_close_slow(struct rr_http_loop *hl);
/* Its connection takes part again, in this turn. */
void rr_exchange_resume(struct rr_http_req *h);

/* ---- reply.c ---- */
/* Takes `response`; NULL if it could not be made. */
enum rr_step rr_reply_queue(struct rr_http_req *h, unsigned status, struct MHD_Response *response,
                            const char *content_type);

/* ---- stream.c ---- */
void rr_streams_end(struct rr_http_loop *hl);

/* ---- request.c ---- */
struct rr_http_req *rr_http_req_new(struct rr_http_loop *hl, struct MHD_Connection *conn);
void rr_http_req_free(struct rr_http_req *h);
/* Decodes the query string. False: a broken percent escape, or no memory. */
bool rr_http_req_query(struct rr_http_req *h);
/* In place. Returns the decoded length, or -1: a broken escape or %00. */
long rr_percent_decode(char *s);

/* ---- builtin.c ---- */
extern const struct rr_route rr_builtin_routes[]; /* /livez, /metrics */
extern const struct rr_route rr_openapi_routes[]; /* /openapi.json */

/* ---- counts.c ---- */
struct rr_counts *rr_counts_new(const struct rr_router *router);
void rr_counts_free(struct rr_counts *c);
void rr_counts_reply(struct rr_counts *c, size_t place, enum rr_method method, unsigned status,
                     double seconds);
void rr_counts_in_flight(struct rr_counts *c, double delta);
void rr_counts_connections(struct rr_counts *c, double delta);
