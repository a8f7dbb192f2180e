/* subject: whom a message concerns: the reservation or the room that is parked when it cannot be applied. */
#pragma once

#include "arena.h"
#include "change.h"
#include "kafka.h"

enum subject_what { SUBJECT_UNKNOWN, SUBJECT_RESERVATION, SUBJECT_ROOM, SUBJECT_PULSE };

struct subject {
    enum subject_what what;
    struct rr_uuid reservation_id;
    int64_t room_id;
    int64_t version; /* 0: cannot be read */
};

/* Of a change that could be read. */
struct subject subject_of(const struct change *c);
/* Of a message that could not: its key says whom, for the key is right as long as the topic's order is. A key
 * with a number alone is a room's, unless the value says otherwise. */
struct subject subject_read(const struct rr_kafka_message *m, struct arena *arena);
