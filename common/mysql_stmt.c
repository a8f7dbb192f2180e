#include "mysql_conn.h"

#include "time.h"

#include <stdio.h>
#include <strings.h>

/* ---- the cache of prepared statements ---- */

static enum rr_db stmt_failed(struct rr_mysql *db, MYSQL_STMT *stmt)
{
    return mysql_conn_failed(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
}

static bool cache_room(struct rr_mysql *db)
{
    size_t cap = db->cap_cached ? 2 * db->cap_cached : 16;
    struct mysql_cached *cache;

    if (db->n_cached < db->cap_cached)
        return true;
    cache = realloc(db->cache, cap * sizeof(*cache));
    if (!cache)
        return false;
    db->cache = cache;
    db->cap_cached = cap;
    return true;
}

/* RR_DB_ONE and *ret, or how it failed. */
static enum rr_db prepared(struct rr_mysql *db, const char *sql, MYSQL_STMT **ret)
{
    MYSQL_STMT *stmt;
    enum rr_db end;

    for (size_t i = 0; i < db->n_cached; i++)
        if (db->cache[i].sql == sql) {
            *ret = db->cache[i].stmt;
            return RR_DB_ONE;
        }
    stmt = cache_room(db) ? mysql_stmt_init(db->client) : NULL;
    if (!stmt)
        return mysql_conn_failed(db, CR_OUT_OF_MEMORY, "out of memory");
    if (mysql_stmt_prepare(stmt, sql, (unsigned long)strlen(sql))) {
        end = stmt_failed(db, stmt);
        mysql_stmt_close(stmt);
        return end;
    }
    db->cache[db->n_cached++] = (struct mysql_cached){.sql = sql, .stmt = stmt};
    *ret = stmt;
    return RR_DB_ONE;
}

/* ---- values to and from the binary protocol ---- */

static MYSQL_TIME time_to(int64_t us)
{
    int64_t days = us / RR_US_PER_DAY, rest = us % RR_US_PER_DAY;
    MYSQL_TIME t = {.time_type = MYSQL_TIMESTAMP_DATETIME};
    int year;

    if (rest < 0) {
        rest += RR_US_PER_DAY;
        days--;
    }
    rr_civil_from_days(days, &year, &t.month, &t.day);
    t.year = (unsigned)year;
    t.hour = (unsigned)(rest / RR_US_PER_HOUR);
    t.minute = (unsigned)(rest % RR_US_PER_HOUR / RR_US_PER_MIN);
    t.second = (unsigned)(rest % RR_US_PER_MIN / RR_US_PER_SEC);
    t.second_part = (unsigned long)(rest % RR_US_PER_SEC);
    return t;
}

static int64_t time_from(const MYSQL_TIME *t)
{
    return rr_days_from_civil((int)t->year, t->month, t->day) * RR_US_PER_DAY +
           (int64_t)t->hour * RR_US_PER_HOUR + (int64_t)t->minute * RR_US_PER_MIN +
           (int64_t)t->second * RR_US_PER_SEC + (int64_t)t->second_part;
}

static void bind_in(struct mysql_binds *b, size_t i, const struct rr_sql_in *in)
{
    MYSQL_BIND *m = &b->bind[i];

    switch (in->type) {
    case RR_SQL_NULL: m->buffer_type = MYSQL_TYPE_NULL; break;
    case RR_SQL_INT:
    case RR_SQL_UINT:
        m->buffer_type = MYSQL_TYPE_LONGLONG;
        m->is_unsigned = in->type == RR_SQL_UINT;
        b->number[i] = (long long)in->u;
        m->buffer = &b->number[i];
        break;
    case RR_SQL_TEXT:
    case RR_SQL_BYTES:
        m->buffer_type = in->type == RR_SQL_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        m->buffer = (void *)in->p;
        b->length[i] = (unsigned long)in->len;
        m->length = &b->length[i]; /* of these only: libmysqlclient makes room for a time by it, too */
        break;
    case RR_SQL_TIME:
        m->buffer_type = MYSQL_TYPE_DATETIME;
        b->time[i] = time_to((int64_t)in->u);
        m->buffer = &b->time[i];
        break;
    }
}

static void bind_out(struct mysql_binds *b, size_t i, const struct rr_sql_out *out)
{
    MYSQL_BIND *m = &b->bind[i];

    m->length = &b->length[i];
    m->is_null = &b->null[i];
    m->error = &b->cut[i];
    m->buffer = out->p;
    switch (out->type) {
    case RR_SQL_INT:
    case RR_SQL_UINT:
        m->buffer_type = MYSQL_TYPE_LONGLONG;
        m->is_unsigned = out->type == RR_SQL_UINT;
        break;
    case RR_SQL_TEXT:
        m->buffer_type = MYSQL_TYPE_STRING;
        m->buffer_length = (unsigned long)out->cap - 1; /* the NUL is ours */
        break;
    case RR_SQL_BYTES:
        m->buffer_type = MYSQL_TYPE_BLOB;
        m->buffer_length = (unsigned long)out->cap;
        break;
    case RR_SQL_TIME:
        m->buffer_type = MYSQL_TYPE_DATETIME;
        m->buffer = &b->time[i];
        break;
    case RR_SQL_NULL: m->buffer_type = MYSQL_TYPE_NULL; break;
    }
}

/* What the library put into the binds, to the caller's places; a reason why not, or NULL. */
static const char *deliver(const struct mysql_binds *b, const struct rr_sql_out *out, size_t n_out)
{
    for (size_t i = 0; i < n_out; i++) {
        if (out[i].ret_null)
            *out[i].ret_null = b->null[i];
        else if (b->null[i])
            return "a column is NULL that must not be";
        if (b->null[i])
            continue;
        if (b->cut[i])
            return "a column does not fit where it goes";
        if (out[i].type == RR_SQL_TEXT)
            ((char *)out[i].p)[b->length[i]] = '\0';
        if (out[i].type == RR_SQL_TIME)
            *(int64_t *)out[i].p = time_from(&b->time[i]);
        if (out[i].ret_len)
            *out[i].ret_len = b->length[i];
    }
    return NULL;
}

/* ---- running ---- */

static enum rr_db ours(struct rr_mysql *db, const char *what)
{
    db->code = CR_UNKNOWN_ERROR;
    snprintf(db->message, sizeof(db->message), "%s", what);
    return RR_DB_FATAL;
}

struct call {
    const char *sql;
    const struct rr_sql_in *in;
    const struct rr_sql_out *out;
    size_t n_in, n_out;
    bool (*row)(void *arg); /* NULL: the first row only */
    void *arg;
};

static enum rr_db rows(struct rr_mysql *db, MYSQL_STMT *stmt, const struct call *c)
{
    struct mysql_binds *b = &db->results;
    enum rr_db end = RR_DB_NONE;

    *b = (struct mysql_binds){0};
    for (size_t i = 0; i < c->n_out; i++)
        bind_out(b, i, &c->out[i]);
    if (c->n_out && mysql_stmt_bind_result(stmt, b->bind))
        return stmt_failed(db, stmt);
    /* Errors of a locking read, 1213 for one, may come only here: NULL rows with columns are no empty result.
     */
    if (mysql_stmt_store_result(stmt))
        return stmt_failed(db, stmt);
    if (!c->n_out)
        return mysql_stmt_num_rows(stmt) ? RR_DB_ONE : RR_DB_NONE;
    for (;;) {
        int rc = mysql_stmt_fetch(stmt);
        const char *bad;

        if (rc == MYSQL_NO_DATA)
            return end;
        if (rc && rc != MYSQL_DATA_TRUNCATED)
            return stmt_failed(db, stmt);
        bad = deliver(b, c->out, c->n_out);
        if (bad)
            return ours(db, bad);
        end = RR_DB_ONE;
        if (!c->row || !c->row(c->arg))
            return end;
    }
}

static enum rr_db execute(struct rr_mysql *db, MYSQL_STMT *stmt, const struct call *c)
{
    struct mysql_binds b = {0};
    enum rr_db end;

    for (size_t i = 0; i < c->n_in; i++)
        bind_in(&b, i, &c->in[i]);
    if (c->n_in && mysql_stmt_bind_param(stmt, b.bind))
        return stmt_failed(db, stmt);
    if (mysql_stmt_execute(stmt))
        return stmt_failed(db, stmt);
    if (!mysql_stmt_field_count(stmt)) {
        db->insert_id = mysql_stmt_insert_id(stmt);
        return mysql_stmt_affected_rows(stmt) ? RR_DB_ONE : RR_DB_NONE;
    }
    end = rows(db, stmt, c);
    /* After an error of the server there is no result. To free it all the same makes libmariadb wait, in the
     * next execute, for rows that never come. Without a client the statement is closed already. */
    if (db->client && !mysql_stmt_errno(stmt))
        mysql_stmt_free_result(stmt);
    return end;
}

static enum rr_db run_once(struct rr_mysql *db, const struct call *c)
{
    MYSQL_STMT *stmt = NULL;
    enum rr_db end;

    if (mysql_conn_is_late(db))
        return RR_DB_RETRY;
    if (!db->client && (db->in_tx || mysql_conn_ready(db) != RR_OK))
        return RR_DB_RETRY;
    end = prepared(db, c->sql, &stmt);
    if (end != RR_DB_ONE)
        return end;
    if (c->n_in != mysql_stmt_param_count(stmt) || c->n_in > MYSQL_BINDS_MAX)
        return ours(db, "the statement has another number of parameters");
    if (c->n_out > MYSQL_BINDS_MAX || (c->n_out && c->n_out != mysql_stmt_field_count(stmt)))
        return ours(db, "the statement has another number of columns");
    end = execute(db, stmt, c);
    if (db->client)
        db->used = rr_time_monotonic();
    return end;
}

static bool waited_in_vain(const struct rr_mysql *db, int64_t since)
{
    return rr_time_monotonic() - since >= db->conf->statement_timeout_ms * INT64_C(1000);
}

static enum rr_db run(struct rr_mysql *db, const struct call *c)
{
    const bool reads = !strncasecmp(c->sql, "SELECT", 6);
    const int64_t begun = rr_time_monotonic();
    enum rr_db end = run_once(db, c);

    if (end != RR_DB_RETRY || db->in_tx || db->client || !mysql_code_is_lost(db->code))
        return end;
    /* Whether a write outside a transaction was made, nobody knows. A read can be asked again: its connection
     * may have died since its last answer. Not so a read whose answer was awaited in vain: so would the next
     * one's be. */
    if (!reads)
        return RR_DB_FATAL;
    return waited_in_vain(db, begun) ? RR_DB_RETRY : run_once(db, c);
}

enum rr_db rr_mysql_exec(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                         const struct rr_sql_out *out, size_t n_out)
{
    return run(db, &(struct call){.sql = sql, .in = in, .n_in = n_in, .out = out, .n_out = n_out});
}

enum rr_db rr_mysql_each(struct rr_mysql *db, const char *sql, const struct rr_sql_in *in, size_t n_in,
                         const struct rr_sql_out *out, size_t n_out, bool (*row)(void *arg), void *arg)
{
    return run(db,
               &(struct call){
                   .sql = sql, .in = in, .n_in = n_in, .out = out, .n_out = n_out, .row = row, .arg = arg});
}
