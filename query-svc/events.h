/* What a request for events keeps: its route needs it. */
#pragma once

#include "feed.h"
#include "read.h"

struct events {
    struct read rd; /* first: the same address */
    struct feed_stream stream;
    struct feed_state at; /* by the answer's own statement */
};

void events_fini(void *ctx);
