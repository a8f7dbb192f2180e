/* ahead: pages that are read one after the other by a thread of its own, while the one who compares has those
 * before in hand: servers and comparison work side by side.
 *
 * It reads until some MiB wait, or a number of pages, so that memory stays bounded whatever is read. What the
 * reading uses belongs to the thread from ahead_start() to ahead_stop(). */
#pragma once

#include "arena.h"
#include "failure.h"

#include <stdbool.h>

struct ahead;

/* The next page, in `arena`; NULL if that fails. *ret_last: there is none after it. */
typedef const void *ahead_read(void *arg, struct arena *arena, bool *ret_last, struct failure *f);

int ahead_start(ahead_read *read, void *arg, struct ahead **ret, struct failure *f) RR_MUST_CHECK;
/* Waits. The page is good until the next call. Not to be called after the last one, or after a failure. */
int ahead_next(struct ahead *a, const void **ret_page, struct failure *f) RR_MUST_CHECK;
void ahead_stop(struct ahead *a); /* NULL is fine */
