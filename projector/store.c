#include "store.h"
#include "log.h"
#include "time.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define MAX_RESULTS 192
#define STOP_MS     5000

struct store {
    PGconn *conn;
    uint32_t timeout_ms;
    int stop;         /* -1: none */
    int64_t deadline; /* of the trip */
    PGresult *results[MAX_RESULTS];
    int n_results, n_sent;   /* answers that are there; statements collected */
    bool (*work)(void *arg); /* NULL: none */
    void *work_arg;
    bool broken; /* collecting failed: the trip says so */
};

/* ---- parameters ---- */

void params_bytes(struct params *p, const void *data, size_t len)
{
    p->values[p->n] = data;
    p->lengths[p->n++] = (int)len;
}

void params_null(struct params *p)
{
    params_bytes(p, NULL, 0);
}

void params_int4(struct params *p, int32_t v)
{
    uint32_t be = htobe32((uint32_t)v);

    memcpy(p->plain[p->n], &be, sizeof(be));
    params_bytes(p, p->plain[p->n], sizeof(be));
}

void params_int8(struct params *p, int64_t v)
{
    uint64_t be = htobe64((uint64_t)v);

    memcpy(p->plain[p->n], &be, sizeof(be));
    params_bytes(p, p->plain[p->n], sizeof(be));
}

void params_bool(struct params *p, bool v)
{
    p->plain[p->n][0] = (char)v;
    params_bytes(p, p->plain[p->n], 1);
}

void params_time(struct params *p, int64_t us)
{
    params_int8(p, us - PG_EPOCH_US);
}

void params_array(struct params *p, struct pgarray *a)
{
    pgarray_end(a);
    if (a->buf.failed) { /* half an array might pass for a whole one */
        rr_error("out of memory", "bytes=%zu", a->buf.len);
        abort();
    }
    params_bytes(p, a->buf.data, a->buf.len);
}

/* ---- results ---- */

const PGresult *store_result(const struct store *s, int number)
{
    return s->results[number];
}

void store_clear_from(struct store *s, int number)
{
    for (int i = number; i < s->n_results; i++)
        PQclear(s->results[i]);
    s->n_results = s->n_sent = number;
}

void store_clear(struct store *s)
{
    store_clear_from(s, 0);
}

int32_t store_int4(const PGresult *res, int row, int column)
{
    uint32_t v;

    memcpy(&v, PQgetvalue(res, row, column), sizeof(v));
    return (int32_t)be32toh(v);
}

int64_t store_int8(const PGresult *res, int row, int column)
{
    uint64_t v;

    memcpy(&v, PQgetvalue(res, row, column), sizeof(v));
    return (int64_t)be64toh(v);
}

bool store_bool(const PGresult *res, int row, int column)
{
    return *PQgetvalue(res, row, column) != 0;
}

int64_t store_time(const PGresult *res, int row, int column)
{
    int64_t us;

    if (__builtin_add_overflow(store_int8(res, row, column), PG_EPOCH_US, &us)) /* infinity */
        return INT64_MAX;
    return us;
}

struct text store_text(const PGresult *res, int row, int column)
{
    if (PQgetisnull(res, row, column))
        return (struct text){.s = NULL};
    return (struct text){.s = PQgetvalue(res, row, column), .n = (size_t)PQgetlength(res, row, column)};
}

/* ---- a trip ---- */

void store_while_waiting(struct store *s, bool (*work)(void *arg), void *arg)
{
    s->work = work;
    s->work_arg = arg;
}

static int lost(const struct store *s, struct failure *f)
{
    const char *why = PQerrorMessage(s->conn);

    fail(f, FAIL_POSTGRES, "PostgreSQL: %s", *why ? why : "the connection is lost");
    f->text[strcspn(f->text, "\n")] = '\0';
    return -1;
}

static int wait_for(struct store *s, short events, struct failure *f)
{
    struct pollfd p[] = {{.fd = PQsocket(s->conn), .events = events}, {.fd = s->stop, .events = POLLIN}};
    int64_t now = rr_time_monotonic(), left = s->deadline - now;

    if (left <= 0)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: no answer within %u ms", s->timeout_ms);
    while (s->work && poll(p, RR_LEN(p), 0) == 0 && s->work(s->work_arg))
        ;
    poll(p, RR_LEN(p), (int)(left / 1000) + 1);
    if (p[1].revents) {
        s->stop = -1; /* it stays readable */
        if (s->timeout_ms > STOP_MS)
            s->timeout_ms = STOP_MS;
        if (left > (int64_t)s->timeout_ms * 1000)
            s->deadline = now + (int64_t)s->timeout_ms * 1000;
    }
    return 0;
}

/* The socket is read while it is written: the server may wait for its answers to be taken before it reads on.
 */
static int flush_out(struct store *s, struct failure *f)
{
    int rest;

    while ((rest = PQflush(s->conn)) > 0)
        if (wait_for(s, POLLIN | POLLOUT, f) != 0 || !PQconsumeInput(s->conn))
            return f->kind ? -1 : lost(s, f);
    return rest < 0 ? lost(s, f) : 0;
}

static int next_result(struct store *s, PGresult **ret, struct failure *f)
{
    while (PQisBusy(s->conn)) {
        if (wait_for(s, POLLIN, f) != 0)
            return -1;
        if (!PQconsumeInput(s->conn))
            return lost(s, f);
    }
    *ret = PQgetResult(s->conn);
    return 0;
}

static int sql_error(const struct store *s, const PGresult *res, struct failure *f)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    enum failure_kind kind = FAIL_POSTGRES;

    if (!state)
        return lost(s, f);
    if (strcmp(state, "RR001") == 0)
        kind = FAIL_MOVED;
    else if (strcmp(state, "RR002") == 0)
        kind = FAIL_HALTED;
    else if (memcmp(state, "22", 2) == 0 || memcmp(state, "23", 2) == 0 || memcmp(state, "54", 2) == 0)
        kind = FAIL_MESSAGE;
    return fail(f, kind, "PostgreSQL: %s%s%s (SQLSTATE %s)", message ? message : "", detail ? ": " : "",
                detail ? detail : "", state);
}

/* One statement's answer: its result and the NULL that ends it. */
static int take_answer(struct store *s, struct failure *f)
{
    PGresult *res, *end;

    if (next_result(s, &res, f) != 0)
        return -1;
    if (!res)
        return lost(s, f);
    s->results[s->n_results++] = res;
    switch (PQresultStatus(res)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: break;
    default: return sql_error(s, res, f);
    }
    return next_result(s, &end, f);
}

static void start_clock(struct store *s, struct failure *f)
{
    s->deadline = rr_time_monotonic() + (int64_t)s->timeout_ms * 1000;
    f->kind = FAIL_NONE;
}

int store_trip(struct store *s, struct failure *f)
{
    PGresult *sync;

    start_clock(s, f);
    if (s->broken || !PQpipelineSync(s->conn))
        return lost(s, f);
    if (flush_out(s, f) != 0)
        return -1;
    while (s->n_results < s->n_sent)
        if (take_answer(s, f) != 0)
            return -1;
    if (next_result(s, &sync, f) != 0)
        return -1;
    if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
        PQclear(sync);
        return lost(s, f);
    }
    PQclear(sync);
    return 0;
}

int store_add(struct store *s, const struct statement *st, const struct params *p)
{
    static const int binary[STORE_PARAMS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    int n = p ? p->n : 0, sent = 0;

    if (s->n_sent < MAX_RESULTS) {
        if (st->name)
            sent = PQsendQueryPrepared(s->conn, st->name, n, n ? p->values : NULL, n ? p->lengths : NULL,
                                       binary, 1);
        else
            sent = PQsendQueryParams(s->conn, st->sql, n, NULL, n ? p->values : NULL, n ? p->lengths : NULL,
                                     binary, 1);
    }
    s->broken |= !sent;
    return s->n_sent++;
}

int store_ask(struct store *s, const struct statement *st, const struct params *p, const PGresult **ret,
              struct failure *f)
{
    int number;

    store_clear(s);
    number = store_add(s, st, p);
    if (store_trip(s, f) != 0)
        return -1;
    *ret = store_result(s, number);
    return 0;
}

/* ---- COPY: libpq cannot do it in a pipeline, which is left for as long ---- */

static int expect(struct store *s, ExecStatusType status, struct failure *f)
{
    PGresult *res;
    int end;

    if (next_result(s, &res, f) != 0)
        return -1;
    if (!res)
        return lost(s, f);
    end = PQresultStatus(res) == status ? 0 : sql_error(s, res, f);
    PQclear(res);
    return end;
}

int store_copy_begin(struct store *s, const char *sql, struct failure *f)
{
    start_clock(s, f);
    if (s->broken || !PQexitPipelineMode(s->conn) || !PQsendQuery(s->conn, sql))
        return lost(s, f);
    return flush_out(s, f) == 0 ? expect(s, PGRES_COPY_IN, f) : -1;
}

int store_copy_put(struct store *s, const char *data, size_t len, struct failure *f)
{
    start_clock(s, f);
    return PQputCopyData(s->conn, data, (int)len) == 1 ? flush_out(s, f) : lost(s, f);
}

int store_copy_end(struct store *s, struct failure *f)
{
    PGresult *none;

    start_clock(s, f);
    if (PQputCopyEnd(s->conn, NULL) != 1)
        return lost(s, f);
    if (flush_out(s, f) != 0 || expect(s, PGRES_COMMAND_OK, f) != 0 || next_result(s, &none, f) != 0)
        return -1;
    return PQenterPipelineMode(s->conn) ? 0 : lost(s, f);
}

/* ---- a connection ---- */

void store_use_schema(struct store *s, const char *schema)
{
    struct params p = {.n = 0};

    params_bytes(&p, schema, strlen(schema));
    store_add(s, &(struct statement){.sql = "SELECT set_config('search_path', $1::text, false)"}, &p);
}

int store_prepare(struct store *s, const struct statement *const *statements, size_t n, struct failure *f)
{
    for (size_t i = 0; i < n; i++) {
        s->broken |= !PQsendPrepare(s->conn, statements[i]->name, statements[i]->sql, 0, NULL);
        s->n_sent++;
    }
    return store_trip(s, f);
}

static int set_up(struct store *s, bool synchronous_commit, struct failure *f)
{
    static const char *const settings[] = {
        /* A stopped projector must not hold the position's row against the one that takes over. */
        "SET idle_in_transaction_session_timeout = '5s'",
        /* Nor a killed one what a long statement holds (an index, an ANALYZE, a wait for a lock): else
           PostgreSQL would look for its client only after that. */
        "SET client_connection_check_interval = '1s'",
        /* The tables grow from nothing: a plan made for few rows reads all of them a minute later. Look-ups
           by key are right at any size. */
        "SET plan_cache_mode = force_generic_plan",
        "SET enable_seqscan = off",
        "SET enable_hashjoin = off",
        "SET enable_mergejoin = off",
        "SET jit = off",
    };

    for (size_t i = 0; i < RR_LEN(settings); i++)
        store_add(s, &(struct statement){.sql = settings[i]}, NULL);
    store_add(s,
              &(struct statement){.sql = synchronous_commit ? "SET synchronous_commit = on"
                                                            : "SET synchronous_commit = off"},
              NULL);
    return store_trip(s, f);
}

int store_open(const struct store_conf *conf, struct store **ret, struct failure *f)
{
    /* What stands before dbname can be overruled by the connection string. */
    static const char *const keywords[] = {"connect_timeout", "fallback_application_name", "dbname", NULL};
    const char *const values[] = {"5", "projector", conf->conninfo, NULL};
    struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: out of memory");
    s->timeout_ms = conf->timeout_ms;
    s->stop = conf->stop ? *conf->stop : -1;
    s->conn = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(s->conn) != CONNECTION_OK || PQsetnonblocking(s->conn, 1) != 0 ||
        !PQenterPipelineMode(s->conn))
        lost(s, f);
    else if (set_up(s, conf->synchronous_commit, f) == 0) {
        store_clear(s);
        *ret = s;
        return 0;
    }
    store_close(s);
    return -1;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_clear(s);
    PQfinish(s->conn);
    free(s);
}
