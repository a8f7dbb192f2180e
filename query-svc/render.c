#include "render.h"

#include <stdlib.h>
#include <string.h>

void render_text(struct rr_json *j, const char *name, const PGresult *res, int row, int col)
{
    if (PQgetisnull(res, row, col))
        rr_json_null(j, name);
    else
        rr_json_textn(j, name, PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col));
}

void render_raw(struct rr_json *j, const char *name, const PGresult *res, int row, int col)
{
    if (PQgetisnull(res, row, col))
        rr_json_null(j, name);
    else
        rr_json_raw(j, name, PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col));
}

void render_bool(struct rr_json *j, const char *name, const PGresult *res, int row, int col)
{
    rr_json_bool(j, name, *PQgetvalue(res, row, col) == 't');
}

char *render_instant(const char *text, char out[RR_TIME_TEXT])
{
    size_t len = strlen(text), n = 19;

    if (len < 22 || len > 29 || text[10] != ' ' || strcmp(text + len - 3, "+00") != 0)
        return NULL;
    memcpy(out, text, n);
    out[10] = 'T';
    if (text[n] == '.') {
        memset(out + n, '0', 7);
        memcpy(out + n, text + n, len - 3 - n);
        n += 7;
    }
    memcpy(out + n, "Z", 2);
    return out;
}

void render_time(struct rr_json *j, const char *name, const PGresult *res, int row, int col)
{
    char text[RR_TIME_TEXT];

    rr_json_text(j, name, render_instant(PQgetvalue(res, row, col), text));
}

int64_t render_int(const PGresult *res, int row, int col)
{
    return strtoll(PQgetvalue(res, row, col), NULL, 10);
}

int64_t render_us(const PGresult *res, int row, int col)
{
    char text[RR_TIME_TEXT];
    int64_t us;

    if (!render_instant(PQgetvalue(res, row, col), text) || rr_time_parse(text, strlen(text), &us))
        return 0;
    return us;
}

void render_room(struct rr_json *j, const PGresult *res, int row, int col)
{
    render_raw(j, "id", res, row, col + ROOM_ID);
    render_text(j, "name", res, row, col + ROOM_NAME);
    render_raw(j, "capacity", res, row, col + ROOM_CAPACITY);
    render_text(j, "location", res, row, col + ROOM_LOCATION);
    render_bool(j, "active", res, row, col + ROOM_ACTIVE);
    render_raw(j, "version", res, row, col + ROOM_VERSION);
    render_time(j, "created_at", res, row, col + ROOM_CREATED);
    render_time(j, "updated_at", res, row, col + ROOM_UPDATED);
}

void render_reservation(struct rr_json *j, const PGresult *res, int row, int col)
{
    render_text(j, "id", res, row, col + RESERVATION_ID);
    render_raw(j, "room_id", res, row, col + RESERVATION_ROOM);
    render_text(j, "room_name", res, row, col + RESERVATION_ROOM_NAME);
    render_text(j, "room_location", res, row, col + RESERVATION_ROOM_LOCATION);
    render_text(j, "user_id", res, row, col + RESERVATION_USER);
    render_text(j, "title", res, row, col + RESERVATION_TITLE);
    render_time(j, "starts_at", res, row, col + RESERVATION_STARTS);
    render_time(j, "ends_at", res, row, col + RESERVATION_ENDS);
    render_text(j, "state", res, row, col + RESERVATION_STATE);
    render_raw(j, "version", res, row, col + RESERVATION_VERSION);
    render_time(j, "created_at", res, row, col + RESERVATION_CREATED);
    render_time(j, "updated_at", res, row, col + RESERVATION_UPDATED);
}

void render_history(struct rr_json *j, const PGresult *res, int row, int col)
{
    render_history_with(j, res, row, col, col + HISTORY_CHANGES);
}

void render_history_with(struct rr_json *j, const PGresult *res, int row, int col, int changes)
{
    render_text(j, "reservation_id", res, row, col + HISTORY_RESERVATION);
    render_raw(j, "version", res, row, col + HISTORY_VERSION);
    render_text(j, "kind", res, row, col + HISTORY_KIND);
    render_time(j, "recorded_at", res, row, col + HISTORY_RECORDED_AT);
    render_text(j, "recorded_by", res, row, col + HISTORY_RECORDED_BY);
    render_text(j, "reason", res, row, col + HISTORY_REASON);
    render_raw(j, "changes", res, row, changes); /* the projector wrote it as it stands in the API */
    render_raw(j, "room_id", res, row, col + HISTORY_ROOM);
    render_text(j, "room_name", res, row, col + HISTORY_ROOM_NAME);
    render_text(j, "title", res, row, col + HISTORY_TITLE);
    render_time(j, "starts_at", res, row, col + HISTORY_STARTS);
    render_time(j, "ends_at", res, row, col + HISTORY_ENDS);
    render_text(j, "state", res, row, col + HISTORY_STATE);
}
