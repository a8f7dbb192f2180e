/* pg_link: one connection to PostgreSQL in a loop: made without blocking, watched, and made again when it is
 * lost.
 *
 *   DOWN ──timer──► CONNECTING ──opened()──► SETTLING ──pg_link_settled()──► UP
 *    ▲                  │                       │                            │
 *    └──────────────────┴────────── pg_link_lose(): closed() ◄───────────────┘
 *
 * Between DOWN and CONNECTING lie 50 ms to 2 s, doubled each time, with jitter, so that many programs do not
 * come back in step. From CONNECTING to UP it has 5 s. One log line when it stands, one when it is lost;
 * further failures are debug lines. Looking up a host name blocks the loop (libpq has no other way): give an
 * address, or a name that the machine knows by itself.
 *
 * Internal to rr_pg; everything in the loop's thread. */
#pragma once

#include "http/loop.h"
#include "metrics.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum pg_link_state { PG_LINK_DOWN, PG_LINK_CONNECTING, PG_LINK_SETTLING, PG_LINK_UP };

struct pg_link {
    struct rr_loop *loop;
    const char *conninfo;
    const char *role; /* "query", "statistics" (slow ones) or "listen", for the log and the gauge */
    void (*opened)(struct pg_link *); /* connected: set the session up, then call pg_link_settled() */
    void (*ready)(struct pg_link *, uint32_t events);
    void (*closed)(struct pg_link *); /* it is lost, or a try to make it has failed; `db` is gone */
    void *owner;
    /* pg_link's own; the owner reads */
    PGconn *db;
    enum pg_link_state state;
    struct rr_watch watch;
    uint32_t events;
    struct rr_timer timer;
    unsigned tries;
    bool failed; /* a try has, since it last stood; or there will be none */
    bool told;
    struct rr_gauge *up;
};

void pg_link_start(struct pg_link *k); /* first try: at once */
void pg_link_settled(struct pg_link *k);
void pg_link_lose(struct pg_link *k, const char *reason); /* may be called in any state but DOWN */
void pg_link_stop(struct pg_link *k);                     /* calls closed(); no new try */
/* EPOLLOUT beside EPOLLIN or not. False: lost. */
bool pg_link_want_out(struct pg_link *k, bool out);
/* Send what libpq has buffered, wait for writability only while there is more. False: lost. */
bool pg_link_flush(struct pg_link *k);
