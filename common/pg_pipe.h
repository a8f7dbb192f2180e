/* pg_pipe: one pipelined connection of rr_pg, and what rr_pg and its pipes know of each other.
 *
 * What was sent stands in a ring until its answer has come, in the order in which the answers come. A query
 * that is given up or abandoned leaves its place in the ring, empty, and its answer is dropped.
 *
 * Sync: all between two Syncs is one implicit transaction. Queries of one turn share a Sync. What has to
 * stand by itself gets its own: the session's SQL (a SET that is rolled back would be lost in silence), a
 * Prepare (skipped with an aborted batch), a DEALLOCATE, a query that is sent again (it cannot be aborted by
 * others twice), and one that writes: its answer is held until its Sync has come, which is its COMMIT.
 *
 * Prepared: a query waits until its statement's Prepare on this connection is confirmed, so a Prepare that
 * fails fails exactly the queries of that statement. `gen` rises when a statement is dropped; answers to
 * older ones are told apart by it. */
#pragma once

#include "metrics.h"
#include "pg.h"
#include "pg_link.h"

#include <stddef.h>

enum pg_op { PG_OP_QUERY, PG_OP_SYNC, PG_OP_PREPARE, PG_OP_FORGET, PG_OP_SESSION, PG_OP_SESSION_END };

struct pg_sent {
    enum pg_op op;
    unsigned stmt_index, gen;
    /* PG_OP_QUERY, or the Sync behind a write that has its answer; NULL: nobody waits for it any more */
    struct rr_query *q;
    PGresult *res; /* that answer */
};

enum pg_prepared_state { PG_NEW, PG_ASKED, PG_READY, PG_STALE };

struct pg_prepared {
    enum pg_prepared_state state;
    unsigned gen;
};

struct pg_pipe {
    struct rr_pg *pg;
    struct pg_link link;
    struct rr_query waiting; /* head of the ring list of queries not sent yet */
    size_t load;             /* queries waiting or in the ring */
    struct pg_sent *sent;    /* places head … tail - 1, modulo cap, a power of two */
    uint64_t head, tail;
    size_t cap;
    bool answered; /* the operation at `head` has its result; its end is still to come */
    bool flush_due, session_due;
    bool slow; /* for slow queries only */
    struct pg_prepared *prepared;
    int64_t heard;        /* when the server was last heard, or the first of the ring was sent */
    uint32_t patience_ms; /* the longest time-out in the ring */
    struct rr_timer alive;
};

struct pg_listener;

struct rr_pg {
    struct rr_loop *loop;
    const struct rr_pg_conf *conf;
    char *session; /* statements, each NUL-terminated, the last one empty */
    const struct rr_pg_stmt **stmts;
    size_t n_stmts, cap_stmts;
    struct pg_pipe *pipes; /* those for slow queries last */
    size_t n_pipes;
    struct pg_listener *listeners;
    struct rr_turn turn;
    size_t load[2]; /* of the pipes together, of those for slow queries apart (by pg_pipe.slow) */
    size_t reported;
    struct rr_gauge *queue;
    struct rr_counter *ended[4];
    struct rr_histogram *seconds;
};

#define PG_QUERY_SENT  1u
#define PG_QUERY_AGAIN 2u /* it has been sent before */

/* pg.c */
/* The least loaded one that stands; else one that nothing says will not stand soon: no try to connect has
 * failed since it last stood. Else NULL. */
struct pg_pipe *pg_pipe_for(struct rr_pg *pg, bool slow);
/* Ends `q`: counts, cancels its timer, calls done(). It has to be out of every list and ring. */
void pg_query_end(struct rr_pg *pg, struct rr_query *q, enum rr_err err, PGresult *res);

/* pg_pipe.c */
void pg_pipe_start(struct pg_pipe *p, struct rr_pg *pg, bool slow);
void pg_pipe_stop(struct pg_pipe *p); /* ends all its queries with RR_DB_UNAVAILABLE */
void pg_pipe_free(struct pg_pipe *p);
void pg_pipe_queue(struct pg_pipe *p, struct rr_query *q);
void pg_pipe_forget(struct pg_pipe *p, struct rr_query *q); /* `q` leaves; its answer will be dropped */
bool pg_pipe_is_due(const struct pg_pipe *p);               /* something is to be sent, and can be */
void pg_pipe_turn(struct pg_pipe *p);                       /* the end of a turn: send */

/* pg_listen.c */
void pg_listeners_free(struct rr_pg *pg);
