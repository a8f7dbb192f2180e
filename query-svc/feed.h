/* feed: the event streams of one loop.
 *
 * A stream is live when it has been told everything up to feed.n. At each NOTIFY of the projector (once a
 * batch) one query reads what came after that, for all live streams together. One that goes on from an older
 * id, or that began before feed.n, reads for itself, window by window and only as fast as its client takes
 * it, until it has caught up. Rows become visible in the order of their numbers (see the migration), so
 * whoever has read up to n misses nothing and gets nothing twice. NOTIFY only hastens: after a LISTEN
 * reconnect and at each heartbeat the same question is asked.
 *
 * Numbers belong to a generation. Each answer says which one it is from; with another one all streams get a
 * reset and go on from its newest number. Threads: belongs to its loop. */
#pragma once

#include "event.h"
#include "session.h"

#include "http/http.h"
#include "metrics.h"

#include <stdbool.h>
#include <stdint.h>

enum { FEED_PARAMS = 3, FEED_NUMBER = 24 };

struct feed_conf {
    uint32_t streams, streams_user, buffer_bytes, heartbeat_s, stream_s;
};

/* The one statement of the feed: events with numbers in ($1, $2], at most $3. Its answer says which
 * generation serves, and its newest number in COL_DATA. */
extern const struct rr_pg_stmt feed_stmt;
struct feed_question {
    struct rr_query query;
    char text[FEED_PARAMS][FEED_NUMBER];
};

struct feed_stream {
    /* The caller fills in: */
    struct rr_req *r;
    struct event_filter filter;
    /* feed's own */
    struct feed *feed; /* NULL: not in it */
    struct feed_stream *next, *prev;
    int64_t n, began;        /* n: everything up to this number was told, or is not for this stream */
    size_t given;            /* bytes, since it last asked for itself */
    bool live, asking, full; /* full: its client has not taken all of it yet */
    struct feed_question question;
};

/* What an answer of feed_stmt says of the read model. */
struct feed_state {
    int generation;
    int64_t newest, as_of;
};

struct feed {
    struct rr_loop *loop;
    struct session *session;
    const struct feed_conf *conf;
    uint32_t timeout_ms, n_streams, n_asking;
    struct feed_stream head; /* a ring; of those behind the first ones ask first */
    int generation;
    int64_t n, asked; /* asked: n at the question under way */
    int64_t as_of;    /* live streams have been told all that was committed before it */
    struct feed_question question;
    bool under_way, again, ended;
    struct rr_timer retry, heartbeat;
    struct rr_buf frame[EVENT_VIEWS]; /* the event at hand, by view; rendered once for all */
    struct rr_gauge *streams;
    struct rr_counter *sent, *cut;
};

void feed_init(struct feed *f, struct rr_loop *l, struct session *s, const struct rr_pg_conf *pg,
               const struct feed_conf *conf);
/* Nothing is asked any more. Then free the connections, then feed_fini(); the streams have left before. */
void feed_end(struct feed *f);
void feed_fini(struct feed *f);

/* The projector has applied something, or may have. */
void feed_notified(struct feed *f);

/* Whether there is no place for a stream with this filter: all are taken, or as many as one user may have.
 * Administrators are bound by the first only. */
bool feed_is_full(const struct feed *f, const struct event_filter *filter);
/* `s` has just been answered with rr_reply_stream(). `last`: the client has been told everything up to it, in
 * the generation of `at`; < 0: nothing yet. `reset`: what the client knows is void. */
void feed_join(struct feed *f, struct feed_stream *s, const struct feed_state *at, int64_t last, bool reset);
/* Its client has taken all there was. */
void feed_drained(struct feed_stream *s);
/* Nothing happens if it is not in a feed. */
void feed_leave(struct feed_stream *s);
