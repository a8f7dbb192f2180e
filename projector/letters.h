/* letters: projection.dead_letter, where messages wait that are not applied. Whoever writes there has locked
 * the position's row of the generation first. */
#pragma once

#include "batch.h"
#include "parked.h"
#include "skipped.h"
#include "store.h"

struct breaker_conf {
    uint32_t events, window_s; /* more than so many parked within the window: nothing more is applied */
};

/* What is parked of a generation. */
int letters_parked(struct store *s, int32_t generation, struct parked *ret, struct failure *f) RR_MUST_CHECK;
/* What was given up of what stands in the topic from `offset` on. */
int letters_given_up(struct store *s, int32_t generation, int64_t offset, struct skipped *ret,
                     struct failure *f) RR_MUST_CHECK;
/* For batch_reservation.skipped of those that have a gap. */
int letters_skipped(struct store *s, int32_t generation, struct batch *b, struct failure *f) RR_MUST_CHECK;
/* Collects the statements that park the batch's letters, and halt the generation if that is too much, or if
 * the last message's key cannot be read. Returns the number of the result that says how many are parked then,
 * and whether the generation is halted. */
int letters_add(struct store *s, const struct batch *b, int32_t generation, const struct breaker_conf *conf);
/* Says in the log what the batch has parked. */
void letters_tell(const struct batch *b);
