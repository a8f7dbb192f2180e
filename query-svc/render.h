/* render: rows to JSON, straight from PostgreSQL's text. Each macro of columns stands beside the function
 * that writes them, in the same order. Instants arrive as the session has them written, "2026-12-01
 * 09:00:00.5+00", always in UTC. */
#pragma once

#include "json.h"
#include "sql.h"
#include "time.h"

#include <libpq-fe.h>

/* One column. SQL NULL writes null. */
void render_text(struct rr_json *j, const char *name, const PGresult *res, int row, int col);
void render_raw(struct rr_json *j, const char *name, const PGresult *res, int row,
                int col); /* numbers, jsonb */
void render_bool(struct rr_json *j, const char *name, const PGresult *res, int row, int col);
void render_time(struct rr_json *j, const char *name, const PGresult *res, int row, int col);

/* PostgreSQL's text of an instant as RFC 3339: what rr_time_format() would write. NULL if it is none
 * (infinity). */
char *render_instant(const char *text, char out[RR_TIME_TEXT]);
/* A column as a number, as microseconds since 1970; 0 if it is none. */
int64_t render_int(const PGresult *res, int row, int col);
int64_t render_us(const PGresult *res, int row, int col);

#define RENDER_ROOM_COLUMNS "id, name, location, capacity, active, version, created_at, updated_at"
enum {
    ROOM_ID,
    ROOM_NAME,
    ROOM_LOCATION,
    ROOM_CAPACITY,
    ROOM_ACTIVE,
    ROOM_VERSION,
    ROOM_CREATED,
    ROOM_UPDATED
};
/* As members of an object that is open; `col` is the first column. */
void render_room(struct rr_json *j, const PGresult *res, int row, int col);

#define RENDER_RESERVATION_COLUMNS                                                                           \
    "id, room_id, room_name, room_location, user_id, title, starts_at, ends_at, state, version, "            \
    "created_at, updated_at"
enum {
    RESERVATION_ID,
    RESERVATION_ROOM,
    RESERVATION_ROOM_NAME,
    RESERVATION_ROOM_LOCATION,
    RESERVATION_USER,
    RESERVATION_TITLE,
    RESERVATION_STARTS,
    RESERVATION_ENDS,
    RESERVATION_STATE,
    RESERVATION_VERSION,
    RESERVATION_CREATED,
    RESERVATION_UPDATED,
    RESERVATION_END
};
void render_reservation(struct rr_json *j, const PGresult *res, int row, int col);

/* Of reservation_history; then the name of the room, which is joined to it. */
#define RENDER_HISTORY_COLUMNS RENDER_HISTORY_COLUMNS_WITH("changes")
#define RENDER_HISTORY_COLUMNS_WITH(changes)                                                                 \
    "reservation_id, version, kind, recorded_at, recorded_by, reason, " changes ", room_id, title, "         \
    "starts_at, ends_at, state"
/* `changes` without what it was before: that was another user's, where the user changes. */
#define RENDER_GIVEN_CHANGES                                                                                 \
    "(SELECT jsonb_object_agg(key, jsonb_build_object('from', NULL, 'to', value -> 'to')) "                  \
    "FROM jsonb_each(changes))"
/* All of it where the parameter `user` is NULL. */
#define RENDER_HISTORY_COLUMNS_FOR(user)                                                                     \
    RENDER_HISTORY_COLUMNS_WITH("CASE WHEN " user " IS NULL OR changes #>> '{user_id,from}' IS NULL "        \
                                "OR changes #>> '{user_id,from}' = " user                                    \
                                " THEN changes ELSE " RENDER_GIVEN_CHANGES " END AS changes")
enum {
    HISTORY_RESERVATION,
    HISTORY_VERSION,
    HISTORY_KIND,
    HISTORY_RECORDED_AT,
    HISTORY_RECORDED_BY,
    HISTORY_REASON,
    HISTORY_CHANGES,
    HISTORY_ROOM,
    HISTORY_TITLE,
    HISTORY_STARTS,
    HISTORY_ENDS,
    HISTORY_STATE,
    HISTORY_ROOM_NAME,
    HISTORY_END
};
void render_history(struct rr_json *j, const PGresult *res, int row, int col);
/* The same with other changes. */
void render_history_with(struct rr_json *j, const PGresult *res, int row, int col, int changes);
