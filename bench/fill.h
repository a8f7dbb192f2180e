/* fill: reservations of several years and their journal, as people and the triggers would have left them.
 *
 * The same plan gives the same rows. Rooms differ in how popular they are, weekdays in how busy, users in how
 * much they book. No two confirmed reservations of a room overlap, at any moment of the journal. Ids rise
 * roughly with created_at, which roughly follows starts_at, so that both tables grow at few places. */
#pragma once

#include "buf.h"

#include <stdint.h>

struct fill_plan {
    uint64_t first_room; /* ids without gaps */
    unsigned rooms, users;
    uint64_t reservations;
    unsigned percent_changed; /* of the reservations: changed or cancelled since */
    uint64_t seed;
    int64_t today; /* a midnight; the journal ends a minute later at most */
    unsigned days_past, days_ahead;
};

struct fill;

/* NULL: there is not so much room. */
struct fill *fill_new(const struct fill_plan *p);
void fill_free(struct fill *f);
/* The next reservation as one line of `reservations`, and its versions as lines of `events`, for LOAD DATA:
 * the columns in the order of FILL_RESERVATION_COLUMNS and FILL_EVENT_COLUMNS, ids in hex. Returns the number
 * of events, 0 at the end. */
unsigned fill_next(struct fill *f, struct rr_buf *reservations, struct rr_buf *events);

#define FILL_RESERVATION_COLUMNS                                                                             \
    "(@id, room_id, user_id, title, starts_at, ends_at, state, version, created_at, updated_at)"             \
    " SET id = UNHEX(@id)"
#define FILL_EVENT_COLUMNS                                                                                   \
    "(@id, version, kind, room_id, user_id, title, starts_at, ends_at, state, created_at, recorded_at,"      \
    " recorded_by, reason, trace_id) SET reservation_id = UNHEX(@id)"
