/* rr_pg: queries to PostgreSQL, pipelined over a few connections of one event loop (libpq, chapter "Pipeline
 * Mode").
 *
 * Threads: everything here belongs to the loop that made it; nothing is locked.
 * Memory:  a query is the caller's until rr_pg_submit() succeeds, then rr_pg's until its callback returns;
 *          the result is freed after that.
 * Failure: a lost connection fails what was sent with RR_DB_UNAVAILABLE, and is made again with backoff,
 *          50 ms to 2 s. What was not sent goes to another connection. Where there is none, queries wait
 *          for the first try to connect, within their time-outs; when it has failed, they and what comes
 *          after them are refused until a connection stands. Between two Syncs all queries are one implicit
 *          transaction: what another query's error aborted is sent again, once, by itself. */
#pragma once

#include "err.h"
#include "http/loop.h"
#include "macros.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define RR_PG_PARAMS 16
/* A query's sqlstate when its time was over before a connection stood. */
#define RR_PG_UNCONNECTED "08001"

struct rr_pg;

/* A constant; prepared on each connection at its first use. */
struct rr_pg_stmt {
    const char *name; /* unique in the program */
    const char *sql;  /* $1 …, each with a cast where the type is not plain */
};

struct rr_query {
    const struct rr_pg_stmt *stmt;
    int n_params;
    const char *params[RR_PG_PARAMS]; /* text format; NULL is SQL NULL; alive until done */
    uint32_t timeout_ms; /* > 0: given up after this with RR_DB_BUSY, or unconnected, RR_DB_UNAVAILABLE */
    bool slow;           /* may take long: goes to a connection where it holds up only its like */
    bool writes; /* a transaction of its own, answered when it is committed: others cannot roll it back */
    void (*done)(
        struct rr_query *q); /* called exactly once, later, in the loop's thread, never from inside submit */
    void *arg;
    /* the answer, valid inside done() */
    enum rr_err
        err; /* RR_OK, RR_DB_UNAVAILABLE, RR_DB_BUSY, RR_INTERNAL (logged by the caller with `message`) */
    PGresult *res;       /* text format; NULL unless RR_OK */
    char sqlstate[6];    /* the server's; RR_PG_UNCONNECTED; or "" */
    const char *message; /* the server's, on RR_INTERNAL */
    /* rr_pg's own */
    struct rr_query *next, *prev;
    struct rr_timer timer;
    void *conn;
    uint64_t seq;
    unsigned stmt_index, flags;
};

struct rr_pg_conf {
    const char *conninfo;
    uint32_t connections; /* a loop */
    uint32_t slow;        /* more of them, for slow queries alone; 0: these have none of their own */
    uint32_t queue;       /* queries waiting or under way, a loop; slow ones are counted apart */
    uint32_t timeout_ms;  /* default for callers */
};
#define RR_PG_CONFIG(conf, member)                                                                           \
    {"RR_PG_CONNINFO",                                                                                       \
     RR_CFG_SECRET,                                                                                          \
     offsetof(conf, member.conninfo),                                                                        \
     NULL,                                                                                                   \
     "libpq connection string of the read model",                                                            \
     0,                                                                                                      \
     0,                                                                                                      \
     NULL},                                                                                                  \
        {"RR_PG_CONNECTIONS",                                                                                \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.connections),                                                                 \
         "1",                                                                                                \
         "connections a loop, each pipelined",                                                               \
         1,                                                                                                  \
         64,                                                                                                 \
         NULL},                                                                                              \
        {"RR_PG_SLOW_CONNECTIONS",                                                                           \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.slow),                                                                        \
         "1",                                                                                                \
         "connections a loop for slow reads alone, such as statistics, so that no other waits for one; 0: "  \
         "none",                                                                                             \
         0,                                                                                                  \
         64,                                                                                                 \
         NULL},                                                                                              \
        {"RR_PG_QUEUE",                                                                                      \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.queue),                                                                       \
         "4096",                                                                                             \
         "queries waiting or under way, a loop, slow ones counted apart; more is 503",                       \
         1,                                                                                                  \
         1000000,                                                                                            \
         NULL},                                                                                              \
    {                                                                                                        \
        "RR_PG_TIMEOUT_MS", RR_CFG_U32, offsetof(conf, member.timeout_ms), "2000",                           \
            "a query older than this is given up", 10, 600000, NULL                                          \
    }

/* Starts to connect; does not wait. `session_sql` is run on every new connection first ("SET …; SET …"), or
 * NULL. */
enum rr_err rr_pg_new(struct rr_loop *l, const struct rr_pg_conf *conf, const char *session_sql,
                      struct rr_pg **ret) RR_MUST_CHECK;
void rr_pg_free(struct rr_pg *pg); /* queries under way end with RR_DB_UNAVAILABLE */

/* Queue `q`; it goes out with the rest of this loop turn in one send.
 * Returns RR_OK, or RR_OVERLOADED if the queue is full, or RR_DB_UNAVAILABLE when no connection stands and a
 * try to make one has failed (then `q` is still yours and done is not called). */
enum rr_err rr_pg_submit(struct rr_pg *pg, struct rr_query *q) RR_MUST_CHECK;
/* Whether the server may have `q` by now, and with it a snapshot that is older than what comes next. While
 * `q` waits to be sent, it does not: then whatever is committed before now is in its answer. */
bool rr_pg_is_sent(const struct rr_query *q);
/* Forget `q`'s caller: done() will not be called, the query's answer is dropped. `q` may be freed at once
 * (rr_pg keeps what it needs). Nothing happens if `q` is not under way (it has ended, or is zeroed and was
 * never submitted). */
void rr_pg_abandon(struct rr_pg *pg, struct rr_query *q);

/* Replace the session's SQL: on all connections now, ahead of what is submitted after, and on every later
 * one. For `SET search_path`. */
enum rr_err rr_pg_set_session(struct rr_pg *pg, const char *session_sql) RR_MUST_CHECK;
bool rr_pg_is_up(const struct rr_pg *pg);

/* LISTEN on a connection of its own. `notified` is called for each notification and, with payload NULL, after
 * each (re)connect: what came in between may have been missed, so check again. */
enum rr_err rr_pg_listen(struct rr_pg *pg, const char *channel,
                         void (*notified)(void *arg, const char *payload), void *arg) RR_MUST_CHECK;
