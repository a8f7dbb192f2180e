/* pg_setting: rr_pg in a loop with a fake_pg to connect to, and queries that keep what came of them. */
#pragma once

#include "unit.h"

#include "fake_pg.h"
#include "pg.h"

static const struct rr_pg_stmt echo = {"echo", "SELECT $1"};

struct setting {
    struct rr_loop *loop;
    struct fake_pg fake;
    struct rr_pg_conf conf;
    struct rr_pg *pg;
};

struct asked {
    struct rr_query q;
    const struct fake_pg *fake;
    bool kept; /* of a write: committed when it was answered */
    int n_done;
    enum rr_err err;
    char value[64], sqlstate[6];
};

static inline void done(struct rr_query *q)
{
    struct asked *a = q->arg;

    a->n_done++;
    a->err = q->err;
    snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", q->sqlstate);
    if (q->err == RR_OK)
        snprintf(a->value, sizeof(a->value), "%s", PQgetvalue(q->res, 0, 0));
}

static inline enum rr_err ask_within(struct setting *s, struct asked *a, const struct rr_pg_stmt *stmt,
                                     const char *param, uint32_t timeout_ms)
{
    *a = (struct asked){.q = {.stmt = stmt,
                              .n_params = 1,
                              .params = {param},
                              .timeout_ms = timeout_ms,
                              .done = done,
                              .arg = a}};
    return rr_pg_submit(s->pg, &a->q);
}

static inline void ask(struct setting *s, struct asked *a, const struct rr_pg_stmt *stmt, const char *param)
{
    assert_int_equal(ask_within(s, a, stmt, param, 5000), RR_OK);
}

static inline void connected(struct setting *s)
{
    TURN_UNTIL(s, rr_pg_is_up(s->pg));
}

static inline void start_with(struct setting *s, uint32_t connections, uint32_t slow, uint32_t queue,
                              uint32_t timeout_ms, const char *session)
{
    assert_int_equal(rr_loop_new(0, &s->loop), 0);
    fake_pg_start(&s->fake, s->loop);
    s->conf = (struct rr_pg_conf){.conninfo = s->fake.conninfo,
                                  .connections = connections,
                                  .slow = slow,
                                  .queue = queue,
                                  .timeout_ms = timeout_ms};
    assert_int_equal(rr_pg_new(s->loop, &s->conf, session, &s->pg), RR_OK);
}

static inline void start(struct setting *s, uint32_t connections, uint32_t queue, uint32_t timeout_ms,
                         const char *session)
{
    start_with(s, connections, 0, queue, timeout_ms, session);
}

static inline void stop_setting(struct setting *s)
{
    rr_pg_free(s->pg);
    fake_pg_stop(&s->fake);
    rr_loop_free(s->loop);
}
