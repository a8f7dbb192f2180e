/* GET, DELETE /v1/users/{id}/calendar-link and /v1/rooms/{id}/calendar-link: a link to a calendar feed, and
 * its revocation, which makes all links to that feed void. A room's link is everybody's, so an admin revokes
 * it. */
#include "calendar.h"
#include "endpoints.h"
#include "read.h"
#include "render.h"

/* $1: subject; $2: the room that has to be there. */
#define KNOWN "($2::bigint IS NULL OR EXISTS (SELECT FROM room WHERE id = $2))"
#define STMT(name, before, epoch)                                                                            \
    {                                                                                                        \
        name, SQL_META before "SELECT m.*, " epoch ", " KNOWN " FROM meta m"                                 \
    }
static const struct rr_pg_stmt stmt_get =
    STMT("calendar_link", "",
         "coalesce((SELECT epoch FROM projection.calendar_link WHERE subject = $1::text), 0)");
/* What is refused writes nothing. Repeated, it raises the epoch once more, which does no harm. */
static const struct rr_pg_stmt stmt_delete =
    STMT("calendar_link_revoke",
         ", revoked AS (INSERT INTO projection.calendar_link AS l (subject, epoch) "
         "SELECT $1::text, 1 FROM meta WHERE here AND " KNOWN " "
         "ON CONFLICT (subject) DO UPDATE SET epoch = l.epoch + 1, revoked_at = clock_timestamp() "
         "RETURNING epoch) ",
         "(SELECT epoch FROM revoked)");
enum { COL_EPOCH = COL_DATA, COL_KNOWN };

static bool of_room(const struct read *rd)
{
    return strncmp(rd->r->route->pattern, "/v1/rooms/", 10) == 0;
}

static bool revokes(const struct read *rd)
{
    return strcmp(rd->r->route->method, "DELETE") == 0;
}

static enum rr_err check(struct read *rd, int64_t *ret_room)
{
    if (!of_room(rd)) {
        enum rr_err err = read_own_user(rd);

        return !err && strlen(rd->r->arg[0]) > CALENDAR_ID ? RR_NOT_FOUND : err;
    }
    if (revokes(rd) && !rd->r->admin) {
        rr_problem_detail(rd->r, "this needs the role admin");
        return RR_FORBIDDEN;
    }
    return read_room_id(rd, ret_room);
}

static struct calendar_link link_of(const struct read *rd)
{
    struct calendar_link l = {.kind = !of_room(rd)   ? CALENDAR_USER
                                      : rd->r->admin ? CALENDAR_DETAILS
                                                     : CALENDAR_ROOM};

    memcpy(l.id, rd->r->arg[0], strlen(rd->r->arg[0]) + 1);
    return l;
}

static enum rr_err parse(struct read *rd)
{
    char subject[CALENDAR_SUBJECT];
    struct calendar_link l;
    int64_t room = 0;
    enum rr_err err = check(rd, &room);

    if (err)
        return err;
    l = link_of(rd);
    read_statement(rd, revokes(rd) ? &stmt_delete : &stmt_get);
    rd->question.query.writes = revokes(rd);
    err = read_param_copy(rd, calendar_subject(&l, subject));
    if (room)
        read_param_int(rd, room);
    else
        read_param_text(rd, NULL);
    return err;
}

static const struct rr_pg_stmt *first(struct read *rd)
{
    return rd->loop->calendar.known ? NULL : &calendar_stmt;
}

static enum rr_err first_answered(struct read *rd, const PGresult *res)
{
    return calendar_take(&rd->loop->calendar, res);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    const char *host = rr_header(rd->r, "Host"), *base = rd->loop->conf->public_url;
    struct calendar_link l = link_of(rd);
    char path[CALENDAR_LINK];
    rr_auto(buf) struct rr_buf url = {0};
    struct rr_json j;

    if (*PQgetvalue(res, 0, COL_KNOWN) != 't')
        return RR_NOT_FOUND;
    if (revokes(rd))
        return RR_OK;
    l.epoch = (uint32_t)render_int(res, 0, COL_EPOCH);
    rr_buf_printf(&url, "%s%s/v1/calendars/%s", *base ? "" : "http://", *base || !host ? base : host,
                  calendar_format(&rd->loop->calendar, &l, path));
    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "url", url.data);
    rr_json_end_object(&j);
    return url.failed ? RR_NO_MEMORY : RR_OK;
}

const struct rr_operation user_calendar_link_operation = {
    .method = "GET",
    .pattern = "/v1/users/{id}/calendar-link",
    .id = "getUserCalendarLink",
    .summary = "A link to a user's calendar feed",
    .status = 200,
    .answer = "CalendarLink",
    .flags = RR_OP_READ | RR_OP_TEXT,
    .errors = {RR_FORBIDDEN},
};

const struct rr_operation user_calendar_revoke_operation = {
    .method = "DELETE",
    .pattern = "/v1/users/{id}/calendar-link",
    .id = "revokeUserCalendarLinks",
    .summary = "Makes all links to a user's feed void",
    .status = 204,
    .flags = RR_OP_READ | RR_OP_TEXT,
    .errors = {RR_FORBIDDEN},
};

const struct rr_operation room_calendar_link_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/{id}/calendar-link",
    .id = "getRoomCalendarLink",
    .summary = "A link to a room's calendar feed",
    .status = 200,
    .answer = "CalendarLink",
    .flags = RR_OP_READ,
};

const struct rr_operation room_calendar_revoke_operation = {
    .method = "DELETE",
    .pattern = "/v1/rooms/{id}/calendar-link",
    .id = "revokeRoomCalendarLinks",
    .summary = "Makes all links to a room's feed void",
    .status = 204,
    .flags = RR_OP_READ,
    .errors = {RR_FORBIDDEN},
};

enum rr_step calendar_link(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse,
                                          .first = first,
                                          .first_answered = first_answered,
                                          .render = render,
                                          .shared = BY_NOBODY};

    return read_step(r, &kind);
}
