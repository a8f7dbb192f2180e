/* apply: one batch to PostgreSQL, with the position, in one transaction.
 *
 *   trip 1     BEGIN; projection.advance() moves the position, or raises and so aborts all that follows;
 *              what is stored of the batch's rooms and reservations, and of the days in which these are now
 *   (trip 2)   the days in which they were before, if those are others
 *   (trips)    the reservations of rooms that are renamed
 *   (COPY)     of a big batch: the new rows of history and reservation
 *   trip 3     the (other) writes; NOTIFY; COMMIT
 *
 * A batch without rooms and events is one trip. The position's row, locked by advance(), makes reading before
 * writing safe: whoever writes a generation locks it first. */
#pragma once

#include "batch.h"
#include "failure.h"
#include "letters.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a generation stands. */
struct position {
    int32_t generation;
    bool serving;
    int64_t next_offset, parked_epoch;
    int64_t as_of;  /* µs since 1970; 0: none yet */
    int32_t parked; /* events that wait in projection.dead_letter */
    bool halted;    /* by the last batch: nothing more is applied until an operator acts */
    bool unproven;  /* the log was replaced: as_of stands still */
};

struct apply;

/* Prepares the statements on `store`, for the tables of `generation`. Both live until apply_free(). */
int apply_new(struct store *store, int32_t generation, struct apply **ret, struct failure *f) RR_MUST_CHECK;
void apply_free(struct apply *a);

/* Parks what is parked of batches under this rule; `conf` outlives it. Without: batches have no letters. */
void apply_set_breaker(struct apply *a, const struct breaker_conf *conf);

/* Applies `b` and moves *p to `next_offset`. `fingerprint` is the last message's. A generation that does not
 * serve yet does so from the batch on that holds its first streamed pulse, unless its log is unproven. On
 * failure nothing is changed, *p neither, and the store has to be closed; but if that is for want of versions
 * (b->n_gaps), it may be tried again at once, with the gaps filled. */
int apply_batch(struct apply *a, struct batch *b, int64_t next_offset, uint64_t fingerprint,
                struct position *p, struct failure *f) RR_MUST_CHECK;

/* How many days of the last batch were damaged, and have been counted again from their reservations. */
size_t apply_mended(const struct apply *a);

/* Reads what is stored, plans, and collects the statements that write what is new: the transaction, and the
 * position's lock, are the caller's. */
int apply_locked(struct apply *a, struct batch *b, struct failure *f) RR_MUST_CHECK;
/* Collects the statements that write what is new in a planned batch, but for the names that follow a renamed
 * room (rename.h): no trip, no position. For whoever has locked the position's row. */
int apply_rows(struct apply *a, const struct batch *b, struct failure *f) RR_MUST_CHECK;

/* Quarters [from, upto) of a day into an array that was begun: of a room smallint, of all rooms integer.
 * FAIL_MESSAGE if one does not fit. */
int apply_quarters(struct pgarray *a, const struct bucket *k, const int32_t quarters[QUARTERS], int from,
                   int upto, struct failure *f) RR_MUST_CHECK;
