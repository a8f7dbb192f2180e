/* gaps: versions that the topic does not have are read from MySQL's journal. */
#pragma once

#include "batch.h"
#include "store.h"
#include "truth.h"

/* Fills the gaps that batch_plan() has found; `t` NULL: MySQL cannot be asked. Returns 0: plan again; 1: of
 * some reservations gap_kind and gap_reason say why not; -1: *f, of the store. */
int gaps_fill(struct truth *t, struct store *s, int32_t generation, struct batch *b,
              struct failure *f) RR_MUST_CHECK;
