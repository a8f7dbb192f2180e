/* read: the story that every GET of query-svc shares; an endpoint fills in its query string, its statement
 * and its rendering.
 *
 *   parse ─► ask first ─► generation ─► tokens ─► submit ─► judge ─► render ─► reply
 *            (zone names,  (while it is  (waits      ▲         │
 *            once a loop)  not known)    for them)   └─────────┘ the answer is of another generation
 *
 * Reads that ask the same at the same time share the statement (shared.h) and what it is rendered to: once,
 * inside its callback, straight from the PGresult. Each of them makes its own reply of that, with its own
 * If-None-Match. What has to be known first is asked once for all whom it holds up, whatever they go on to
 * ask.
 *
 * Threads: belongs to its request's loop. */
#pragma once

#include "answer.h"
#include "app.h"
#include "shared.h"
#include "waiters.h"

#include "fields.h"
#include "http/http.h"
#include "pg.h"

#include <stdint.h>

enum { READ_VALUES = 8, READ_TEXT = 40 };

struct read;

/* Who may be given one answer, if path and query string are the same. */
enum read_shared {
    BY_CALLER, /* the same user with the same rights */
    BY_ALL,    /* everybody who may ask: the answer does not look at who does */
    BY_NOBODY, /* it says more than the path and the query string ask for, or changes something */
};

struct read_kind {
    const struct rr_field *fields; /* the query string; at most READ_VALUES */
    size_t n_fields;
    /* Checks rd->v and the path, names the statement and its parameters. */
    enum rr_err (*parse)(struct read *rd);
    /* NULL, or: a statement that has to be answered before this one, without parameters, and is slow if this
     * one is; NULL when there is none (any more). An error goes to rd->err. */
    const struct rr_pg_stmt *(*first)(struct read *rd);
    /* Takes what the loop has to know; then all who have asked for it are asked first() again. RR_INTERNAL,
     * which is logged: it makes no sense. */
    enum rr_err (*first_answered)(struct read *rd, const PGresult *res);
    /* Fills rd->answer, for all who share it. Columns from COL_DATA on are the statement's own. */
    enum rr_err (*render)(struct read *rd, const PGresult *res);
    enum read_shared shared;
    const char *media; /* of the answer's body; NULL: JSON */
    /* NULL, or: answers when there is no error, in place of a body. */
    enum rr_step (*reply)(struct read *rd);
    const char *not_ready; /* NULL, or: a refusal of PostgreSQL's is 503 `not-ready`, for this reason */
};

struct read {
    struct rr_req *r;
    const struct read_kind *kind;
    struct rr_value v[READ_VALUES]; /* in the order of kind->fields */
    int64_t limit;                  /* of a list: see list.h */
    enum rr_err err;
    struct answer *answer; /* from render() on */
    /* read.c's own */
    struct query_loop *loop;
    struct shared_ask question;
    struct shared_ask before; /* the statements before the kind's own */
    bool not_modified;
    char text[RR_PG_PARAMS][READ_TEXT];
    struct waiter waiter;
    int64_t wait_until, give_up;
    unsigned repeats;
};

/* An endpoint's handler is one call of this; its route has ctx_size sizeof(struct read) and ctx_fini
 * read_fini. */
enum rr_step read_step(struct rr_req *r, const struct read_kind *kind);
void read_fini(void *ctx);

/* The statement and its parameters, in order. A text has to live as long as the request. */
void read_statement(struct read *rd, const struct rr_pg_stmt *stmt);
void read_param_text(struct read *rd, const char *text); /* NULL is SQL NULL */
/* The same of a copy that lives as long as the request. */
enum rr_err read_param_copy(struct read *rd, const char *text) RR_MUST_CHECK;
void read_param_int(struct read *rd, int64_t v);
void read_param_time(struct read *rd, int64_t us); /* outside the years 1 to 9999: -infinity, infinity */
/* A date, from days since 1970-01-01. */
void read_param_day(struct read *rd, int64_t day);
void read_param_uuid(struct read *rd, const struct rr_uuid *id);
void read_param_filter(struct read *rd,
                       const struct rr_value *v); /* an unsigned value; SQL NULL if it is not set */

/* A path argument as a room's id; RR_NOT_FOUND when it cannot be one. */
enum rr_err read_room_id(struct read *rd, int64_t *ret) RR_MUST_CHECK;
/* A path argument as a user id that the caller may read: RR_FORBIDDEN for another user's. */
enum rr_err read_own_user(struct read *rd) RR_MUST_CHECK;
/* Two optional instants: from has to lie before to. */
enum rr_err read_check_order(struct read *rd, const struct rr_value *from,
                             const struct rr_value *to) RR_MUST_CHECK;

/* Inside render(), for one object with a version, which is the ETag. Who has it is answered 304
 * (`comparable`: the version tells all of it). True: everybody who asked has it. */
bool read_not_modified(struct read *rd, const char *version, bool comparable);

/* A hash of the path and of the query string's fields from number `first` on. */
uint64_t read_scope(const struct read *rd, size_t first);

/* For query_loop_init(). */
void read_shared_init(struct query_loop *ql, struct rr_loop *l);
