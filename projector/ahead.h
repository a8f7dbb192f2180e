/* ahead: the truth of a comparison, read range by range by a thread of its own, while the one who compares
 * has the range before in hand: MySQL and PostgreSQL work side by side.
 *
 * Both servers' rows bound a range, so that it fits in memory whatever either of them holds. The thread uses
 * the snapshot of `truth` and all of `live` until ahead_stop(); what is read of the truth as it is now is
 * left to others. */
#pragma once

#include "held.h"
#include "truth.h"

struct ahead;

struct ahead_range {
    struct id_range range;
    struct truth_rows truth; /* of the range; good until the next ahead_next() */
    bool last;
};

int ahead_start(struct truth *truth, struct held *live, size_t n_events, struct ahead **ret,
                struct failure *f) RR_MUST_CHECK;
/* Waits. Not to be called after the last one, or after a failure. */
int ahead_next(struct ahead *a, struct ahead_range *ret, struct failure *f) RR_MUST_CHECK;
void ahead_stop(struct ahead *a);
