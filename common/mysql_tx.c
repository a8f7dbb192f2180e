/* The transaction runner. Begin and end cost one round trip each: the three variables that the triggers
 * record ride with START TRANSACTION, and their reset with COMMIT or ROLLBACK. Nothing outside a transaction
 * therefore runs with the variables of another; where the reset could not be sent, the connection is closed,
 * which forgets them too.
 *
 * What a failure means depends on where it came:
 *
 * - Before COMMIT was sent nothing is committed: again, for contention and lost connections.
 * - An error answered to COMMIT: 1213, 1205, 1020 have rolled back: again. After any other, nobody knows.
 * - The connection is lost at COMMIT: nobody knows. RR_OUTCOME_UNKNOWN, never again: it might be done twice.
 * - After COMMIT was answered it is committed.
 *
 * - The job's time was over before COMMIT was sent: nothing is committed, and not again.
 *
 * 1205 rolls back the statement only, so each failed try ends with ROLLBACK, or by closing the connection. */
#include "mysql_conn.h"

#include "buf.h"
#include "metrics.h"
#include "time.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define TRIES          8
#define LOCK_TRIES     2
#define BACKOFF_MIN_US 2000
#define BACKOFF_MAX_US 100000

#define RESET          "SET @rr_actor = NULL, @rr_reason = NULL, @rr_trace_id = NULL"

static const char commit_sql[] = "COMMIT; " RESET, rollback_sql[] = "ROLLBACK; " RESET;

enum attempt { DONE, AGAIN, UNREACHABLE, UNKNOWN, FAILED, NO_MEMORY };

/* In hexadecimal, so that no text can end the literal, whatever the mode of the session. */
static void put_literal(struct rr_buf *b, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    if (!text) {
        rr_buf_puts(b, "NULL");
        return;
    }
    rr_buf_puts(b, "_utf8mb4 x'");
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        rr_buf_put(b, (const char[]){hex[c >> 4], hex[c & 15]}, 2);
    }
    rr_buf_puts(b, "'");
}

/* How long a statement of this try may wait for a lock, be it of a row or of a table: no longer than the
 * caller has time. In whole seconds, since MySQL counts so, and at least one. */
static uint32_t lock_timeout_s(const struct rr_mysql *db)
{
    const int64_t left = db->deadline ? (db->deadline - rr_time_monotonic()) / RR_US_PER_SEC : INT64_MAX;

    if (left >= db->conf->lock_timeout_s)
        return db->conf->lock_timeout_s;
    return left > 1 ? (uint32_t)left : 1;
}

/* Another wait for a lock costs a worker as long as the first: a room that stays locked must not hold up the
 * others. */
static unsigned tries_for(unsigned code)
{
    return code == ER_LOCK_WAIT_TIMEOUT ? LOCK_TRIES : TRIES;
}

static enum attempt begin(struct rr_mysql *db, const struct rr_mysql_tx *tx)
{
    const uint32_t lock_s = lock_timeout_s(db);
    struct rr_buf sql = {0};
    unsigned done;
    bool ok;

    rr_buf_puts(&sql, "SET ");
    if (lock_s != db->lock_timeout_s)
        rr_buf_printf(&sql, "innodb_lock_wait_timeout = %u, lock_wait_timeout = %u, ", lock_s, lock_s);
    rr_buf_puts(&sql, "@rr_actor = ");
    put_literal(&sql, tx->actor);
    rr_buf_puts(&sql, ", @rr_reason = ");
    put_literal(&sql, tx->reason);
    rr_buf_puts(&sql, ", @rr_trace_id = ");
    put_literal(&sql, tx->trace_id);
    rr_buf_puts(&sql, "; START TRANSACTION");
    if (sql.failed) {
        rr_buf_fini(&sql);
        return NO_MEMORY;
    }
    ok = mysql_conn_batch(db, sql.data, sql.len, &done);
    rr_buf_fini(&sql);
    if (ok) {
        db->lock_timeout_s = lock_s;
        return DONE;
    }
    switch (mysql_conn_failed(db, mysql_errno(db->client), mysql_error(db->client))) {
    case RR_DB_RETRY: mysql_conn_close(db); return AGAIN;
    default: mysql_conn_close(db); return FAILED;
    }
}

/* Code and message of what made us roll back stay. */
static void rollback(struct rr_mysql *db)
{
    unsigned done;

    if (db->client && !mysql_conn_batch(db, rollback_sql, sizeof(rollback_sql) - 1, &done))
        mysql_conn_close(db); /* the server rolls back what a closed connection leaves */
}

static bool commit_was_refused(unsigned code)
{
    return code == ER_LOCK_DEADLOCK || code == ER_LOCK_WAIT_TIMEOUT || code == ER_CHECKREAD;
}

static enum attempt commit(struct rr_mysql *db)
{
    unsigned done, code;

    if (!db->client)
        return AGAIN;
    if (mysql_conn_is_late(db)) {
        rollback(db);
        return AGAIN;
    }
    if (mysql_conn_is_cut(db)) { /* before it could read a COMMIT */
        mysql_conn_failed(db, CR_SERVER_GONE_ERROR, "closed by the server before COMMIT");
        return AGAIN;
    }
    if (mysql_conn_batch(db, commit_sql, sizeof(commit_sql) - 1, &done))
        return DONE;
    if (done > 0) {
        mysql_conn_close(db);
        return DONE;
    }
    code = mysql_errno(db->client);
    mysql_conn_failed(db, code, mysql_error(db->client));
    rollback(db);
    return commit_was_refused(code) ? AGAIN : UNKNOWN;
}

static enum attempt attempt(struct rr_mysql *db, const struct rr_mysql_tx *tx)
{
    enum attempt end;

    if (mysql_conn_is_late(db))
        return AGAIN;
    if (mysql_conn_ready(db) != RR_OK)
        return UNREACHABLE;
    db->code = 0;
    db->message[0] = '\0';
    end = begin(db, tx);
    if (end != DONE)
        return end;
    db->in_tx = true;
    switch (tx->body(db, tx->arg)) {
    case RR_DB_ONE: end = commit(db); break;
    case RR_DB_NONE: rollback(db); break;
    case RR_DB_RETRY:
        rollback(db);
        end = AGAIN;
        break;
    default:
        rollback(db);
        end = FAILED;
        break;
    }
    db->in_tx = false;
    return end;
}

static void count_retry(unsigned code)
{
    const char *labels = "reason=\"other\"";

    if (code == ER_LOCK_DEADLOCK)
        labels = "reason=\"deadlock\"";
    else if (code == ER_LOCK_WAIT_TIMEOUT)
        labels = "reason=\"lock-wait\"";
    else if (mysql_code_is_lost(code))
        labels = "reason=\"lost\"";
    rr_counter_add(rr_counter("rr_mysql_retries_total", "transactions tried again", labels), 1);
}

/* Waits a random time, longer with each try. False: the deadline would pass. */
static bool back_off(const struct rr_mysql *db, unsigned tries)
{
    uint32_t most = BACKOFF_MIN_US << (tries < 6 ? tries : 6);
    uint32_t us = arc4random_uniform((most < BACKOFF_MAX_US ? most : BACKOFF_MAX_US) + 1);
    struct timespec left = {.tv_nsec = (long)us * 1000};

    if (db->deadline && rr_time_monotonic() + us > db->deadline)
        return false;
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
    return true;
}

enum rr_err rr_mysql_transact(struct rr_mysql *db, const struct rr_mysql_tx *tx)
{
    for (unsigned tries = 1;; tries++) {
        switch (attempt(db, tx)) {
        case DONE: return RR_OK;
        case UNREACHABLE: return RR_DB_UNAVAILABLE;
        case UNKNOWN: return RR_OUTCOME_UNKNOWN;
        case NO_MEMORY: return RR_NO_MEMORY;
        case FAILED: return mysql_code_is_lost(db->code) ? RR_DB_UNAVAILABLE : RR_INTERNAL;
        case AGAIN: break;
        }
        if (tries >= tries_for(db->code) || !back_off(db, tries))
            return mysql_code_is_lost(db->code) ? RR_DB_UNAVAILABLE : RR_DB_BUSY;
        count_retry(db->code);
    }
}
