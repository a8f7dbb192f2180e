/* A command: one write, in the one transaction that all writes share. An endpoint is a struct command_kind
 * and a context that begins with a struct command; this module does the rest of the request.
 *
 * 1. Look the idempotency key up; found → answer from it.
 * 2. kind->lock(): the rooms, in id order, before everything else, the only lock that decides: two writers
 *    of a room meet here and nowhere later.
 * 3. kind->decide(): lock and compare the reservation, write, or refuse.
 * 4. Claim the key. After the room's lock: requests that hold a claim and wait for a room would deadlock with
 *    those that hold the room and wait for the claim. And last of all that may end in a rollback: of several
 *    requests that wait for a claim which is then rolled back, InnoDB makes a deadlock. A key that was taken
 *    meanwhile: roll back, back to 1.
 * 5. Store the answer, the refusals too, under the key; commit.
 *
 * A refusal that can be explained further (a room that is taken) leaves after 3: roll back, which gives the
 * room free, ask kind->explain(), and store the whole answer under the key in a transaction of its own.
 * Nothing was written, so nothing is lost if that never comes: a repeat is decided anew. Another request with
 * the key may have claimed it meanwhile; then its answer is ours.
 *
 * A deadlock or a lost connection runs all of it again: lock() and decide() start from the parsed request
 * each time. */
#pragma once

#include "answer.h"
#include "etags.h"
#include "http/http.h"
#include "idempotency.h"
#include "work.h"

#include <stdbool.h>

struct command;

struct command_kind {
    const char *done; /* the log line's text when something was written */
    /* In the loop: path, body, headers. On failure the request's problem is filled. */
    enum rr_err (*parse)(struct rr_req *r, struct command *c);
    /* In the transaction, in a worker. ONE: go on. NULL: nothing to lock, and the claim comes first: two
     * equal requests meet there and not at a unique index. */
    enum rr_db (*lock)(struct rr_mysql *db, struct command *c);
    /* In the transaction. ONE: c->answer is decided, and what it tells is written. */
    enum rr_db (*decide)(struct rr_mysql *db, struct command *c);
    /* After a refusal with c->overlapped, outside of every transaction: completes the answer, as well as the
     * database lets it. */
    void (*explain)(struct rr_mysql *db, struct command *c);
};

struct command {
    struct work work; /* first */
    const struct command_kind *kind;
    /* from the request */
    bool has_key, has_if_match, minimal;
    char key[IDEMPOTENCY_KEY_MAX + 1];
    struct fingerprint fingerprint;
    struct rr_etags if_match;
    const char *reason; /* for the journal; NULL: none */
    /* What is written, as far as it is known before the commit: kind 0 if it is not. Set by parse() or
     * decide(). */
    struct rr_token subject;
    struct rr_token given_up; /* the subject as parse() left it: what the loop may look at meanwhile */
    /* the end */
    enum rr_err err; /* RR_OK: `answer` is to be sent */
    bool written, replayed;
    struct answer answer;
    /* Set by decide() with a refusal that kind->explain() is to complete: what was wanted, and until when the
     * room is taken by what overlaps it. */
    const struct reservation *overlapped;
    int64_t overlapped_until;
};

/* The whole handler of an endpoint; `kind` is a constant, the route's context begins with a struct command.
 */
enum rr_step command_handle(struct rr_req *r, const struct command_kind *kind);
void command_fini(void *ctx); /* every command's ctx_fini */

/* For parse(): the header that a change has to carry. */
enum rr_err command_require_if_match(struct rr_req *r, const struct command *c) RR_MUST_CHECK;
/* For decide(): what is asked for does not exist, or is none of the caller's business. */
enum rr_db command_not_found(struct command *c, const char *what);
/* For decide(): whether the If-Match header names this version. */
bool command_matches(const struct command *c, uint64_t version);
/* For decide(): somebody has changed it since the client read it. */
enum rr_db command_stale(struct command *c, uint64_t version);
