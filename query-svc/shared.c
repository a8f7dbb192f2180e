#include "shared.h"

#include "time.h"

static struct shared_ask *of(struct rr_ring *link)
{
    return RR_RING_ENTRY(link, struct shared_ask, link);
}

/* Where the one that was sent for this question is, or would be put. */
static struct shared_ask **place_of(struct shared *sh, const struct shared_ask *a)
{
    struct shared_ask **at = &sh->bucket[a->hash % SHARED_BUCKETS];

    while (*at && !((*at)->hash == a->hash && sh->same(*at, a)))
        at = &(*at)->chain;
    return at;
}

static void forget(struct shared *sh, struct shared_ask *first)
{
    struct shared_ask **at = &sh->bucket[first->hash % SHARED_BUCKETS];

    while (*at != first)
        at = &(*at)->chain;
    *at = first->chain;
}

/* An ending that PostgreSQL has no part in. */
static void end(struct shared_ask *first, enum rr_err err)
{
    first->query.err = err;
    first->query.res = NULL;
    first->query.sqlstate[0] = '\0';
    first->query.message = "";
    first->shared->done(first);
}

static void time_over(struct rr_timer *t)
{
    struct shared_ask *a = t->arg;

    rr_ring_remove(&a->link);
    end(a, RR_DB_BUSY);
}

/* Returns how many there are. */
static unsigned stop_timers(struct shared *sh, struct rr_ring *asks)
{
    unsigned n = 0;

    for (struct rr_ring *l = asks->next; l != asks; l = l->next, n++)
        rr_timer_cancel(sh->loop, &of(l)->timer);
    return n;
}

/* ---- the statement ---- */

static void answered(struct rr_query *q);

static enum rr_err send(struct shared *sh, struct shared_ask *a, struct shared_ask **place)
{
    enum rr_err err;

    a->query.timeout_ms = session_timeout_ms(sh->session, a->give_up);
    a->query.done = answered;
    a->query.arg = a;
    err = a->query.timeout_ms ? rr_pg_submit(sh->session->pg, &a->query) : RR_DB_BUSY;
    if (err)
        return err;
    a->chain = NULL;
    *place = a;
    return RR_OK;
}

/* The statement is that of the one with the most time left: so no other has more. */
static struct shared_ask *most_patient(struct rr_ring *asks)
{
    struct shared_ask *best = of(asks->next);

    for (struct rr_ring *l = asks->next; l != asks; l = l->next)
        if (of(l)->give_up > best->give_up)
            best = of(l);
    return best;
}

static void send_for(struct shared *sh, struct rr_ring *waiting)
{
    struct shared_ask *first = most_patient(waiting);
    enum rr_err err;

    rr_ring_remove(&first->link);
    rr_timer_cancel(sh->loop, &first->timer);
    rr_ring_move(&first->joined, waiting);
    err = send(sh, first, place_of(sh, first));
    if (!err)
        return;
    stop_timers(sh, &first->joined);
    end(first, err);
}

static void answered(struct rr_query *q)
{
    struct shared_ask *first = q->arg;
    struct shared *sh = first->shared;
    struct rr_ring waiting;

    forget(sh, first);
    rr_ring_move(&waiting, &first->waiting);
    rr_counter_add(sh->told, stop_timers(sh, &first->joined));
    sh->done(first);
    if (!rr_ring_empty(&waiting))
        send_for(sh, &waiting);
}

/* ---- who comes ---- */

/* One that has waited to be sent for long will be given up soon, and whoever joins it with it. */
static bool can_join(const struct shared *sh, const struct shared_ask *first, const struct shared_ask *a)
{
    int64_t enough = (int64_t)session_timeout_ms(sh->session, a->give_up) * 1000 / 2;

    if (rr_pg_is_sent(&first->query) && !a->any_age)
        return false;
    return first->query.timer.due >= rr_time_monotonic() + enough;
}

enum rr_err shared_submit(struct shared *sh, struct shared_ask *a)
{
    struct shared_ask **place = place_of(sh, a), *first = *place;
    enum rr_err err;

    a->shared = sh;
    rr_ring_init(&a->joined);
    rr_ring_init(&a->waiting);
    if (!first)
        return send(sh, a, place);
    a->timer = (struct rr_timer){.fire = time_over, .arg = a};
    err = rr_timer_arm(sh->loop, &a->timer, a->give_up);
    if (err)
        return err;
    rr_ring_add(can_join(sh, first, a) ? &first->joined : &first->waiting, &a->link);
    return RR_OK;
}

void shared_init(struct shared *sh, struct rr_loop *l, struct session *s,
                 bool (*same)(const struct shared_ask *a, const struct shared_ask *b),
                 void (*done)(struct shared_ask *first))
{
    *sh = (struct shared){.loop = l, .session = s, .same = same, .done = done};
    sh->told = rr_counter("rr_reads_shared_total",
                          "reads that were given the answer of another one's statement", NULL);
}
