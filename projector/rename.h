/* rename: the name and location of a room that stand in its reservations follow the room's.
 *
 * In the transaction of the caller, who has locked the position's row. A room may have millions of
 * reservations, which are rewritten in pieces, each a trip: so none outruns the store's time-out. */
#pragma once

#include "batch.h"
#include "failure.h"
#include "store.h"

/* Of the rooms that a planned batch renames. The last piece is only collected. */
int rename_reservations(struct store *s, const struct batch *b, struct failure *f) RR_MUST_CHECK;
extern const struct statement *const rename_statements[]; /* to be prepared on `s` */
extern const size_t rename_n_statements;
