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

/* The column that holds what it was before the event. */
static int before(const PGresult *res, int row, int now, int old)
{
    return PQgetisnull(res, row, old) ? now : old;
}

static enum event_view view_of_user(const struct event_filter *f, const PGresult *res, int row, int col)
{
    bool is_theirs = !f->user || is_user(res, row, col + EVENT_USER, f->user);
    bool was_theirs = !is_theirs && is_user(res, row, col + EVENT_OLD_USER, f->user);

    if (!is_theirs && !was_theirs)
        return EVENT_HIDDEN;
    if (f->admin || (is_theirs && PQgetisnull(res, row, col + EVENT_OLD_USER)))
        return EVENT_SHOWN;
    return is_theirs ? EVENT_GIVEN : EVENT_LEFT;
}

/* Who does not see the one of two rooms must not learn it by asking for that room's events either. */
enum event_view event_view(const struct event_filter *f, const PGresult *res, int row, int col)
{
    enum event_view view = view_of_user(f, res, row, col);
    int now = col + HISTORY_ROOM, old = before(res, row, now, col + EVENT_OLD_ROOM);

    if (!f->room || view == EVENT_HIDDEN || (view != EVENT_LEFT && is_room(res, row, now, f->room)) ||
        (view != EVENT_GIVEN && is_room(res, row, old, f->room)))
        return view;
    return EVENT_HIDDEN;
}

/* ---- how it is written ---- */

static void write_time_before(struct rr_json *j, const char *name, const PGresult *res, int row, int now,
                              int old)
{
    if (PQgetisnull(res, row, old))
        render_time(j, name, res, row, now);
    else
        render_text(j, name, res, row, old);
}

/* The item of the history as who had the reservation knew it, without what is the new user's. It is only
 * known that it left, so the kind is that of any change. */
static void write_left(struct rr_json *j, const PGresult *res, int row, int col)
{
    int room = col + HISTORY_ROOM, state = col + HISTORY_STATE;

    render_text(j, "reservation_id", res, row, col + HISTORY_RESERVATION);
    render_raw(j, "version", res, row, col + HISTORY_VERSION);
    rr_json_text(j, "kind", "changed");
    render_time(j, "recorded_at", res, row, col + HISTORY_RECORDED_AT);
    rr_json_null(j, "recorded_by");
    rr_json_null(j, "reason");
    rr_json_object(j, "changes");
    rr_json_object(j, "user_id");
    render_text(j, "from", res, row, col + EVENT_OLD_USER);
    rr_json_null(j, "to");
    rr_json_end_object(j);
    rr_json_end_object(j);
    render_raw(j, "room_id", res, row, before(res, row, room, col + EVENT_OLD_ROOM));
    if (PQgetisnull(res, row, col + EVENT_OLD_ROOM))
        render_text(j, "room_name", res, row, col + HISTORY_ROOM_NAME);
    else
        rr_json_null(j, "room_name"); /* the name at hand is the new room's */
    rr_json_null(j, "title");
    write_time_before(j, "starts_at", res, row, col + HISTORY_STARTS, col + EVENT_OLD_STARTS);
    write_time_before(j, "ends_at", res, row, col + HISTORY_ENDS, col + EVENT_OLD_ENDS);
    render_text(j, "state", res, row, before(res, row, state, col + EVENT_OLD_STATE));
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
