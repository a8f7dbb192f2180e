/* pages: what the truth and a generation hold of the reservations, side by side in the order of their ids.
 *
 * Each side is read in pages of its own length by a thread of its own (ahead.h), so that both servers work
 * while something is compared; what is handed out goes as far as both sides' pages do. So memory is bounded
 * whatever either of them holds. The truth's snapshot belongs to pages from pages_start() on, the
 * generation's from pages_hold() on, both until pages_stop(); what is read of the truth as it is now is left
 * to others. */
#pragma once

#include "held.h"
#include "truth.h"

struct pages;

struct pages_part {
    struct truth_rows truth;
    struct held_rows held; /* of the same ids; both are good until the next pages_next() */
    bool last;
};

int pages_start(struct truth *truth, struct pages **ret, struct failure *f) RR_MUST_CHECK;
/* Now the generation has its snapshot, too. */
int pages_hold(struct pages *p, struct held *held, struct failure *f) RR_MUST_CHECK;
/* Waits. Not to be called after the last part, or after a failure. */
int pages_next(struct pages *p, struct pages_part *ret, struct failure *f) RR_MUST_CHECK;
void pages_stop(struct pages *p); /* NULL is fine */
