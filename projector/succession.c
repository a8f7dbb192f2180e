#include "succession.h"
#include "time.h"
#include "truth.h"

#include <stdio.h>
#include <string.h>

#define LOCK_US     (10 * RR_US_PER_SEC) /* for one who was killed: see take_lock() */
#define TRIES       5                    /* for a table that somebody reads */
#define SWITCH_MS   30000                /* for its answer */
#define FIND_OUT_MS 5000

struct succession {
    const struct store_conf *conf;
    struct store *store; /* holds the lock */
};

static const struct statement sql_try_lock = {NULL,
                                              "SELECT pg_try_advisory_lock(hashtext('projection.rebuild'))"};
/* A roll back was killed. */
static const struct statement sql_settle = {
    NULL, "UPDATE projection.generation SET state = 'retired' WHERE state = 'building' AND serving_since IS "
          "NOT NULL"};
#define LAST_RETIRED                                                                                         \
    "(SELECT generation FROM projection.generation WHERE state = 'retired'"                                  \
    "  ORDER BY retired_at DESC NULLS LAST, generation DESC LIMIT 1)"
static const struct statement sql_useless = {NULL, "SELECT generation FROM projection.generation"
                                                   " WHERE (state = 'retired' AND generation <> " LAST_RETIRED
                                                   ") OR (state = 'building' AND rebuilt)"
                                                   " ORDER BY generation"};
static const struct statement sql_tables = {
    NULL, "SELECT format('DROP TABLE %I.%I', schemaname, tablename) FROM pg_tables"
          " WHERE schemaname = 'g' || $1::integer ORDER BY tablename"};
/* And no word of the functions that go with a schema. */
static const struct statement sql_impatient = {
    NULL,
    "SELECT set_config('lock_timeout', '1s', false), set_config('client_min_messages', 'warning', false)"};
static const struct statement sql_forget_position = {
    NULL, "DELETE FROM projection.position WHERE generation = $1::integer"};
static const struct statement sql_forget = {
    NULL, "DELETE FROM projection.generation WHERE generation = $1::integer"};
static const struct statement sql_build = {
    NULL, "SELECT projection.begin_rebuild($1::text, $2::integer, $3::text, $4::bigint)"};
static const struct statement sql_reopen = {
    NULL, "UPDATE projection.generation SET state = 'building' WHERE generation = " LAST_RETIRED
          " RETURNING generation"};
static const struct statement sql_retire = {NULL, "UPDATE projection.generation SET state = 'retired'"
                                                  " WHERE generation = $1::integer AND state = 'building'"};
static const struct statement sql_commit = {NULL, "COMMIT"};
static const struct statement sql_switch = {NULL, "SELECT projection.switch($1::integer, $2::integer)"};

static int ask_of(struct store *s, const struct statement *st, int32_t number, const PGresult **ret,
                  struct failure *f)
{
    struct params p = {.n = 0};

    params_int4(&p, number);
    return store_ask(s, st, &p, ret, f);
}

int succession_run(struct succession *s, const char *sql, struct failure *f)
{
    const PGresult *res;

    return store_ask(s->store, &(struct statement){.sql = sql}, NULL, &res, f);
}

/* Of one who was killed PostgreSQL notices that only when it looks, once a second (store.c), and has to undo
 * then what that one was at. To tell the next one meanwhile that somebody is at work would be wrong. */
static int take_lock(struct store *s, struct failure *f)
{
    int64_t deadline = rr_time_monotonic() + LOCK_US;
    const PGresult *res;

    for (;;) {
        if (store_ask(s, &sql_try_lock, NULL, &res, f) != 0)
            return -1;
        if (store_bool(res, 0, 0))
            return 0;
        if (rr_time_monotonic() > deadline)
            return fail(f, FAIL_MOVED, "another rebuild is at work");
        truth_wait();
    }
}

int succession_open(const struct store_conf *conf, struct succession **ret, struct failure *f)
{
    struct succession *s = calloc(1, sizeof(*s));
    const PGresult *res;

    if (!s)
        return fail(f, FAIL_POSTGRES, "out of memory");
    s->conf = conf;
    if (store_open(conf, &s->store, f) == 0 && take_lock(s->store, f) == 0 &&
        store_ask(s->store, &sql_settle, NULL, &res, f) == 0) {
        *ret = s;
        return 0;
    }
    succession_close(s);
    return -1;
}

void succession_close(struct succession *s)
{
    if (!s)
        return;
    store_close(s->store);
    free(s);
}

/* ---- dropping ---- */

/* Table by table: whoever reads several at once cannot be met in the middle. What else is in the schema
 * (functions of triggers) goes with it. */
static int drop_tables(struct store *s, int32_t number, struct failure *f)
{
    struct arena arena = {.chunks = NULL};
    const PGresult *res;
    const char **drop;
    int n, end;

    end = ask_of(s, &sql_tables, number, &res, f);
    n = end == 0 ? PQntuples(res) : 0;
    drop = arena_alloc(&arena, ((size_t)n + 1) * sizeof(*drop));
    for (int i = 0; i < n; i++)
        drop[i] = arena_copy(&arena, PQgetvalue(res, i, 0), (size_t)PQgetlength(res, i, 0));
    for (int i = 0; i < n && end == 0; i++)
        end = store_ask(s, &(struct statement){.sql = drop[i]}, NULL, &res, f);
    arena_fini(&arena);
    return end;
}

static int drop(const struct store_conf *conf, int32_t number, struct failure *f)
{
    struct store *s = NULL;
    const PGresult *res;
    char sql[64];
    int end = -1;

    snprintf(sql, sizeof(sql), "DROP SCHEMA IF EXISTS g%d CASCADE", number);
    if (store_open(conf, &s, f) == 0 && store_ask(s, &sql_impatient, NULL, &res, f) == 0 &&
        drop_tables(s, number, f) == 0 && store_ask(s, &(struct statement){.sql = sql}, NULL, &res, f) == 0 &&
        ask_of(s, &sql_forget_position, number, &res, f) == 0)
        end = ask_of(s, &sql_forget, number, &res, f);
    store_close(s);
    return end;
}

int succession_tidy(struct succession *s, int *ret_left, struct failure *f)
{
    const PGresult *useless;
    int left = 0;

    if (store_ask(s->store, &sql_useless, NULL, &useless, f) != 0)
        return -1;
    for (int i = 0; i < PQntuples(useless); i++) {
        int tries = 0;

        while (drop(s->conf, store_int4(useless, i, 0), f) != 0 && ++tries < TRIES)
            truth_wait();
        left += tries == TRIES;
    }
    *ret_left = left; /* *f says why */
    return 0;
}

/* ---- making ---- */

int succession_begin(struct succession *s, const struct generation *like, int64_t next_offset,
                     struct arena *arena, int32_t *ret_number, struct finishing *ret_finishing,
                     struct failure *f)
{
    struct params p = {.n = 0};
    const PGresult *res;

    params_bytes(&p, like->topic, strlen(like->topic));
    params_int4(&p, like->partition);
    params_bytes(&p, *like->cluster_id ? like->cluster_id : NULL, strlen(like->cluster_id));
    params_int8(&p, next_offset);
    if (store_ask(s->store, &sql_build, &p, &res, f) != 0)
        return -1;
    *ret_number = atoi(PQgetvalue(res, 0, 0));
    ret_finishing->n = (size_t)PQntuples(res) - 1;
    ret_finishing->sql = arena_alloc(arena, (ret_finishing->n + 1) * sizeof(*ret_finishing->sql));
    for (size_t i = 0; i < ret_finishing->n; i++)
        ret_finishing->sql[i] =
            arena_copy(arena, PQgetvalue(res, (int)i + 1, 0), (size_t)PQgetlength(res, (int)i + 1, 0));
    return 0;
}

int succession_reopen(struct succession *s, int32_t *ret_number, struct failure *f)
{
    const PGresult *res;

    if (store_ask(s->store, &sql_reopen, NULL, &res, f) != 0)
        return -1;
    if (PQntuples(res) == 0)
        return fail(f, FAIL_NONE, "there is no generation to go back to");
    *ret_number = store_int4(res, 0, 0);
    return 0;
}

int succession_retire(struct succession *s, int32_t number, struct failure *f)
{
    const PGresult *res;

    return ask_of(s->store, &sql_retire, number, &res, f);
}

int succession_position(struct succession *s, int32_t number, int64_t *ret_next_offset, struct failure *f)
{
    struct generation g;

    store_clear(s->store);
    if (generation_find_number(s->store, number, &g, f) != 0)
        return -1;
    *ret_next_offset = g.position.next_offset;
    return 0;
}

/* ---- the switch ---- */

/* Until `number` has got to `offset`. */
static int await_position(struct succession *s, int32_t number, int64_t offset, int64_t us, struct failure *f)
{
    int64_t deadline = rr_time_monotonic() + us, position = 0;

    for (;;) {
        if (succession_position(s, number, &position, f) != 0)
            return -1;
        if (position >= offset)
            return 0;
        if (rr_time_monotonic() > deadline)
            return fail(f, FAIL_POSTGRES, "generation %d stands at %lld and does not get to %lld", number,
                        (long long)position, (long long)offset);
        truth_wait();
    }
}

int succession_switch(struct succession *s, int32_t from, int32_t to, int64_t held_us, bool *ret_sent,
                      struct failure *f)
{
    struct store_conf conf = *s->conf;
    struct store *held = NULL;
    struct params p = {.n = 0};
    struct generation g; /* its writer waits while the transaction lasts */
    int end = -1;

    conf.timeout_ms = SWITCH_MS;
    *ret_sent = false;
    if (store_open(&conf, &held, f) == 0 && generation_lock(held, from, &g, f) == 0 &&
        await_position(s, to, g.position.next_offset, held_us, f) == 0) {
        params_int4(&p, from);
        params_int4(&p, to);
        store_add(held, &sql_switch, &p);
        store_add(held, &sql_commit, NULL);
        *ret_sent = true;
        end = store_trip(held, f);
    }
    store_close(held);
    return end;
}

/* The lock is had when the transaction of the switch has ended, one way or the other, in a connection that
 * nobody holds the other end of any more. */
int succession_find_out(struct succession *s, int32_t from, int32_t to, bool *ret_switched, struct failure *f)
{
    struct store_conf conf = *s->conf;
    struct store *asking = NULL;
    struct generation g;
    int end = -1;

    conf.timeout_ms = FIND_OUT_MS;
    if (store_open(&conf, &asking, f) == 0) {
        end = generation_lock(asking, from, &g, f);
        if (end != 0 && f->kind == FAIL_MOVED)
            end = generation_find_number(asking, to, &g, f);
    }
    store_close(asking);
    if (end == 0)
        *ret_switched = g.position.generation == to && g.position.serving;
    return end;
}
