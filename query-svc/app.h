/* What query-svc is made of: its settings, and what each of its loops owns. */
#pragma once

#include "http/http.h"
#include "pg.h"

#include "calendar.h"
#include "feed.h"
#include "session.h"
#include "shared.h"
#include "waiters.h"
#include "zones.h"

struct query_conf {
    struct rr_http_conf http;
    struct rr_pg_conf pg;
    struct feed_conf feed;
    struct waiters_conf waiters;
    int log_level;
    const char *public_url; /* "": as the client called us */
    uint32_t
        request_timeout_ms; /* for all of a request's queries together; waiting for tokens comes on top */
};

struct query_loop {
    const struct query_conf *conf;
    struct rr_pg *pg;
    struct session session;
    struct shared shared, firsts; /* what reads ask; what they have to know first */
    struct waiters waiters;
    struct feed feed;
    struct calendar calendar;
    struct zones zones;
};

/* For rr_http_service: `app` is the struct query_conf. */
enum rr_err query_loop_init(struct rr_loop *l, void *app, void **ret_loop_app) RR_MUST_CHECK;
void query_loop_fini(struct rr_loop *l, void *loop_app);
