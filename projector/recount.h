/* recount: counts days of a generation again: those of rooms from the reservations that stand there, those of
 * all rooms together from these.
 *
 * For days that a repair changes, and for those whose rows are damaged. In the transaction of somebody who
 * has locked the position's row. Reservations with times that none can have are damage of their own, and left
 * out. */
#pragma once

#include "apply.h"

/* Replaces the rows of the days that are marked as asked for, and those that are found damaged on the way.
 * What *b holds is of no use afterwards. Adds the number of days of rooms to *counted. Only collects the last
 * writes: no trip. */
int recount_days(struct store *s, struct apply *a, struct buckets *b, size_t *counted,
                 struct failure *f) RR_MUST_CHECK;
extern const struct statement *const recount_statements[]; /* to be prepared on `s` */
extern const size_t recount_n_statements;
