/* apply_copy: the new history rows and reservations of a big batch, by COPY instead of by statements: it puts
 * rows into pages by the hundred, and nothing is unpacked from arrays.
 *
 * It leaves the pipeline, so it costs trips that a small batch must not have. And it does not look whether a
 * row of the history is there already. By the versions that are stored none can be, unless the read model is
 * damaged; then it fails with FAIL_MESSAGE, and as with any message that cannot be applied, the batch is
 * halved until it is too small for COPY, which is when that is looked at. */
#pragma once

#include "batch.h"
#include "failure.h"
#include "store.h"

#include <stdbool.h>

/* Whether it pays for `b`; never, if it is one message. */
bool apply_copy_pays(const struct batch *b);
/* Of a planned batch. What waits to be sent goes first. */
int apply_copy(struct store *s, const struct batch *b, struct failure *f) RR_MUST_CHECK;
