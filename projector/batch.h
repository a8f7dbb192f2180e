/* batch: the changes that are applied in one transaction, and what comes of them.
 *
 *   batch_add() …            collects changes in the topic's order
 *   (apply.c reads what the read model holds of the reservations, rooms and days in hand)
 *   batch_plan()             decides: which events are new, what each changed, the newest state of each
 *                            reservation, the difference to the buckets
 *   (apply.c writes that)
 *   batch_reset()
 *
 * Where a version is missing between what is stored and an event, the plan fails; the missing ones are put in
 * from the truth's journal (batch_fill()) and it is planned again. What cannot be applied stands in the batch
 * as a letter, which is written to projection.dead_letter.
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
#include "parked.h"

#include <stdbool.h>
#include <stdint.h>

#define BATCH_DAYS_MAX 40000 /* bounds a batch's memory: 0.8 KiB a day of a reservation, twice */

enum letter_kind { LETTER_MESSAGE, LETTER_GAP, LETTER_LOST, LETTER_BEHIND, LETTER_KINDS };
extern const char *const letter_kind_names[]; /* NULL-terminated, as in projection.dead_letter */

/* One event, in the topic's order. */
struct batch_event {
    struct batch_event *next;
    struct event event;
    struct batch_reservation *reservation;
    int64_t offset, committed_at; /* committed_at 0: from a snapshot */
    bool unnamed;                 /* its room is parked: its name is not known */
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
    bool unnamed;                     /* by batch_plan(): of `now` */
    struct batch_event *gap;          /* by batch_plan(): versions are missing before it; NULL: none are */
    int64_t missing;                  /* the first of them */
    enum letter_kind gap_kind;        /* by gaps_fill(): why they cannot be had; gap_reason NULL: they can */
    const char *gap_reason;
    const int64_t *skipped; /* versions that an operator has given up */
    size_t n_skipped;
};

/* A room that has changes in the batch. */
struct batch_room {
    struct batch_room *next;
    struct room room;         /* of the batch's changes, the highest version */
    const struct room *other; /* the last that came with that version too; NULL: none */
    bool stored;              /* the read model has it; the next three are set by apply.c */
    int64_t stored_version;
    struct text stored_name, stored_location;
    bool is_new, is_renamed; /* by batch_plan(); renamed: its reservations follow */
};

/* A message that is parked. */
struct letter {
    struct letter *next;
    enum letter_kind kind;
    struct subject subject;
    int64_t offset;
    struct text key, value, reason; /* key and value as they came; null: none */
};

struct batch {
    struct arena arena;
    const struct parked *parked; /* NULL: nothing is */
    struct map reservation_map, room_map;
    struct buckets buckets;
    struct batch_event *events, **events_end;
    struct batch_reservation *reservations, **reservations_end; /* as they first come */
    struct batch_room *rooms;
    struct letter *letters, **letters_end;
    size_t n_messages, n_events, n_reservations, n_rooms, n_pulses, n_days;
    size_t n_letters;
    size_t n_stale;      /* by batch_plan(): events and rooms that were not new */
    size_t n_gaps;       /* by batch_plan(): reservations with a gap */
    bool unreadable;     /* the last message has a key that cannot be read: nothing may come behind it */
    int64_t as_of;       /* newest commit time among streamed messages; 0: none */
    bool streamed_pulse; /* has one: everything before it, a snapshot too, has been read */
    bool snapshot;       /* has rows of one */
};

void batch_init(struct batch *b);
void batch_fini(struct batch *b);
void batch_reset(struct batch *b);
/* Takes `c` over; its texts are in b->arena. Ignored changes only count as a message. */
void batch_add(struct batch *b, const struct change *c, int64_t offset);
/* Takes `l` over likewise. committed_at 0: not known. */
void batch_park(struct batch *b, const struct letter *l, int64_t committed_at);
/* Puts events of `r` in before r->gap; they are the versions from r->missing on, without holes. */
void batch_fill(struct batch *b, struct batch_reservation *r, const struct event *events, size_t n);
/* Forgets what was read and planned, so that it can be planned again. */
void batch_unplan(struct batch *b);
/* Fails with FAIL_MESSAGE, naming the offset, if a version is missing between what is stored and an event;
 * b->n_gaps is then not 0. So it does if the reservations of several messages leave more than BATCH_DAYS_MAX
 * days: fewer at a time leave less. An event whose version follows a skipped one leaves no gap: all before
 * was given up with that one. */
int batch_plan(struct batch *b, struct failure *f) RR_MUST_CHECK;
