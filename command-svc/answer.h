/* An answer that is decided in a worker, inside a transaction: built there, because it is stored under the
 * idempotency key and committed together with what it tells, and sent later by the loop.
 *
 * It is made anew at each try of the transaction and touches nothing of the request: the loop may already
 * have given that one up. */
#pragma once

#include "http/http.h"
#include "rules.h"
#include "store/store.h"
#include "token.h"

#include <stdbool.h>

struct answer {
    unsigned status;    /* 0: there is none */
    char headers[1001]; /* "Name: value\n" each */
    struct rr_buf body;
    struct rr_json json;
};

void answer_reset(struct answer *a);
void answer_fini(struct answer *a);

/* What was asked for. `subject` tells of which version: ETag, Consistency-Token, and with 201 Location. */
void answer_room(struct answer *a, unsigned status, const struct room *room, bool minimal);
void answer_reservation(struct answer *a, unsigned status, const struct reservation *r, bool minimal);

/* A refusal (RFC 9457), without the request id, which differs each time it is sent. Further members go into
 * a->json, then answer_end(). `fmt` may be NULL: no detail. */
void answer_refuse(struct answer *a, enum rr_err err, const char *fmt, ...) RR_PRINTF(3, 4);
void answer_end(struct answer *a);
/* Consistency-Token is the one of the version that is there, so that it can be read and tried again. */
void answer_refuse_stale(struct answer *a, const struct rr_token *present);
void answer_refuse_rules(struct answer *a, const struct rule_breaks *b);
/* Left open, so that what else helps can follow: answer_suggestions(), then answer_end(). */
void answer_refuse_conflicts(struct answer *a, const struct conflicts *c);
/* NULL: not known, and left out. */
void answer_suggestions(struct answer *a, const struct next_free *next, const struct alternatives *other);

/* What was stored, word for word. */
void answer_restore(struct answer *a, const struct stored_answer *stored);
/* In the loop. Takes the answer's memory. */
enum rr_step answer_send(struct answer *a, struct rr_req *r);
