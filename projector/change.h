/* change: what one message of the topic says, as the projector sees it. Texts belong to the arena that the
 * message was decoded into. */
#pragma once

#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *s; /* NUL-terminated too; NULL is null */
    size_t n;
};

bool text_same(struct text a, struct text b); /* null is the same as null only */

enum reservation_state { STATE_CONFIRMED, STATE_CANCELLED };
enum event_kind { KIND_CREATED, KIND_CHANGED, KIND_CANCELLED, KIND_DELETED, EVENT_KINDS };
extern const char
    *const reservation_state_names[]; /* NULL-terminated, as in the journal and in the read model */
extern const char *const event_kind_names[];

struct room {
    int64_t id, version, capacity, created_at, updated_at;
    struct text name, location;
    bool active;
};

/* A reservation at one version. */
struct reservation {
    struct rr_uuid id;
    int64_t version, room_id, starts_at, ends_at, created_at, updated_at;
    struct text user_id, title;
    int state; /* enum reservation_state */
    bool deleted;
};

struct event {
    struct reservation after; /* its updated_at is when the event was recorded */
    int kind;                 /* enum event_kind */
    struct text recorded_by, reason, trace_id;
};

enum change_what { CHANGE_ROOM, CHANGE_EVENT, CHANGE_PULSE, CHANGE_IGNORED };

struct change {
    enum change_what what;
    bool streamed;        /* from the binlog, not a snapshot's row: committed_at is known */
    int64_t committed_at; /* the commit in MySQL, µs since 1970; 0 unless streamed */
    union {
        struct room room;
        struct event event;
        struct {
            const char *reason; /* a constant, for the metric */
            bool alarm;         /* cannot come from a healthy truth */
        } ignored;
    };
};
