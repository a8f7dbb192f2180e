/* slots: where and when the n-th booking of a run is. All are different, so that none is refused. Half-hours
 * in a scattered order: a room's days fill evenly, and the overlap check finds the neighbours that it would
 * find in a room that is in use. */
#pragma once

#include "time.h"

#include <stdint.h>

#define SLOTS_PER_ROOM 33600 /* half-hours of 700 days */
#define SLOT_US        (30 * RR_US_PER_MIN)

struct slots {
    uint64_t first_room, n_rooms; /* ids without gaps */
    int64_t first_day;
    uint64_t first; /* how many other runs have booked before */
};

struct slot {
    uint64_t room;
    int64_t starts_at, ends_at;
};

static inline struct slots slots_of(uint64_t first_room, uint64_t n_rooms, uint64_t first)
{
    return (struct slots){.first_room = first_room,
                          .n_rooms = n_rooms,
                          .first = first,
                          .first_day = (rr_time_now() / RR_US_PER_DAY + 2) * RR_US_PER_DAY};
}

static inline struct slot slot_at(const struct slots *s, uint64_t n)
{
    uint64_t number = (s->first + n) / s->n_rooms * 7919 % SLOTS_PER_ROOM; /* 7919 shares no factor with it */
    int64_t starts_at = s->first_day + (int64_t)number * SLOT_US;

    return (struct slot){.room = s->first_room + (s->first + n) % s->n_rooms,
                         .starts_at = starts_at,
                         .ends_at = starts_at + SLOT_US};
}
