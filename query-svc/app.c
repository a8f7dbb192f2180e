#include "app.h"

#include "read.h"

#include <stdio.h>

/* The projector has applied something, or, with payload NULL, may have: the connection is new, and so may be
 * what the server knows. */
static void notified(void *arg, const char *payload)
{
    struct query_loop *ql = arg;

    if (!payload)
        zones_ask(&ql->zones);
    waiters_notified(&ql->waiters);
    feed_notified(&ql->feed);
}

enum rr_err query_loop_init(struct rr_loop *l, void *app, void **ret_loop_app)
{
    struct query_loop *ql = calloc(1, sizeof(*ql));
    enum rr_err err = RR_NO_MEMORY;

    if (!ql)
        return RR_NO_MEMORY;
    ql->conf = app;
    err = session_new(l, &ql->conf->pg, &ql->session);
    ql->pg = ql->session.pg;
    if (!err) {
        read_shared_init(ql, l);
        waiters_init(&ql->waiters, l, &ql->session, &ql->conf->pg, &ql->conf->waiters);
        feed_init(&ql->feed, l, &ql->session, &ql->conf->pg, &ql->conf->feed);
        zones_init(&ql->zones, l, ql->pg, ql->conf->pg.timeout_ms);
        err = rr_pg_listen(ql->pg, "projection", notified, ql);
    }
    if (err) {
        query_loop_fini(l, ql);
        return err;
    }
    *ret_loop_app = ql;
    return RR_OK;
}

void query_loop_fini(struct rr_loop *l, void *loop_app)
{
    struct query_loop *ql = loop_app;

    (void)l;
    if (!ql)
        return;
    /* The check that is under way still points at the waiters: their list is emptied first, its memory freed
     * last. */
    waiters_end(&ql->waiters);
    feed_end(&ql->feed);
    zones_end(&ql->zones);
    rr_pg_free(ql->pg);
    waiters_fini(&ql->waiters);
    feed_fini(&ql->feed);
    zones_fini(&ql->zones);
    free(ql);
}
