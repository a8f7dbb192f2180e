/* rr_timers: the timers of one loop, a binary heap by due time; equal times in no promised order. */
#pragma once

#include "loop.h"

#include <stddef.h>

struct rr_timers {
    struct rr_timer **heap; /* heap[1] … heap[n]: a timer with heap_index 0 is not armed */
    size_t n, cap;
};

enum rr_err rr_timers_arm(struct rr_timers *ts, struct rr_timer *t, int64_t due) RR_MUST_CHECK;
void rr_timers_cancel(struct rr_timers *ts, struct rr_timer *t);
/* The next due time; INT64_MAX when none is armed. */
int64_t rr_timers_next(const struct rr_timers *ts);
/* Fires what is due at `now`. A timer armed meanwhile waits for the next call, so that one that always
 * re-arms itself cannot hold the loop. */
void rr_timers_fire(struct rr_timers *ts, int64_t now);
void rr_timers_fini(struct rr_timers *ts);
