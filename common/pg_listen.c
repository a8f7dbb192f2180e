#include "pg.h"

#include "log.h"
#include "pg_pipe.h"

#include <stdio.h>
#include <sys/epoll.h>

struct pg_listener {
    struct pg_link link;
    char *channel;
    void (*notified)(void *arg, const char *payload);
    void *arg;
    struct pg_listener *next;
};

static void opened(struct pg_link *k)
{
    struct pg_listener *l = k->owner;
    char sql[2 * 63 + 16];
    char *name = PQescapeIdentifier(k->db, l->channel, strlen(l->channel));

    if (!name || PQsetnonblocking(k->db, 1)) {
        PQfreemem(name);
        pg_link_lose(k, PQerrorMessage(k->db));
        return;
    }
    snprintf(sql, sizeof(sql), "LISTEN %s", name);
    PQfreemem(name);
    if (!PQsendQuery(k->db, sql))
        pg_link_lose(k, PQerrorMessage(k->db));
    else
        pg_link_flush(k);
}

/* False: lost. */
static bool take_result(struct pg_link *k, PGresult *res)
{
    struct pg_listener *l = k->owner;
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    char reason[300];

    snprintf(reason, sizeof(reason), "LISTEN: %s", PQresultErrorMessage(res));
    PQclear(res);
    if (!ok) {
        pg_link_lose(k, reason);
        return false;
    }
    pg_link_settled(k);
    l->notified(l->arg, NULL);
    return true;
}

static void ready(struct pg_link *k, uint32_t events)
{
    struct pg_listener *l = k->owner;
    PGresult *res;
    PGnotify *n;

    if (events & EPOLLOUT && !pg_link_flush(k))
        return;
    if (!PQconsumeInput(k->db)) {
        pg_link_lose(k, PQerrorMessage(k->db));
        return;
    }
    while (!PQisBusy(k->db) && (res = PQgetResult(k->db)))
        if (!take_result(k, res))
            return;
    while ((n = PQnotifies(k->db))) {
        l->notified(l->arg, n->extra);
        PQfreemem(n);
    }
}

static void closed(struct pg_link *k)
{
    (void)k;
}

static void listener_free(struct pg_listener *l)
{
    if (!l)
        return;
    free(l->channel);
    free(l);
}

enum rr_err rr_pg_listen(struct rr_pg *pg, const char *channel,
                         void (*notified)(void *arg, const char *payload), void *arg)
{
    struct pg_listener *l = calloc(1, sizeof(*l));

    if (!l || !(l->channel = strdup(channel))) {
        listener_free(l);
        return RR_NO_MEMORY;
    }
    l->notified = notified;
    l->arg = arg;
    l->link = (struct pg_link){.loop = pg->loop,
                               .conninfo = pg->conf->conninfo,
                               .role = "listen",
                               .opened = opened,
                               .ready = ready,
                               .closed = closed,
                               .owner = l};
    l->next = pg->listeners;
    pg->listeners = l;
    pg_link_start(&l->link);
    return RR_OK;
}

void pg_listeners_free(struct rr_pg *pg)
{
    struct pg_listener *l;

    while ((l = pg->listeners)) {
        pg->listeners = l->next;
        pg_link_stop(&l->link);
        listener_free(l);
    }
}
