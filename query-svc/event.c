#include "event.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- who gets it ---- */

static bool is_room(const PGresult *res, int row, int col, int64_t room)
{
    return !PQgetisnull(res, row, col) && render_int(res, row, col) == room;
}

static bool is_user(const PGresult *res, int row, int col, const char *user)
{
    return !PQgetisnull(res, row, col) && strcmp(PQgetvalue(res, row, col), user) == 0;
}

enum event_view event_view(const struct event_filter *f, const PGresult *res, int row, int col)
{
    if (f->room && !is_room(res, row, col + HISTORY_ROOM, f->room) &&
        !is_room(res, row, col + EVENT_OLD_ROOM, f->room))
        return EVENT_HIDDEN;
    if (f->user && !f->admin && is_user(res, row, col + EVENT_USER, f->user) &&
        !PQgetisnull(res, row, col + EVENT_OLD_USER))
        return EVENT_GIVEN;
    if (!f->user || is_user(res, row, col + EVENT_USER, f->user))
        return EVENT_SHOWN;
    if (!is_user(res, row, col + EVENT_OLD_USER, f->user))
        return EVENT_HIDDEN;
    return f->admin ? EVENT_SHOWN : EVENT_LEFT;
}

/* ---- how it is written ---- */

/* The item of the history, without what is the new user's. */
static void write_left(struct rr_json *j, const PGresult *res, int row, int col)
{
    render_text(j, "reservation_id", res, row, col + HISTORY_RESERVATION);
    render_raw(j, "version", res, row, col + HISTORY_VERSION);
    render_text(j, "kind", res, row, col + HISTORY_KIND);
    render_time(j, "recorded_at", res, row, col + HISTORY_RECORDED_AT);
    rr_json_null(j, "recorded_by");
    rr_json_null(j, "reason");
    rr_json_object(j, "changes");
    rr_json_object(j, "user_id");
    render_text(j, "from", res, row, col + EVENT_OLD_USER);
    rr_json_null(j, "to");
    rr_json_end_object(j);
    rr_json_end_object(j);
    render_raw(j, "room_id", res, row, col + HISTORY_ROOM);
    render_text(j, "room_name", res, row, col + HISTORY_ROOM_NAME);
    rr_json_null(j, "title");
    render_time(j, "starts_at", res, row, col + HISTORY_STARTS);
    render_time(j, "ends_at", res, row, col + HISTORY_ENDS);
    render_text(j, "state", res, row, col + HISTORY_STATE);
}

static void put_id(struct rr_buf *out, int generation, int64_t n)
{
    rr_buf_printf(out, "id: %d-%lld\n", generation, (long long)n);
}

void event_write(struct rr_buf *out, int generation, enum event_view view, const PGresult *res, int row,
                 int col)
{
    struct rr_json j;

    put_id(out, generation, render_int(res, row, col + EVENT_N));
    rr_buf_puts(out, "data: ");
    rr_json_init(&j, out);
    rr_json_object(&j, NULL);
    if (view == EVENT_LEFT)
        write_left(&j, res, row, col);
    else if (view == EVENT_GIVEN)
        render_history_with(&j, res, row, col, col + EVENT_GIVEN_CHANGES);
    else
        render_history(&j, res, row, col);
    rr_json_end_object(&j);
    rr_buf_puts(out, "\n\n");
}

void event_write_id(struct rr_buf *out, int generation, int64_t n)
{
    put_id(out, generation, n);
    rr_buf_puts(out, "\n");
}

void event_write_reset(struct rr_buf *out, int generation, int64_t n)
{
    rr_buf_puts(out, "event: reset\n");
    put_id(out, generation, n);
    rr_buf_printf(out, "data: {\"generation\":%d}\n\n", generation);
}

/* ---- where to go on ---- */

/* At most 18 digits: that fits. */
static bool parse_number(const char **text, int64_t *ret)
{
    const char *s = *text;
    size_t digits = strspn(s, "0123456789");

    if (!digits || digits > 18)
        return false;
    *ret = strtoll(s, NULL, 10);
    *text = s + digits;
    return true;
}

bool event_parse_id(const char *text, int *ret_generation, int64_t *ret_n)
{
    int64_t generation, n;

    if (!parse_number(&text, &generation) || *text++ != '-' || !parse_number(&text, &n) || *text ||
        generation > INT32_MAX)
        return false;
    *ret_generation = (int)generation;
    *ret_n = n;
    return true;
}
