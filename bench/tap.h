/* tap: a plain Kafka consumer in a thread of its own, which notes when each event of the journal arrives. It
 * is the yardstick: what it sees, the projector cannot see earlier. */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct tap;

/* Begins at the present end of partition 0; returns when the position is known. NULL, with a message, if it
 * cannot. */
struct tap *tap_new(const char *bootstrap, const char *topic);
/* Stops, and prints a line `event <reservation id> <version> <committed> <arrived>` (microseconds since the
 * epoch) for each event seen. */
void tap_free(struct tap *t, FILE *out);
