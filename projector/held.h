/* held: what a generation of the read model holds, read inside one snapshot of PostgreSQL.
 *
 * It has a connection of its own. Rows come in the order of their keys; all memory is the caller's arena. */
#pragma once

#include "arena.h"
#include "buckets.h"
#include "change.h"
#include "exempt.h"
#include "failure.h"
#include "store.h"
#include "truth.h"

struct held;

/* The columns of a row of reservation_history, and of room, that the rest reads. */
#define HELD_EVENT                                                                                           \
    "reservation_id, version, room_id, user_id, title, starts_at, ends_at, state, recorded_at, kind,"        \
    " recorded_by, reason, trace_id, changes::text"
#define HELD_ROOM "id, version, name, location, capacity, active, created_at, updated_at"

struct held_state {
    struct reservation reservation;
    struct text room_name, room_location;
};

/* Events in order of (id, version); `changes` beside them; states in order of id. Their events' created_at
 * is not held. */
struct held_rows {
    struct event *events;
    struct text *changes;
    struct held_state *states;
    size_t n_events, n_states;
};

/* Before and after all days that there are, and still dates. */
#define HELD_FIRST_DAY INT64_C(-2000000)
#define HELD_LAST_DAY  INT64_C(2000000000)

struct held_day {
    int64_t room_id, day; /* ALL_ROOMS: of all rooms together */
    int32_t reservations, reserved_minutes;
    int32_t starts[QUARTERS], minutes[QUARTERS];
    bool broken; /* its arrays are not QUARTERS numbers, counted from 1 */
};

/* The same with checksums (pg_hash.h) in place of the arrays. */
struct held_sums {
    int64_t room_id, day;
    int32_t reservations, reserved_minutes;
    bool known; /* false: the numbers themselves have to be looked at */
    uint64_t starts, minutes;
};

struct held_sums_page {
    struct held_sums *days;
    size_t n;
};

int held_open(const struct store_conf *conf, int32_t generation, struct held **ret,
              struct failure *f) RR_MUST_CHECK;
void held_close(struct held *h);

/* Of a result that has HELD_EVENT's columns, and a row of one that has HELD_ROOM's. */
void held_take_events(const PGresult *res, struct arena *arena, struct held_rows *ret);
void held_take_room(const PGresult *res, int row, struct arena *arena, struct room *r);

/* Where the generation is now, outside of any snapshot. FAIL_MOVED if it has retired. */
int held_position(struct held *h, int64_t *ret_next_offset, struct failure *f) RR_MUST_CHECK;
int held_snapshot(struct held *h, struct failure *f) RR_MUST_CHECK;
int held_release(struct held *h, struct failure *f) RR_MUST_CHECK;

/* What is parked and skipped, as far as it can be seen now. */
int held_exempt(struct held *h, struct exempt *ret, struct failure *f) RR_MUST_CHECK;
/* As truth_page(). */
int held_page(struct held *h, struct id_range *range, size_t n, struct arena *arena, struct held_rows *ret,
              struct failure *f) RR_MUST_CHECK;
int held_rooms(struct held *h, struct arena *arena, struct truth_rooms *ret, struct failure *f) RR_MUST_CHECK;
int held_room(struct held *h, int64_t id, struct arena *arena, struct room *ret, bool *ret_found,
              struct failure *f) RR_MUST_CHECK;
/* Up to some thousand days of rooms, or of all rooms together, after (*day, *room_id), which move on;
 * n 0: that was all. */
int held_sums(struct held *h, bool all_rooms, int64_t *day, int64_t *room_id, struct arena *arena,
              struct held_sums_page *ret, struct failure *f) RR_MUST_CHECK;
/* The numbers of n days that are there, in the order of `keys`. */
int held_days(struct held *h, bool all_rooms, const struct held_sums *const *keys, size_t n,
              struct arena *arena, struct held_day **ret, struct failure *f) RR_MUST_CHECK;

/* A month of a room. What its days count is for others to fill in. */
struct held_month {
    int64_t room_id, month; /* its first day */
    int64_t reservations, reserved_minutes, day_reservations, day_reserved_minutes;
};

struct held_months {
    struct held_month *months;
    size_t n;
};

/* Those from `from` on that are before `before`. */
int held_months(struct held *h, int64_t from, int64_t before, struct arena *arena, struct held_months *ret,
                struct failure *f) RR_MUST_CHECK;

/* False for times that no reservation can have: they come of damage, and their days would fill the memory. */
bool held_is_possible(const struct reservation *r);
