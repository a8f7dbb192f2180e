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
};

/* The serving generation, else the oldest that is being built. */
int generation_find(struct store *s, struct generation *ret, struct failure *f) RR_MUST_CHECK;
/* The same; makes the first one if there is none, only once however many projectors try. Fails with
 * FAIL_KAFKA if the generation was filled from another topic or another cluster: its position means nothing
 * here. */
int generation_open(struct store *s, const char *topic, const char *cluster_id, struct generation *ret,
                    struct failure *f) RR_MUST_CHECK;
