#include "generation.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define FIND                                                                                                 \
    "SELECT g.generation, g.state, p.topic, p.partition, p.next_offset, coalesce(p.cluster_id, ''),"         \
    "       p.parked_epoch, p.as_of, p.parked, coalesce(p.halted, ''), coalesce(p.halted_reason, ''),"       \
    "       p.fingerprint, p.unproven_since IS NOT NULL"                                                     \
    " FROM projection.generation g JOIN projection.position p USING (generation)"
/* What a rebuild fills, or a roll back brings up to date, is theirs. */
static const struct statement sql_find = {
    NULL, FIND " WHERE g.state = 'serving'"
               " OR (g.state = 'building' AND NOT g.rebuilt AND g.serving_since IS NULL)"
               " ORDER BY g.state = 'serving' DESC, g.generation LIMIT 1"};
static const struct statement sql_find_number = {
    NULL, FIND " WHERE g.generation = $1::integer AND g.state <> 'retired'"};
static const struct statement sql_begin = {NULL, "BEGIN"};
static const struct statement sql_lock_all = {
    NULL, "SELECT pg_advisory_xact_lock(hashtext('projection.generation'))"};
/* Alone: a statement that has waited for a lock reads the locked row anew, and all other tables as they were
 * before it waited. What it means is asked by the next one. */
static const struct statement sql_lock = {
    NULL, "SELECT FROM projection.position WHERE generation = $1::integer FOR UPDATE"};
/* Those who have locked a position and are waited for by the server in the middle of a statement. The lock is
 * one of the table. */
static const struct statement sql_end_stalled = {
    NULL, "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a"
          " WHERE a.datname = current_database() AND a.usename = current_user AND a.state = 'active'"
          "   AND a.wait_event_type = 'Client' AND a.query_start < clock_timestamp() - interval '2 s'"
          "   AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.mode <> 'AccessShareLock'"
          "                AND l.relation = 'projection.position'::regclass)"};
static const struct statement sql_create = {NULL,
                                            "SELECT projection.create_generation($1::text, 0, $2::text)"};
static const struct statement sql_commit = {NULL, "COMMIT"};
static const struct statement sql_show = {NULL, "SELECT projection.show()"};
static const struct statement sql_halt = {NULL, "SELECT projection.halt($1::integer, $2::text, $3::text)"};
static const struct statement sql_replace_log = {
    NULL, "SELECT projection.replace_log($1::integer, $2::bigint, $3::bigint, $4::bigint, $5::text)"};

static void take_generation(const PGresult *res, struct generation *ret)
{
    *ret = (struct generation){.found = PQntuples(res) > 0};
    if (!ret->found)
        return;
    ret->position.generation = store_int4(res, 0, 0);
    snprintf(ret->state, sizeof(ret->state), "%s", store_text(res, 0, 1).s);
    ret->position.serving = strcmp(ret->state, "serving") == 0;
    snprintf(ret->topic, sizeof(ret->topic), "%s", store_text(res, 0, 2).s);
    ret->partition = store_int4(res, 0, 3);
    ret->position.next_offset = store_int8(res, 0, 4);
    snprintf(ret->cluster_id, sizeof(ret->cluster_id), "%s", store_text(res, 0, 5).s);
    ret->position.parked_epoch = store_int8(res, 0, 6);
    ret->position.as_of = PQgetisnull(res, 0, 7) ? 0 : store_time(res, 0, 7);
    ret->position.parked = store_int4(res, 0, 8);
    snprintf(ret->halted, sizeof(ret->halted), "%s", store_text(res, 0, 9).s);
    snprintf(ret->halted_reason, sizeof(ret->halted_reason), "%s", store_text(res, 0, 10).s);
    ret->has_fingerprint = PQgetlength(res, 0, 11) == sizeof(ret->fingerprint);
    if (ret->has_fingerprint)
        ret->fingerprint = (uint64_t)store_int8(res, 0, 11); /* as add_advance() has put it */
    ret->position.unproven = store_bool(res, 0, 12);
}

int generation_find(struct store *s, struct generation *ret, struct failure *f)
{
    int found = store_add(s, &sql_find, NULL);

    if (store_trip(s, f) != 0)
        return -1;
    take_generation(store_result(s, found), ret);
    store_clear(s);
    return 0;
}

int generation_find_number(struct store *s, int32_t number, struct generation *ret, struct failure *f)
{
    struct params p = {.n = 0};
    int found;

    if (!number)
        return generation_find(s, ret, f);
    params_int4(&p, number);
    found = store_add(s, &sql_find_number, &p);
    if (store_trip(s, f) != 0)
        return -1;
    take_generation(store_result(s, found), ret);
    store_clear(s);
    return ret->found ? 0 : fail(f, FAIL_MOVED, "generation %d is not there, or has retired", number);
}

int generation_lock(struct store *s, int32_t number, struct generation *ret, struct failure *f)
{
    struct params p = {.n = 0};
    int found;

    store_clear(s);
    params_int4(&p, number);
    store_add(s, &sql_begin, NULL);
    store_add(s, &sql_lock, &p);
    found = store_add(s, &sql_find_number, &p);
    if (store_trip(s, f) != 0)
        return -1;
    take_generation(store_result(s, found), ret);
    store_clear(s);
    return ret->found ? 0
                      : fail(f, FAIL_MOVED, "generation %d has retired, and another one serves: run it again",
                             number);
}

static int find_or_create(struct store *s, const char *topic, const char *cluster_id, struct generation *ret,
                          struct failure *f)
{
    struct params p = {.n = 0};
    int found;

    store_add(s, &sql_begin, NULL);
    store_add(s, &sql_lock_all, NULL);
    found = store_add(s, &sql_find, NULL);
    if (store_trip(s, f) != 0)
        return -1;
    take_generation(store_result(s, found), ret);
    if (!ret->found) {
        params_bytes(&p, topic, strlen(topic));
        params_bytes(&p, cluster_id, cluster_id ? strlen(cluster_id) : 0);
        store_add(s, &sql_create, &p);
        found = store_add(s, &sql_find, NULL);
    }
    store_add(s, &sql_commit, NULL);
    if (store_trip(s, f) != 0)
        return -1;
    take_generation(store_result(s, found), ret);
    store_clear(s);
    return 0;
}

/* A projector that is stopped or cut off inside a batch holds the position against all others, and inside a
 * statement, above all COPY, none of PostgreSQL's time-outs ends that: they are not looked at while the
 * server waits for its client. What is ended is undone; should that one be merely slow, it begins again. */
static int end_stalled(struct store *s, struct failure *f)
{
    const PGresult *res;

    if (store_ask(s, &sql_end_stalled, NULL, &res, f) != 0)
        return -1;
    if (PQntuples(res) > 0)
        rr_warn("a projector stood still inside a batch: its connection was ended", "connections=%d",
                PQntuples(res));
    store_clear(s);
    return 0;
}

int generation_open(struct store *s, int32_t number, const char *topic, const char *cluster_id,
                    struct generation *ret, struct failure *f)
{
    if (end_stalled(s, f) != 0)
        return -1;
    if (generation_find_number(s, number, ret, f) != 0)
        return -1;
    if (number)
        ret->position.serving = true; /* when it serves is not decided by its first pulse */
    if (!ret->found && find_or_create(s, topic, cluster_id, ret, f) != 0)
        return -1;
    if (strcmp(ret->topic, topic) != 0)
        return fail(f, FAIL_KAFKA, "generation %d is filled from topic %s, not from %s",
                    ret->position.generation, ret->topic, topic);
    return 0;
}

int generation_halt(struct store *s, int32_t generation, const char *kind, const char *reason,
                    struct failure *f)
{
    struct params v = {.n = 0};

    params_int4(&v, generation);
    params_bytes(&v, kind, strlen(kind));
    params_bytes(&v, reason, strlen(reason));
    store_add(s, &sql_halt, &v);
    return store_trip(s, f);
}

int generation_replace_log(struct store *s, const struct position *p, int64_t begin, const char *cluster_id,
                           struct failure *f)
{
    struct params v = {.n = 0};

    params_int4(&v, p->generation);
    params_int8(&v, p->next_offset);
    params_int8(&v, p->parked_epoch);
    params_int8(&v, begin);
    params_bytes(&v, cluster_id, cluster_id ? strlen(cluster_id) : 0);
    store_add(s, &sql_replace_log, &v);
    return store_trip(s, f);
}

void generation_show(struct store *s)
{
    struct failure f;

    store_clear(s);
    store_add(s, &sql_show, NULL);
    if (store_trip(s, &f) != 0)
        rr_warn("the views of read_model wait to be replaced", "reason=%s", RR_Q(f.text));
}
