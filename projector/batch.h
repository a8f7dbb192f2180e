/* batch: the changes that are applied in one transaction, and what comes of them.
 *
 *   batch_add() …            collects changes in the topic's order
 *   (apply.c reads what the read model holds of the reservations, rooms and days in hand)
 *   batch_plan()             decides: which events are new, what each changed, the newest state of each
 *                            reservation, the difference to the buckets
 *   (apply.c writes that)
 *   batch_reset()
 *
 * Versions guard: an event or room that is not newer than what is stored changes nothing. The outcome does
 * not depend on how the topic is cut into batches nor on messages that come twice;
 * tests/unit/projector/test_batch.c proves it. No I/O here; all memory is the batch's arena. */
#pragma once

#include "arena.h"
#include "buckets.h"
#include "change.h"
#include "failure.h"
#include "map.h"

#include <stdbool.h>
#include <stdint.h>

/* One event, in the topic's order. */
struct batch_event {
    struct batch_event *next;
    struct event event;
    struct batch_reservation *reservation;
    int64_t offset, committed_at; /* committed_at 0: from a snapshot */
    bool is_new;                  /* by batch_plan() */
    struct text changes;          /* JSON, by batch_plan() for what is new */
};

/* A reservation that has events in the batch. */
struct batch_reservation {
    struct batch_reservation *next;
    struct rr_uuid id;
    const struct reservation *stored; /* what the read model holds, set by apply.c; NULL: nothing */
    const struct reservation *latest; /* of the batch's events, by version */
    const struct reservation *now;    /* by batch_plan(): after the batch; == stored: nothing to write */
};

/* A room that has changes in the batch. */
struct batch_room {
    struct batch_room *next;
    struct room room; /* of the batch's changes, the highest version */
    bool stored;      /* the read model has it; the next three are set by apply.c */
    int64_t stored_version;
    struct text stored_name, stored_location;
    bool is_new, is_renamed; /* by batch_plan(); renamed: its reservations follow */
};

struct batch {
    struct arena arena;
    struct map reservation_map, room_map;
    struct buckets buckets;
    struct batch_event *events, **events_end;
    struct batch_reservation *reservations;
    struct batch_room *rooms;
    size_t n_messages, n_events, n_reservations, n_rooms, n_pulses, n_days;
    size_t n_stale;      /* by batch_plan(): events and rooms that were not new */
    int64_t as_of;       /* newest commit time among streamed messages; 0: none */
    bool streamed_pulse; /* has one: everything before it, a snapshot too, has been read */
};

void batch_init(struct batch *b);
void batch_fini(struct batch *b);
void batch_reset(struct batch *b);
/* Takes `c` over; its texts are in b->arena. Ignored changes only count as a message. */
void batch_add(struct batch *b, const struct change *c, int64_t offset);
/* Fails with FAIL_MESSAGE, naming the offset, if a version is missing between what is stored and an event. */
int batch_plan(struct batch *b, struct failure *f) RR_MUST_CHECK;
