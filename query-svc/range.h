/* range: the [from, to) of statistics, and how it is read from the read model's days of 96 quarter-hours.
 * Thread-safe. */
#pragma once

#include "read.h"

#include "time.h"

#include <stdint.h>

#define QUARTER_US (15 * RR_US_PER_MIN)
enum { QUARTERS = 96 };

/* The rows of fields for statistics, at places FROM and TO of the endpoint's table. */
#define RANGE_FIELD(name)                                                                                    \
    {                                                                                                        \
        name, RR_FIELD_TIME, RR_FIELD_REQUIRED, 0, 0, NULL                                                   \
    }

struct range {
    int64_t from, to;
};

/* No reservation is longer, so one that overlaps [from, to) starts after from minus this: that bounds each
 * scan. */
#define LONGEST_US (31 * RR_US_PER_DAY)

/* A part of FROM: the reservation of a room that starts before `from` and reaches beyond it, if there is one.
 * Reservations of a room do not overlap, so that in the order of their starts their ends rise too: it can
 * only be the last one. All are SQL; `after` is at least LONGEST_US before `from`, or further on if what
 * starts up to there is not asked for. */
#define RANGE_BEFORE(columns, room, from, after)                                                             \
    "(SELECT * FROM (SELECT " columns " FROM reservation WHERE room_id = " room " AND starts_at < " from     \
    "::timestamptz AND starts_at > " after "::timestamptz AND state = 'confirmed' AND NOT deleted "          \
    "ORDER BY starts_at DESC LIMIT 1) last WHERE ends_at > " from ") before "

/* from before to, at most 10 years: else RR_RULE_BROKEN, the problem names the bad one. */
enum rr_err range_take(struct rr_req *r, const struct rr_value *from, const struct rr_value *to,
                       struct range *ret) RR_MUST_CHECK;
/* The same, and both on quarter-hours. */
enum rr_err range_take_quarters(struct rr_req *r, const struct rr_value *from, const struct rr_value *to,
                                struct range *ret) RR_MUST_CHECK;

/* A part of one UTC day: quarter-hours lo to hi-1 of 0 to 96; lo == hi is empty. */
struct range_edge {
    int64_t day; /* since 1970-01-01 */
    int lo, hi;
};

/* Whole days, since 1970-01-01. */
struct range_days {
    int64_t first, end;
};

/* [from, to) cut at midnight and at the begins of months: a part of a day, whole days, whole months, whole
 * days, a part of a day. Each may be empty. */
struct range_cut {
    struct range_edge head, tail;
    struct range_days before, months, after;
};
void range_cut(const struct range *range, struct range_cut *ret);
