/* parked: the reservations and rooms of which something waits in projection.dead_letter, so that what comes
 * later of them waits too. Zero-initialised is empty. Not shared between threads. */
#pragma once

#include "map.h"
#include "subject.h"

#include <stdbool.h>
#include <stdint.h>

struct parked {
    struct map reservations, rooms;
    size_t n_gaps; /* for want of MySQL */
};

void parked_put(struct parked *p, const struct subject *s); /* a reservation's or a room's */
bool parked_has(const struct parked *p, const struct subject *s);
bool parked_has_reservation(const struct parked *p, const struct rr_uuid *id);
bool parked_has_room(const struct parked *p, int64_t id);
void parked_reset(struct parked *p);
void parked_fini(struct parked *p);
