/* rr_mysql: a bounded pool of worker threads, one MySQL connection each, that serve the event loops.
 *
 * The loop submits a job; a worker runs job->work() with its connection (blocking calls are fine there) and
 * hands the job back to its loop in a batch (rr_loop_post). Built against libmysqlclient or libmariadb:
 * mysql_client.h hides what differs.
 *
 * Threads: rr_mysql_pool_* from any thread; a struct rr_mysql only inside work(). */
#pragma once

#include "err.h"
#include "http/loop.h"
#include "macros.h"
#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rr_mysql;
struct rr_mysql_pool;

struct rr_mysql_conf {
    const char *host, *user, *password, *database;
    uint32_t port, workers, queue, connect_timeout_ms, statement_timeout_ms, lock_timeout_s;
    int tls; /* enum rr_mysql_tls */
    const char *tls_ca_file;
};
/* REQUIRED keeps out who only listens; VERIFY_CA also who pretends to be the server. */
enum rr_mysql_tls { RR_MYSQL_TLS_OFF, RR_MYSQL_TLS_REQUIRED, RR_MYSQL_TLS_VERIFY_CA };
extern const char *const rr_mysql_tls_choices[]; /* "off", "required", "verify-ca" */

#define RR_MYSQL_CONFIG(conf, member)                                                                        \
    {"RR_MYSQL_HOST", RR_CFG_TEXT, offsetof(conf, member.host), "127.0.0.1", "MySQL's host", 0, 0, NULL},    \
        {"RR_MYSQL_PORT", RR_CFG_U32, offsetof(conf, member.port), "3306", "MySQL's port", 1, 65535, NULL},  \
        {"RR_MYSQL_USER",                                                                                    \
         RR_CFG_TEXT,                                                                                        \
         offsetof(conf, member.user),                                                                        \
         NULL,                                                                                               \
         "account of this program",                                                                          \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL},                                                                                              \
        {"RR_MYSQL_PASSWORD",                                                                                \
         RR_CFG_SECRET,                                                                                      \
         offsetof(conf, member.password),                                                                    \
         NULL,                                                                                               \
         "its password",                                                                                     \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL},                                                                                              \
        {"RR_MYSQL_DATABASE",                                                                                \
         RR_CFG_TEXT,                                                                                        \
         offsetof(conf, member.database),                                                                    \
         "reservations",                                                                                     \
         "database",                                                                                         \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL},                                                                                              \
        {"RR_MYSQL_WORKERS",                                                                                 \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.workers),                                                                     \
         "16",                                                                                               \
         "connections, each with a worker thread",                                                           \
         1,                                                                                                  \
         256,                                                                                                \
         NULL},                                                                                              \
        {"RR_MYSQL_QUEUE",                                                                                   \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.queue),                                                                       \
         "1024",                                                                                             \
         "requests waiting for a worker; more is 503",                                                       \
         1,                                                                                                  \
         1000000,                                                                                            \
         NULL},                                                                                              \
        {"RR_MYSQL_CONNECT_TIMEOUT_MS",                                                                      \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.connect_timeout_ms),                                                          \
         "2000",                                                                                             \
         "a connection attempt is given up after this",                                                      \
         100,                                                                                                \
         60000,                                                                                              \
         NULL},                                                                                              \
        {"RR_MYSQL_STATEMENT_TIMEOUT_MS",                                                                    \
         RR_CFG_U32,                                                                                         \
         offsetof(conf, member.statement_timeout_ms),                                                        \
         "5000",                                                                                             \
         "a statement is given up after this",                                                               \
         100,                                                                                                \
         600000,                                                                                             \
         NULL},                                                                                              \
        {"RR_MYSQL_TLS",                                                                                     \
         RR_CFG_ENUM,                                                                                        \
         offsetof(conf, member.tls),                                                                         \
         "off",                                                                                              \
         "TLS to MySQL; verify-ca: only with a server whose certificate RR_MYSQL_TLS_CA_FILE vouches for",   \
         0,                                                                                                  \
         0,                                                                                                  \
         rr_mysql_tls_choices},                                                                              \
        {"RR_MYSQL_TLS_CA_FILE",                                                                             \
         RR_CFG_TEXT,                                                                                        \
         offsetof(conf, member.tls_ca_file),                                                                 \
         "",                                                                                                 \
         "certificates (PEM) of whoever signs the server's",                                                 \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL},                                                                                              \
    {                                                                                                        \
        "RR_MYSQL_LOCK_TIMEOUT_S", RR_CFG_U32, offsetof(conf, member.lock_timeout_s), "2",                   \
            "longest wait for a lock of MySQL's; a transaction waits so long twice, then it is 503", 1, 600, \
            NULL                                                                                             \
    }

/* ---- the pool ---- */
struct rr_mysql_job {
    struct rr_loop *loop; /* where done() runs */
    void (*work)(
        struct rr_mysql_job *job,
        struct rr_mysql *db); /* in a worker, which has a connection; else it is not called, see err */
    void (*done)(struct rr_mysql_job *job); /* in the loop */
    int64_t deadline; /* rr_time_monotonic(): a job still waiting then is handed to done() with RR_OVERLOADED,
                         not worked. In work() no statement, COMMIT or further try begins after it, but ends
                         RETRY (RR_DB_BUSY), and no lock is waited for, give or take a second; 0: none */
    enum rr_err
        err; /* RR_OK, or RR_OVERLOADED / RR_DB_UNAVAILABLE when work() did not run; work() may set it */
    /* rr_mysql's own */
    struct rr_post post;
    struct rr_mysql_job *next;
    int64_t queued;
};
/* Starts the workers; each connects on its first job, keeps its connection, checks one that was idle for
 * long, and makes a lost one again. */
enum rr_err rr_mysql_pool_new(const struct rr_mysql_conf *conf, struct rr_mysql_pool **ret) RR_MUST_CHECK;
/* Cuts the workers' connections, also under what they wait for, and joins. After the loops have stopped: what
 * is not done by then has been given up by whoever asked for it, and nothing is committed any more, unless
 * its COMMIT is on the way. NULL is fine. */
void rr_mysql_pool_free(struct rr_mysql_pool *pool);
/* RR_OK: done() will be called exactly once. RR_OVERLOADED: the queue is full, the job is still yours. Never
 * blocks. */
enum rr_err rr_mysql_pool_submit(struct rr_mysql_pool *pool, struct rr_mysql_job *job) RR_MUST_CHECK;

/* ---- one connection of its own (the projector's reads, tools) ----
 * Connects at once; RR_DB_UNAVAILABLE, with the reason in the log, if that fails. A lost connection is made
 * again by the next call. */
enum rr_err rr_mysql_new(const struct rr_mysql_conf *conf, struct rr_mysql **ret) RR_MUST_CHECK;
void rr_mysql_free(struct rr_mysql *db);

/* ---- statements ---- */
/* Four endings. RETRY: deadlock 1213, lock wait 1205, 1020, or the connection was lost before anything could
 * have been committed. Outside a transaction a SELECT is repeated once by itself when the connection turns
 * out to be lost, unless its answer was awaited in vain; a write is not, and ends FATAL: nobody knows whether
 * it was made. */
enum rr_db { RR_DB_FATAL = -2, RR_DB_RETRY = -1, RR_DB_NONE = 0, RR_DB_ONE = 1 };

enum rr_sql_type { RR_SQL_NULL, RR_SQL_INT, RR_SQL_UINT, RR_SQL_TEXT, RR_SQL_BYTES, RR_SQL_TIME };

struct rr_sql_in { /* made by the macros below */
    enum rr_sql_type type;
    uint64_t u; /* INT (cast), UINT; TIME: microseconds since the epoch (cast) */
    const void *p;
    size_t len;
};
#define RR_IN_UINT(v)                                                                                        \
    {                                                                                                        \
        .type = RR_SQL_UINT, .u = (v)                                                                        \
    }
#define RR_IN_TEXT(s) rr_in_text(s) /* NULL is SQL NULL */
#define RR_IN_BYTES(q, n)                                                                                    \
    {                                                                                                        \
        .type = RR_SQL_BYTES, .p = (q), .len = (n)                                                           \
    }
#define RR_IN_TIME(us)                                                                                       \
    {                                                                                                        \
        .type = RR_SQL_TIME, .u = (uint64_t)(us)                                                             \
    }
static inline struct rr_sql_in rr_in_text(const char *s)
{
    return (struct rr_sql_in){.type = s ? RR_SQL_TEXT : RR_SQL_NULL, .p = s, .len = s ? strlen(s) : 0};
}

struct rr_sql_out { /* where a column goes; text and bytes into the caller's array */
    enum rr_sql_type type;
    void *p;         /* uint64_t *, int64_t * (INT, TIME), char[cap] (TEXT, NUL added), bytes[cap] */
    size_t cap;      /* TEXT: cut never: a longer value is RR_DB_FATAL */
    size_t *ret_len; /* TEXT, BYTES; may be NULL */
    bool *ret_null;  /* may be NULL: then SQL NULL is RR_DB_FATAL */
};

/* Run `sql`, a string constant (prepared once a connection, its address is the key). INSERT/UPDATE/DELETE:
 * ONE if a row was affected (found rows, not changed rows), else NONE. SELECT: the first row into `out`; NONE
 * if there is none. */
enum rr_db rr_mysql_exec(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                         const struct rr_sql_out *out, size_t n_out) RR_MUST_CHECK;
/* SELECT with several rows: `row` is called after each has been put into `out`; it returns false to stop. ONE
 * if there was a row. */
enum rr_db rr_mysql_each(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                         const struct rr_sql_out *out, size_t n_out, bool (*row)(void *arg),
                         void *arg) RR_MUST_CHECK;
uint64_t rr_mysql_insert_id(const struct rr_mysql *db);
/* Of the last call that ended FATAL or RETRY. */
unsigned rr_mysql_errno(const struct rr_mysql *db);
/* The same as an error for the client: RR_DB_UNAVAILABLE, RR_DB_BUSY, or RR_INTERNAL. For statements outside
 * rr_mysql_transact(). */
enum rr_err rr_mysql_err(const struct rr_mysql *db);
const char *rr_mysql_message(const struct rr_mysql *db);

/* ---- the transaction runner ---- */
struct rr_mysql_tx {
    /* Runs inside BEGIN … COMMIT and may run again after a retryable end: it replies nothing and fills only
     * its own context. Returns RR_DB_ONE to commit, RR_DB_NONE to roll back (it has decided on an error
     * itself), RETRY or FATAL as its statements ended. */
    enum rr_db (*body)(struct rr_mysql *db, void *arg);
    void *arg;
    const char *actor, *reason,
        *trace_id; /* → @rr_actor, @rr_reason, @rr_trace_id; set at begin, NULL again at the end */
};
/* READ COMMITTED; tries are bounded, with jitter.
 * RR_OK: committed, or rolled back by body's own decision. In all that follow but the last, nothing is.
 * RR_DB_BUSY: tries or time used up. RR_DB_UNAVAILABLE: no connection, or lost before COMMIT.
 * RR_INTERNAL: an SQL error nobody expected; rr_mysql_message() has it. RR_NO_MEMORY.
 * RR_OUTCOME_UNKNOWN: the connection was lost at COMMIT, or COMMIT was answered with an error other than
 * those that have rolled back (1213, 1205, 1020). */
enum rr_err rr_mysql_transact(struct rr_mysql *db, const struct rr_mysql_tx *tx) RR_MUST_CHECK;
