/* usage: which quarter-hours many reservations occupy, kept small, and given back as buckets day by day.
 *
 * A bucket is 800 bytes, and there may be one for every room and day; what makes it are 16 bytes a
 * reservation and day. So millions are collected here, and only one day's buckets stand in memory at a time.
 * Zero-initialised is empty. */
#pragma once

#include "arena.h"
#include "buckets.h"

struct usage {
    struct arena arena;
    struct map map;          /* by day */
    struct usage_day *first; /* in no order; in that of days once it is read */
    size_t n_days;
    struct usage_day **order;
    size_t at;
};

void usage_add(struct usage *u, const struct reservation *r);
/* Adds the next day's use to `b`, which is empty. False: there is no other day. From the first call on
 * nothing is added any more. */
bool usage_next(struct usage *u, struct buckets *b, int64_t *ret_day);
void usage_fini(struct usage *u);
