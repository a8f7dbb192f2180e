/* What the whole program shares: its settings and the pool of MySQL workers. Read-only once the loops run. */
#pragma once

#include "http/http.h"
#include "mysql.h"
#include "prune.h"
#include "rules.h"

#include <stdint.h>

struct app_conf {
    struct rr_http_conf http;
    struct rr_mysql_conf mysql;
    struct rules rules;
    uint32_t idempotency_ttl_h, idempotency_prune_s, request_timeout_ms;
    int log_level;
};

struct app {
    struct app_conf conf;
    struct rr_mysql_pool *pool;
    struct prune prune; /* of the first loop */
};

static inline struct app *app_of(const struct rr_req *r)
{
    return rr_loop_app(r->loop);
}
