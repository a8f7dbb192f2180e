/* event: one row of the history as Server-Sent Events have it, and who gets it. Thread-safe.
 *
 * An id is `<generation>-<n>`, n being the row's number in reservation_history: it rises in commit order. */
#pragma once

#include "buf.h"
#include "render.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* Of `FROM reservation_history h`. */
#define EVENT_COLUMNS                                                                                        \
    RENDER_HISTORY_COLUMNS ", (SELECT name FROM room WHERE id = h.room_id), n, user_id, "                    \
                           "changes #>> '{room_id,from}' AS old_room, changes #>> '{user_id,from}' AS "      \
                           "old_user, changes #>> '{starts_at,from}' AS old_starts, "                        \
                           "changes #>> '{ends_at,from}' AS old_ends, changes #>> '{state,from}' AS "        \
                           "old_state, CASE WHEN changes ? 'user_id' THEN " RENDER_GIVEN_CHANGES             \
                           " END AS given"
enum {
    EVENT_N = HISTORY_END,
    EVENT_USER,
    EVENT_OLD_ROOM, /* what it was before, as it stands in the API; NULL where it did not change */
    EVENT_OLD_USER,
    EVENT_OLD_STARTS,
    EVENT_OLD_ENDS,
    EVENT_OLD_STATE,
    EVENT_GIVEN_CHANGES,
    EVENT_END
};

/* What a stream is about; every filter matches the old or the new value, of those that may be shown. */
struct event_filter {
    int64_t room;     /* 0: all */
    const char *user; /* NULL: all */
    bool admin;       /* else only what concerns `user`, who asks, and no word of anybody else's */
};

enum event_view { EVENT_HIDDEN, EVENT_SHOWN, EVENT_LEFT, EVENT_GIVEN, EVENT_VIEWS };

/* EVENT_LEFT: the reservation was this user's and is somebody else's now; only that it left is shown, and
 * what it was before. EVENT_GIVEN: the other way round; what it was before is not shown. */
enum event_view event_view(const struct event_filter *f, const PGresult *res, int row, int col);

/* Appends the event as a stream shows it; not for EVENT_HIDDEN. */
void event_write(struct rr_buf *out, int generation, enum event_view view, const PGresult *res, int row,
                 int col);
/* Appends the id alone: nothing is shown, and the client goes on from there when it comes again. */
void event_write_id(struct rr_buf *out, int generation, int64_t n);
/* Appends `event: reset`: what was shown before is void, and the stream goes on after this id. */
void event_write_reset(struct rr_buf *out, int generation, int64_t n);

/* A Last-Event-ID; false if it is none of ours. */
bool event_parse_id(const char *text, int *ret_generation, int64_t *ret_n);
