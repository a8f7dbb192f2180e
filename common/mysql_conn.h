/* mysql_conn: one connection to MySQL as rr_mysql's parts know it: made lazily, closed at the first sign of
 * trouble with it, made again by whoever needs it next. The gate keeps many threads from waiting for a dead
 * server one after another: after a failed attempt one thread at a time tries again, every 200 ms at most,
 * and the others fail at once.
 *
 * Internal to rr_mysql. */
#pragma once

#include "mysql.h"
#include "mysql_client.h"

#include <pthread.h>

#define MYSQL_TRY_AGAIN_US (RR_US_PER_SEC / 5)

struct mysql_gate { /* shared by connections to one server; any thread */
    pthread_mutex_t lock;
    bool down, closed;
    uint32_t trying; /* threads that are connecting … */
    bool again;      /* … one, while it is down */
    int64_t next_try;
    struct rr_mysql *open; /* connections that stand */
};

struct mysql_cached {
    const char *sql; /* its address is the key */
    MYSQL_STMT *stmt;
};

#define MYSQL_BINDS_MAX 32

struct mysql_binds {
    MYSQL_BIND bind[MYSQL_BINDS_MAX];
    MYSQL_TIME time[MYSQL_BINDS_MAX];
    unsigned long length[MYSQL_BINDS_MAX];
    mysql_flag null[MYSQL_BINDS_MAX], cut[MYSQL_BINDS_MAX];
    long long number[MYSQL_BINDS_MAX];
};

struct rr_mysql {
    const struct rr_mysql_conf *conf;
    struct mysql_gate *gate, own_gate;
    MYSQL *client; /* NULL: not connected */
    /* The gate's. A descriptor of our own: the client library closes its one when it likes, and another
     * thread may be about to shut the connection down. */
    int fd;
    struct rr_mysql *next_open;
    struct mysql_cached *cache;
    size_t n_cached, cap_cached;
    /* Where a row's columns go. Not on the stack of whoever asks: libmysqlclient keeps these addresses, and
     * the next execute of the statement writes lengths there before they are bound anew. */
    struct mysql_binds results;
    bool in_tx;
    int64_t deadline;        /* of the job that is worked on; 0: none */
    uint32_t lock_timeout_s; /* as this session has it */
    int64_t used;            /* when it last answered */
    uint64_t insert_id;
    unsigned code; /* of the last call that failed */
    char message[512];
};

/* What the table of settings cannot check; the reason is logged. */
bool mysql_conf_is_sound(const struct rr_mysql_conf *conf);
void mysql_conn_init(struct rr_mysql *db, const struct rr_mysql_conf *conf, struct mysql_gate *gate);
void mysql_conn_fini(struct rr_mysql *db);

/* Connected after RR_OK; checks a connection that may have died while it was idle. Else RR_DB_UNAVAILABLE. */
enum rr_err mysql_conn_ready(struct rr_mysql *db) RR_MUST_CHECK;
/* Has the server closed it, as far as can be seen without asking? */
bool mysql_conn_is_cut(const struct rr_mysql *db);
void mysql_conn_close(struct rr_mysql *db);

/* Is the job's time over? Then that is how a call failed, RETRY, and the connection is as good as before. */
bool mysql_conn_is_late(struct rr_mysql *db);

/* Keep code and message of what failed, close the connection if it is no good any more; how such a call ends.
 */
enum rr_db mysql_conn_failed(struct rr_mysql *db, unsigned code, const char *message);
bool mysql_code_is_lost(unsigned code);

/* Several statements, separated by ';', without results, in one round trip. *ret_done: how many ended well.
 */
bool mysql_conn_batch(struct rr_mysql *db, const char *sql, size_t len, unsigned *ret_done);

void mysql_gate_init(struct mysql_gate *gate);
void mysql_gate_fini(struct mysql_gate *gate);
/* Asked by who has no connection: does another one stand, or may one that is just being made? Then there is
 * somebody to leave work to. */
bool mysql_gate_has_others(struct mysql_gate *gate);
/* Cuts all connections, also under somebody who waits for an answer, and lets none be made again. */
void mysql_gate_close(struct mysql_gate *gate);
