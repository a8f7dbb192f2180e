/* compare: what a generation holds against the truth. Pure: no I/O.
 *
 * The truth was read first, the generation later, after everything in the truth had been applied. So what the
 * generation lacks of the truth is a difference; what it has beyond it may simply be newer, and is handed
 * back to be compared with a fresh truth. */
#pragma once

#include "exempt.h"
#include "held.h"
#include "report.h"
#include "truth.h"

/* Reservations whose truth has to be read again. */
struct newer {
    struct rr_uuid *ids;
    size_t n, cap;
};

struct compare {
    struct arena *arena; /* for what is computed on the way */
    struct report *report;
    const struct exempt *exempt; /* NULL: everything has to be held */
    const struct truth_rooms
        *rooms;          /* the generation's own, in order of id: whose names its rows have to show */
    struct newer *newer; /* NULL: the truth is fresh, and what goes beyond it is a difference */
};

/* Each reservation of the truth equals its last event. */
void compare_truth(const struct truth_rows *truth, struct report *report);
/* Both have the same range of ids. Where c->newer is set, reservations beyond the truth are put there and not
 * reported; else the truth is cut to the version that is held. */
void compare_rows(const struct compare *c, const struct truth_rows *truth, const struct held_rows *held);
/* What `held` says differently from `truth`, in words; nothing if they say the same. */
void compare_event_words(const struct event *held, const struct event *truth, struct rr_buf *buf);
void compare_room_words(const struct room *held, const struct room *truth, struct rr_buf *buf);
/* Of equal versions; true if they are equal. */
bool compare_room(const struct room *truth, const struct room *held, struct report *report);
/* NULL: the day counts nothing. */
void compare_day(const struct bucket *computed, const struct held_day *held, struct report *report);
void compare_month(const struct held_month *held, struct report *report);
