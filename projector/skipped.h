/* skipped: messages that an operator has given up, by their place in the topic, for when it is read from
 * before them once more: what was decided there holds.
 *
 * A place is an offset and the bytes that stand there, since a log that was made anew has other messages at
 * its offsets. Zero-initialised is empty. Not shared between threads. */
#pragma once

#include "arena.h"
#include "change.h"
#include "kafka.h"
#include "map.h"

#include <stdbool.h>

struct skipped {
    struct arena arena;
    struct map map; /* by offset */
};

void skipped_put(struct skipped *s, int64_t offset, struct text key, struct text value); /* copied */
bool skipped_has(const struct skipped *s, const struct rr_kafka_message *m);
void skipped_reset(struct skipped *s);
void skipped_fini(struct skipped *s);
