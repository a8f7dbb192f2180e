/* id_range: a page of reservations, by the ids that it covers. Ids are in order byte by byte, as MySQL orders
 * BINARY(16) and PostgreSQL uuid; both of a range's belong to it. */
#pragma once

#include "change.h"

struct id_range {
    struct rr_uuid from, upto;
};

extern const struct rr_uuid id_last; /* nothing is after it */

int id_compare(const struct rr_uuid *a, const struct rr_uuid *b);
/* What comes after `range->upto`; false: nothing does. */
bool id_range_next(struct id_range *range);

/* How many of n rows are not after `upto`. The ids, which rise, stand `step` bytes apart. */
size_t id_count_upto(const struct rr_uuid *ids, size_t step, size_t n, const struct rr_uuid *upto);

/* The two below end a page where it is whole, and set range->upto: */
/* Events from range->from on have been read, `limit` at most. Returns how many belong to reservations that
 * are whole; 0 with n > 0: not even the first one is. */
size_t id_range_of_events(struct id_range *range, const struct event *events, size_t n, size_t limit);
/* Likewise rows, one an id, of the range that these events are of; *n_events shrinks with it. */
void id_range_of_rows(struct id_range *range, const struct rr_uuid *last, size_t n, size_t limit,
                      const struct event *events, size_t *n_events);
