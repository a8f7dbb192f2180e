/* generation: which copy of the read model is worked on, and where it stands. */
#pragma once

#include "apply.h"
#include "failure.h"
#include "store.h"

#include <stdbool.h>

struct generation {
    struct position position;
    bool found;     /* false: there is none yet, and all else is empty */
    char state[16]; /* "building" or "serving" */
    char topic[256];
    int32_t partition;
    char cluster_id[64]; /* "" if it is not known */
    char halted[16];     /* "breaker" or "rewound": nothing more is applied; "": it goes on */
    char halted_reason[500];
    bool has_fingerprint;
    uint64_t fingerprint; /* of the message that was applied last */
};

/* The serving generation, else the oldest that is being filled from Kafka alone. */
int generation_find(struct store *s, struct generation *ret, struct failure *f) RR_MUST_CHECK;
/* The one with that number; FAIL_MOVED if it is not there, or has retired. 0: as generation_find(). */
int generation_find_number(struct store *s, int32_t number, struct generation *ret,
                           struct failure *f) RR_MUST_CHECK;
/* Begins a transaction that holds the position's row of that one, which every writer of a generation locks
 * first. FAIL_MOVED if it has retired, also while this waited for the row: then another one serves. */
int generation_lock(struct store *s, int32_t number, struct generation *ret, struct failure *f) RR_MUST_CHECK;
/* To be written: whoever stands still inside a batch loses its connection. `number` 0: as generation_find();
 * makes the first one if there is none, only once however many projectors try. Else that one, which somebody
 * else makes serve. Fails with FAIL_KAFKA if the generation was filled from another topic: its position means
 * nothing here. */
int generation_open(struct store *s, int32_t number, const char *topic, const char *cluster_id,
                    struct generation *ret, struct failure *f) RR_MUST_CHECK;
/* From now on nothing is applied to it; what has halted it first stays. */
int generation_halt(struct store *s, int32_t generation, const char *kind, const char *reason,
                    struct failure *f) RR_MUST_CHECK;
/* The log is another one: the position goes to its first offset, `begin`, and is unproven. FAIL_MOVED if the
 * position is not *p any more. */
int generation_replace_log(struct store *s, const struct position *p, int64_t begin, const char *cluster_id,
                           struct failure *f) RR_MUST_CHECK;
/* Puts the views for people over the serving generation. Last in its connection: whoever reads them in a long
 * transaction lets it fail, until the next time. */
void generation_show(struct store *s);
