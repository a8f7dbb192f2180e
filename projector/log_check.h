/* log_check: is the log still the one that a position counts in?
 *
 * Asked before the first batch after each opening. Offsets alone do not tell: a log that was wiped or made
 * anew grows beyond any position. The cluster's id has to be the same, and the message before the position
 * has to be the one that was applied last. Whatever cannot be told counts as replaced: that costs a
 * comparison with the truth, the other mistake costs data. */
#pragma once

#include "generation.h"
#include "kafka.h"

#include <stdbool.h>
#include <stdint.h>

struct log_found {
    bool same;
    char why[300]; /* not the same: in words */
    int64_t begin; /* the first offset that the log holds */
};

/* If it is the same, `k` has been started, and its next message is the one at the position. Else `k` is of no
 * use any more. FAIL_KAFKA if it could not be asked. */
int log_check(struct rr_kafka *k, const struct generation *g, struct log_found *ret,
              struct failure *f) RR_MUST_CHECK;
