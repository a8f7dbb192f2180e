/* exempt: what of the truth a generation need not hold: events that are parked, and those that an operator
 * has skipped. Whoever compares or repairs leaves these out. */
#pragma once

#include "arena.h"
#include "parked.h"
#include "store.h"

struct exempt_versions {
    const int64_t *versions;
    size_t n;
};

/* The first version that is parked, as far as the letters say. */
struct exempt_from {
    int64_t version; /* 0: they do not */
    int64_t unknown; /* letters before that one that do not */
};

struct exempt {
    struct arena arena;
    struct parked parked;
    struct map reservations, rooms; /* to struct exempt_versions: skipped */
    struct map from;                /* of parked reservations, to struct exempt_from */
    size_t n_parked, n_skipped;     /* letters */
};

/* Reads it anew, in whatever transaction `s` is. */
int exempt_load(struct store *s, int32_t generation, struct exempt *ret, struct failure *f) RR_MUST_CHECK;
/* One letter's version of a reservation or room, 0: not known; in the letters' order. 1 for a parked one
 * before which versions are missing, which need not be held either. */
void exempt_add(struct exempt *e, const struct subject *s, bool is_parked);
void exempt_fini(struct exempt *e);

/* Zeros, if there are none. */
struct exempt_versions exempt_skipped(const struct exempt *e, const struct rr_uuid *id);
/* An event of the truth that need not be held, and is not, where what is held ends with `held`. */
bool exempt_event(const struct exempt *e, const struct rr_uuid *id, int64_t version, int64_t held);
/* A room may be older than its `version` in the truth, or missing. */
bool exempt_room(const struct exempt *e, int64_t id, int64_t version);
