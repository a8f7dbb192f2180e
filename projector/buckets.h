/* buckets: use of rooms by UTC day and quarter-hour, what popularity and busy hours are read from.
 *
 * A batch collects here which days it touches, takes in what the read model holds for them, and adds and
 * removes reservations; the outcome is written back as whole rows. Each reservation counts twice: for its
 * room and for all rooms together (room id 0; real ones begin with 1). Only confirmed reservations that are
 * not deleted count. 96 quarter-hours a day are exact in every time zone, since all offsets are multiples of
 * 15 minutes. */
#pragma once

#include "arena.h"
#include "change.h"
#include "map.h"

#include <stdbool.h>
#include <stdint.h>

#define QUARTERS  96
#define ALL_ROOMS 0

struct bucket {
    struct bucket *next;
    int64_t room_id; /* or ALL_ROOMS */
    int64_t day;     /* days since 1970-01-01 */
    bool stored;     /* the read model has its row */
    bool dirty;      /* a reservation was added or removed */
    bool asked;      /* of a repair or verify: seen to */
    /* Quarters [from, upto) are touched, and of those [read_from, read_upto) hold what is stored, too. */
    uint8_t from, upto, read_from, read_upto;
    int32_t reservations, reserved_minutes;
    int32_t starts[QUARTERS], minutes[QUARTERS];
};

struct buckets {
    struct arena *arena; /* where they live */
    struct map map;
    struct bucket *list;
};

bool reservation_counts(const struct reservation *r);
/* Both count, or do not, in the same quarters of the same room. NULL does not count. */
bool reservation_same_use(const struct reservation *a, const struct reservation *b);

/* Make sure the days that `r` counts in are there, and that its quarters are among those touched. */
void buckets_touch(struct buckets *b, const struct reservation *r);
/* sign 1: `r` counts from now on; -1: no more. Nothing, if it does not count. */
void buckets_add(struct buckets *b, const struct reservation *r, int sign);
/* The bucket of one day, made empty if it is new. */
struct bucket *buckets_get(struct buckets *b, int64_t room_id, int64_t day);
/* Whether quarters are touched that have not been read. */
bool bucket_is_unread(const struct bucket *k);
/* What one day of a reservation counts: minutes from..to of that day, which begins it or not. */
struct use {
    int64_t room_id;
    int32_t day;
    uint16_t from, to : 15, starts : 1;
};
/* As buckets_add(), of that part. */
void buckets_add_use(struct buckets *b, const struct use *u, int sign);
/* Calls `each` for every day that `r` counts in; for none, if it does not count. */
void reservation_uses(const struct reservation *r, void (*each)(void *arg, const struct use *u), void *arg);
void buckets_reset(struct buckets *b); /* before the arena is */
void buckets_fini(struct buckets *b);
