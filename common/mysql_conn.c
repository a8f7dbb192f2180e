#include "mysql_conn.h"

#include "log.h"
#include "metrics.h"
#include "time.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection idle for longer is asked before it is used: a network in between may have forgotten it. */
#define IDLE_US (10 * RR_US_PER_SEC)

const char *const rr_mysql_tls_choices[] = {"off", "required", "verify-ca", NULL};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static struct rr_gauge *connections;

static void library_init(void)
{
    if (mysql_library_init(0, NULL, NULL))
        RR_BUG("the MySQL client library cannot be initialised");
    connections = rr_gauge("rr_mysql_connections", "connections to MySQL that stand", NULL);
}

/* ---- the gate ---- */

void mysql_gate_init(struct mysql_gate *gate)
{
    *gate = (struct mysql_gate){0};
    pthread_mutex_init(&gate->lock, NULL);
}

void mysql_gate_fini(struct mysql_gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
}

static bool gate_enter(struct mysql_gate *gate)
{
    bool may;

    pthread_mutex_lock(&gate->lock);
    may = !gate->closed && (!gate->down || (!gate->trying && rr_time_monotonic() >= gate->next_try));
    if (may) {
        gate->trying++;
        gate->again = gate->down;
    }
    pthread_mutex_unlock(&gate->lock);
    return may;
}

/* The log line is written by the thread that sees the state change, once. */
static void gate_leave(struct mysql_gate *gate, bool connected, const struct rr_mysql *db)
{
    bool was_down;

    pthread_mutex_lock(&gate->lock);
    was_down = gate->down;
    gate->down = !connected;
    gate->trying--;
    gate->next_try = rr_time_monotonic() + MYSQL_TRY_AGAIN_US;
    pthread_mutex_unlock(&gate->lock);
    if (connected && was_down)
        rr_info("mysql reachable again", "host=%s port=%u", db->conf->host, db->conf->port);
    else if (!connected && !was_down)
        rr_warn("mysql cannot be reached", "host=%s port=%u errno=%u reason=%s", db->conf->host,
                db->conf->port, db->code, RR_Q(db->message));
}

/* False: no more connections, or no more descriptors. */
static bool gate_list(struct rr_mysql *db)
{
    bool listed;

    db->fd = fcntl(mysql_client_fd(db->client), F_DUPFD_CLOEXEC, 0);
    if (db->fd < 0)
        return false;
    pthread_mutex_lock(&db->gate->lock);
    listed = !db->gate->closed;
    if (listed) {
        db->next_open = db->gate->open;
        db->gate->open = db;
    }
    pthread_mutex_unlock(&db->gate->lock);
    if (!listed)
        close(db->fd);
    return listed;
}

static void gate_unlist(struct rr_mysql *db)
{
    struct rr_mysql **at;

    pthread_mutex_lock(&db->gate->lock);
    for (at = &db->gate->open; *at != db; at = &(*at)->next_open)
        ;
    *at = db->next_open;
    pthread_mutex_unlock(&db->gate->lock);
    close(db->fd);
}

bool mysql_gate_has_others(struct mysql_gate *gate)
{
    bool has;

    pthread_mutex_lock(&gate->lock);
    has = !gate->closed && (gate->open || (gate->trying && !gate->again));
    pthread_mutex_unlock(&gate->lock);
    return has;
}

void mysql_gate_close(struct mysql_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed = true;
    for (struct rr_mysql *db = gate->open; db; db = db->next_open)
        shutdown(db->fd, SHUT_RDWR);
    pthread_mutex_unlock(&gate->lock);
}

/* ---- errors ---- */

bool mysql_code_is_lost(unsigned code)
{
    switch (code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_SERVER_LOST:
    case CR_SSL_CONNECTION_ERROR:
    case CR_MALFORMED_PACKET:
    case CR_SERVER_LOST_EXTENDED:
    case ER_SERVER_SHUTDOWN:
    case ER_CON_COUNT_ERROR:
    case ER_NET_READ_ERROR:
    case ER_NET_READ_INTERRUPTED:
    case ER_NET_ERROR_ON_WRITE:
    case ER_NET_WRITE_INTERRUPTED:
    case 3169: /* ER_SESSION_WAS_KILLED */
    case 4031: /* ER_CLIENT_INTERACTION_TIMEOUT */ return true;
    default: return false;
    }
}

#define QUERY_TIMEOUT 3024 /* max_execution_time is over; libmariadb has no name for it */

static bool is_contention(unsigned code)
{
    switch (code) {
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_CHECKREAD:         /* 1020: the record has changed since it was read */
    case ER_QUERY_INTERRUPTED: /* KILL QUERY */
    case ER_NEED_REPREPARE:
    case ER_UNKNOWN_STMT_HANDLER:
    case QUERY_TIMEOUT: return true;
    default: return false;
    }
}

enum rr_err rr_mysql_err(const struct rr_mysql *db)
{
    if (mysql_code_is_lost(db->code))
        return RR_DB_UNAVAILABLE;
    return is_contention(db->code) ? RR_DB_BUSY : RR_INTERNAL;
}

/* Errors of the client library itself leave the connection in a state nobody knows. */
static bool is_clients(unsigned code)
{
    return (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) || (code >= 5000 && code < 6000);
}

enum rr_db mysql_conn_failed(struct rr_mysql *db, unsigned code, const char *message)
{
    bool lost = mysql_code_is_lost(code);

    db->code = code;
    snprintf(db->message, sizeof(db->message), "%s", message);
    if (lost)
        rr_debug("mysql connection lost", "errno=%u reason=%s", code, RR_Q(db->message));
    if (lost || is_clients(code) || code == ER_UNKNOWN_STMT_HANDLER)
        mysql_conn_close(db);
    return lost || is_contention(code) ? RR_DB_RETRY : RR_DB_FATAL;
}

bool mysql_conn_is_late(struct rr_mysql *db)
{
    if (!db->deadline || rr_time_monotonic() < db->deadline)
        return false;
    mysql_conn_failed(db, QUERY_TIMEOUT, "the time of the request is over");
    return true;
}

unsigned rr_mysql_errno(const struct rr_mysql *db)
{
    return db->code;
}

const char *rr_mysql_message(const struct rr_mysql *db)
{
    return db->message;
}

uint64_t rr_mysql_insert_id(const struct rr_mysql *db)
{
    return db->insert_id;
}

/* ---- connecting ---- */

void mysql_conn_close(struct rr_mysql *db)
{
    if (!db->client)
        return;
    gate_unlist(db);
    mysql_close(
        db->client); /* first: statements of a closed connection are freed without a word to the server */
    db->client = NULL;
    for (size_t i = 0; i < db->n_cached; i++)
        mysql_stmt_close(db->cache[i].stmt);
    db->n_cached = 0;
    rr_gauge_add(connections, -1);
}

static void set_options(MYSQL *c, const struct rr_mysql_conf *conf)
{
    /* MySQL itself gives a statement up when its time is over, or the one for a lock: the connection must not
     * be given up before it has said so. */
    unsigned statement_s = (conf->statement_timeout_ms + 999) / 1000, lock_s = conf->lock_timeout_s;
    unsigned answer_s = (statement_s > lock_s ? statement_s : lock_s) + 1;
    unsigned connect_s = (conf->connect_timeout_ms + 999) / 1000;
    unsigned tcp = MYSQL_PROTOCOL_TCP; /* else "localhost" would mean a socket file */

    mysql_options(c, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(c, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    mysql_options(c, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    mysql_options(c, MYSQL_OPT_PROTOCOL, &tcp);
    mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (conf->tls == RR_MYSQL_TLS_OFF)
        mysql_client_no_tls(c);
    else
        mysql_client_tls(c, conf->tls == RR_MYSQL_TLS_VERIFY_CA, conf->tls_ca_file);
}

/* Locks of tables, too, have their limit: who is given up while waiting for one would else wait in the server
 * for a year, and keep the rows that it has locked. */
static bool set_session(MYSQL *c, const struct rr_mysql_conf *conf)
{
    char sql[512];
    int len = snprintf(sql, sizeof(sql),
                       "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, "
                       "transaction_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = %u, "
                       "lock_wait_timeout = %u, max_execution_time = %u, "
                       "sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,"
                       "NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
                       conf->lock_timeout_s, conf->lock_timeout_s, conf->statement_timeout_ms);

    return mysql_real_query(c, sql, (unsigned long)len) == 0;
}

static bool connect_once(struct rr_mysql *db)
{
    const struct rr_mysql_conf *conf = db->conf;
    MYSQL *c = mysql_init(NULL);

    if (!c) {
        mysql_conn_failed(db, CR_OUT_OF_MEMORY, "out of memory");
        return false;
    }
    set_options(c, conf);
    if (!mysql_real_connect(c, conf->host, conf->user, conf->password, conf->database, conf->port, NULL,
                            CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS) ||
        !set_session(c, conf)) {
        mysql_conn_failed(db, mysql_errno(c), mysql_error(c));
        mysql_close(c);
        return false;
    }
    db->client = c;
    if (!gate_list(db)) {
        db->client = NULL;
        mysql_conn_failed(db, CR_CONNECTION_ERROR, "no further connection");
        mysql_close(c);
        return false;
    }
    db->lock_timeout_s = conf->lock_timeout_s;
    db->used = rr_time_monotonic();
    rr_gauge_add(connections, 1);
    return true;
}

bool mysql_conn_is_cut(const struct rr_mysql *db)
{
    struct pollfd p = {.fd = mysql_client_fd(db->client), .events = POLLIN | POLLRDHUP};

    /* Between statements the server has nothing to say but goodbye. */
    return poll(&p, 1, 0) > 0;
}

enum rr_err mysql_conn_ready(struct rr_mysql *db)
{
    bool connected;

    if (db->client &&
        (mysql_conn_is_cut(db) || (rr_time_monotonic() - db->used > IDLE_US && mysql_ping(db->client) != 0)))
        mysql_conn_failed(db, CR_SERVER_GONE_ERROR, "closed by the server while idle");
    if (db->client)
        return RR_OK;
    if (!gate_enter(db->gate)) {
        mysql_conn_failed(db, CR_CONN_HOST_ERROR, "could not be reached a moment ago");
        return RR_DB_UNAVAILABLE;
    }
    connected = connect_once(db);
    gate_leave(db->gate, connected, db);
    if (connected)
        return RR_OK;
    db->code = CR_CONN_HOST_ERROR; /* whatever the reason, the log has it: for callers it cannot be reached */
    return RR_DB_UNAVAILABLE;
}

bool mysql_conn_batch(struct rr_mysql *db, const char *sql, size_t len, unsigned *ret_done)
{
    MYSQL *c = db->client;
    int more;

    *ret_done = 0;
    if (mysql_real_query(c, sql, (unsigned long)len))
        return false;
    do {
        MYSQL_RES *res = mysql_store_result(c);

        if (!res && mysql_field_count(c))
            return false;
        mysql_free_result(res);
        ++*ret_done;
        more = mysql_next_result(c);
    } while (more == 0);
    db->used = rr_time_monotonic();
    return more < 0;
}

/* ---- life ---- */

bool mysql_conf_is_sound(const struct rr_mysql_conf *conf)
{
    if (conf->tls != RR_MYSQL_TLS_VERIFY_CA || access(conf->tls_ca_file, R_OK) == 0)
        return true;
    rr_error("RR_MYSQL_TLS=verify-ca needs RR_MYSQL_TLS_CA_FILE, a file that can be read", "file=%s",
             RR_Q(conf->tls_ca_file));
    return false;
}

void mysql_conn_init(struct rr_mysql *db, const struct rr_mysql_conf *conf, struct mysql_gate *gate)
{
    pthread_once(&library_once, library_init);
    *db = (struct rr_mysql){.conf = conf, .gate = gate};
}

void mysql_conn_fini(struct rr_mysql *db)
{
    mysql_conn_close(db);
    free(db->cache);
}

enum rr_err rr_mysql_new(const struct rr_mysql_conf *conf, struct rr_mysql **ret)
{
    struct rr_mysql *db;
    enum rr_err err;

    if (!mysql_conf_is_sound(conf))
        return RR_DB_UNAVAILABLE;
    db = malloc(sizeof(*db));
    if (!db)
        return RR_NO_MEMORY;
    mysql_conn_init(db, conf, &db->own_gate);
    mysql_gate_init(db->gate);
    err = mysql_conn_ready(db);
    if (err) {
        rr_mysql_free(db);
        return err;
    }
    *ret = db;
    return RR_OK;
}

void rr_mysql_free(struct rr_mysql *db)
{
    if (!db)
        return;
    mysql_conn_fini(db);
    mysql_gate_fini(db->gate);
    free(db);
}
