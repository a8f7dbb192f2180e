#include "pg_link.h"

#include "log.h"
#include "time.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#define CONNECT_US     (5 * RR_US_PER_SEC)
#define BACKOFF_MIN_US INT64_C(50000)
#define BACKOFF_MAX_US (2 * RR_US_PER_SEC)

static void connect_start(struct pg_link *k);

static void timer_due(struct rr_timer *t)
{
    struct pg_link *k = t->arg;

    if (k->state == PG_LINK_DOWN)
        connect_start(k);
    else
        pg_link_lose(k, "no connection within 5 s");
}

static int64_t backoff(struct pg_link *k)
{
    int64_t us = BACKOFF_MAX_US;

    if (k->tries < 6)
        us = BACKOFF_MIN_US << k->tries++;
    if (us > BACKOFF_MAX_US)
        us = BACKOFF_MAX_US;
    return us / 2 + arc4random_uniform((uint32_t)us / 2 + 1);
}

/* A timer that cannot be armed would leave the connection down for ever; the process cannot go on without
 * memory. */
static void arm(struct pg_link *k, int64_t in_us)
{
    if (rr_timer_arm(k->loop, &k->timer, rr_time_monotonic() + in_us) != RR_OK)
        RR_BUG("no memory for the timer of a connection");
}

static void shut(struct pg_link *k)
{
    rr_loop_unwatch(k->loop, &k->watch);
    rr_timer_cancel(k->loop, &k->timer);
    PQfinish(k->db);
    k->db = NULL;
    k->events = 0;
    k->state = PG_LINK_DOWN;
}

static void tell_lost(struct pg_link *k, const char *reason)
{
    char line[300];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s", reason);

    if (len >= sizeof(line))
        len = sizeof(line) - 1;
    while (len > 0 && line[len - 1] == '\n')
        line[--len] = '\0';
    rr_log(k->told ? RR_LOG_DEBUG : RR_LOG_WARN, NULL, "postgres lost", "role=%s loop=%d reason=%s", k->role,
           rr_loop_index(k->loop), RR_Q(line));
    k->told = true;
}

void pg_link_lose(struct pg_link *k, const char *reason)
{
    enum pg_link_state was = k->state;

    tell_lost(k, reason);
    shut(k);
    arm(k, backoff(k));
    if (was == PG_LINK_UP)
        rr_gauge_add(k->up, -1);
    else
        k->failed = true;
    k->closed(k);
}

void pg_link_stop(struct pg_link *k)
{
    enum pg_link_state was = k->state;

    shut(k);
    k->failed = true;
    if (was == PG_LINK_UP)
        rr_gauge_add(k->up, -1);
    k->closed(k);
}

void pg_link_settled(struct pg_link *k)
{
    rr_timer_cancel(k->loop, &k->timer);
    k->state = PG_LINK_UP;
    k->tries = 0;
    k->failed = false;
    k->told = false;
    rr_gauge_add(k->up, 1);
    rr_info("postgres up", "role=%s loop=%d server=%d backend=%d", k->role, rr_loop_index(k->loop),
            PQserverVersion(k->db), PQbackendPID(k->db));
}

static bool watch(struct pg_link *k, uint32_t events)
{
    int err;

    if (k->events == events)
        return true;
    k->watch.fd = PQsocket(k->db);
    err = rr_loop_watch(k->loop, &k->watch, events);
    if (err) {
        pg_link_lose(k, strerrordesc_np(-err));
        return false;
    }
    k->events = events;
    return true;
}

bool pg_link_want_out(struct pg_link *k, bool out)
{
    return watch(k, out ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool pg_link_flush(struct pg_link *k)
{
    int more = PQflush(k->db);

    if (more < 0) {
        pg_link_lose(k, PQerrorMessage(k->db));
        return false;
    }
    return pg_link_want_out(k, more > 0);
}

/* libpq may have closed its socket and opened another one (next address, no TLS), perhaps with the same
 * number: so it is unwatched before each step and watched again after it. */
static void connect_step(struct pg_link *k)
{
    PostgresPollingStatusType next;

    rr_loop_unwatch(k->loop, &k->watch);
    k->events = 0;
    next = PQconnectPoll(k->db);
    switch (next) {
    case PGRES_POLLING_READING: watch(k, EPOLLIN); break;
    case PGRES_POLLING_WRITING: watch(k, EPOLLOUT); break;
    case PGRES_POLLING_OK:
        if (!watch(k, EPOLLIN))
            break;
        k->state = PG_LINK_SETTLING;
        k->opened(k);
        break;
    default: pg_link_lose(k, PQerrorMessage(k->db)); break;
    }
}

static void socket_ready(struct rr_watch *w, uint32_t events)
{
    struct pg_link *k = w->arg;

    if (k->state == PG_LINK_CONNECTING)
        connect_step(k);
    else if (k->state != PG_LINK_DOWN)
        k->ready(k, events);
}

/* libpq writes notices to standard error by itself, past our log. */
static void notice(void *arg, const char *message)
{
    (void)arg;
    rr_debug("postgres notice", "text=%s", RR_Q(message));
}

static void connect_start(struct pg_link *k)
{
    /* What stands before dbname can be overridden by the connection string, what stands after it cannot. The
     * keepalives notice within 30 s that the other side has gone without a word. */
    static const char *const keys[] = {"fallback_application_name",
                                       "keepalives_idle",
                                       "keepalives_interval",
                                       "keepalives_count",
                                       "dbname",
                                       "client_encoding",
                                       NULL};
    const char *const values[] = {program_invocation_short_name, "15", "5", "3", k->conninfo, "UTF8", NULL};

    k->state = PG_LINK_CONNECTING;
    arm(k, CONNECT_US);
    k->db = PQconnectStartParams(keys, values, 1);
    if (!k->db) {
        pg_link_lose(k, "out of memory");
        return;
    }
    if (PQstatus(k->db) == CONNECTION_BAD) {
        pg_link_lose(k, PQerrorMessage(k->db));
        return;
    }
    PQsetNoticeProcessor(k->db, notice, NULL);
    watch(k, EPOLLOUT);
}

void pg_link_start(struct pg_link *k)
{
    char label[32];

    snprintf(label, sizeof(label), "role=\"%s\"", k->role);
    k->up = rr_gauge("rr_pg_up", "connections to PostgreSQL that stand", label);
    k->watch = (struct rr_watch){.ready = socket_ready, .arg = k, .fd = -1};
    k->timer = (struct rr_timer){.fire = timer_due, .arg = k};
    connect_start(k);
}
