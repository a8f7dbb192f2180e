/* `projector dead-letters list|show|retry|skip|resume`: what is parked of the serving generation, and what an
 * operator does about it. */
#pragma once

#include "retry.h"

#include <stdbool.h>

struct dead_letters_call {
    const char *what, *id; /* the words behind dead-letters; NULL: not there */
    const char *reason;    /* --reason; NULL: not there */
    bool all, as_json;
};

/* Exit status: 0 done; 1 something is (still) parked that was to be applied, or there is no such letter; 2
 * the call is wrong, or a server cannot be reached. */
int dead_letters_verb(const struct retry_conf *conf, const struct dead_letters_call *call);
