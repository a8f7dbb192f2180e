/* repair: makes the rows of a generation that a verify found different equal to the truth.
 *
 * In small chunks, each a transaction that locks the position's row first, as every writer of a generation
 * does, and reads the truth only then: so what it writes is never older than what a batch has written. It
 * replaces whole rows, keeps the numbers of events that stand, and computes the touched buckets again from
 * the rows in the same transaction. Events that are parked or were skipped are left out. What the truth
 * disagrees about with itself is left alone. */
#pragma once

#include "failure.h"
#include "report.h"
#include "verify.h"

/* Why rows are left alone: while the log is unproven nothing is deleted, no version lowered and no content
 * replaced; the truth disagrees with itself; the truth does not show yet what has been applied. */
enum left_alone { LEFT_UNPROVEN, LEFT_DISPUTED, LEFT_LATE, LEFT_REASONS };

struct repair_totals {
    size_t rooms, reservations, days;
    size_t left[LEFT_REASONS];
};

size_t repair_left(const struct repair_totals *totals); /* for whatever reason */

/* -1: what has been repaired until then stays. */
int repair(const struct verify_conf *conf, int32_t generation, const struct report *report,
           struct repair_totals *totals, struct failure *f) RR_MUST_CHECK;
