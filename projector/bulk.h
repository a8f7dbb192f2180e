/* bulk: fills the bare tables of a new generation from one snapshot of the truth.
 *
 * Events come in the order of (reservation, version): each makes a row of the history, the last one of a
 * reservation its row, and what is used of which days is kept until the end. What an event has changed and
 * what a day counts is computed by the functions that a batch uses. */
#pragma once

#include "progress.h"
#include "store.h"
#include "truth.h"

struct bulk_totals {
    size_t events, reservations, rooms, room_days;
};

/* The snapshot of `truth` is open. FREEZE and indexes are the server's; the tables are committed at the end.
 */
int bulk_fill(const struct store_conf *store, int32_t generation, struct truth *truth,
              struct progress *progress, struct bulk_totals *totals, struct failure *f) RR_MUST_CHECK;
