/* events: a topic as Debezium writes it, made up: rooms, then the journal of two years, a pulse now and then.
 *
 * Bookings are made in the order of time, each some days ahead, and changed or cancelled soon after. The same
 * numbers give the same topic. Threads: one at a time. */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

struct events_conf {
    unsigned events;     /* of reservations; rooms and pulses come on top */
    unsigned rooms;      /* ids begin with 1 */
    bool rows_only;      /* events as rows with their schema, without Debezium's envelope, and nothing else */
    unsigned ahead_days; /* how far ahead the average booking is made; 0: anywhere in the two years */
};

struct events;

struct events *events_new(const struct events_conf *conf);
/* The next message: its key and value replace what the buffers hold. Returns 0 at the end. */
int events_next(struct events *e, struct rr_buf *key, struct rr_buf *value);
void events_free(struct events *e);
/* How many messages there are. */
uint64_t events_messages(const struct events_conf *conf);
