/* GET /v1/rooms/{id}/schedule: the confirmed reservations of a room that overlap [from, to), by their start.
 *
 * Everybody who is signed in may see when a room is taken; whose reservation it is and what for is shown only
 * to that user and to admins. */
#include "endpoints.h"
#include "list.h"
#include "range.h"
#include "render.h"

enum { FROM = LIST_FILTERS, TO, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [FROM] = RANGE_FIELD("from"),
    [TO] = RANGE_FIELD("to"),
};

/* $1: room; $2, $3: after this start and reservation; $4: to; $5: from; $6: limit. */
#define COLUMNS "starts_at, ends_at, id, user_id, title"
#define BEFORE  RANGE_BEFORE(COLUMNS, "$1", "$5", "$2")
static const struct rr_pg_stmt stmt = {
    "room_schedule",
    SQL_META "SELECT m.*, i.*, r.id FROM meta m LEFT JOIN room r ON r.id = $1::bigint LEFT JOIN ("
             "SELECT * FROM (SELECT * FROM " BEFORE "UNION ALL (SELECT " COLUMNS " FROM reservation "
             "WHERE room_id = $1 AND starts_at >= $5 AND (starts_at, id) > ($2, $3::uuid) "
             "AND starts_at < $4::timestamptz AND state = 'confirmed' AND NOT deleted "
             "ORDER BY starts_at, id LIMIT $6::integer)) taken "
             "ORDER BY starts_at, id LIMIT $6) i ON true ORDER BY i.starts_at, i.id",
};
enum { COL_STARTS = COL_DATA, COL_ENDS, COL_ID, COL_USER, COL_TITLE, COL_ROOM };

static enum rr_err parse(struct read *rd)
{
    struct cursor after = {0};
    struct range range;
    int64_t room;
    enum rr_err err = read_room_id(rd, &room);

    if (!err)
        err = range_take(rd->r, &rd->v[FROM], &rd->v[TO], &range);
    if (err)
        return err;
    after.major = range.from - LONGEST_US;
    err = list_parse(rd, &after);
    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_int(rd, room);
    read_param_time(rd, after.major);
    read_param_uuid(rd, &after.id);
    read_param_time(rd, range.to);
    read_param_time(rd, range.from);
    list_param_limit(rd);
    return RR_OK;
}

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    bool shown = rd->r->admin || strcmp(PQgetvalue(res, row, COL_USER), rd->r->user) == 0;

    render_time(j, "starts_at", res, row, COL_STARTS);
    render_time(j, "ends_at", res, row, COL_ENDS);
    if (shown) {
        render_text(j, "reservation_id", res, row, COL_ID);
        render_text(j, "user_id", res, row, COL_USER);
        render_text(j, "title", res, row, COL_TITLE);
        return;
    }
    rr_json_null(j, "reservation_id");
    rr_json_null(j, "user_id");
    rr_json_null(j, "title");
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    const char *id = PQgetvalue(res, row, COL_ID);

    (void)rd;
    ret->major = render_us(res, row, COL_STARTS);
    if (!rr_uuid_parse(id, strlen(id), &ret->id))
        RR_BUG("PostgreSQL wrote a UUID that is none");
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return PQgetisnull(res, 0, COL_ROOM) ? RR_NOT_FOUND : list_render(rd, res, &list);
}

const struct rr_operation room_schedule_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/{id}/schedule",
    .id = "getRoomSchedule",
    .summary = "When a room is taken",
    .status = 200,
    .answer = "Taken",
    .flags = RR_OP_READ | RR_OP_LIST,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_RULE_BROKEN},
};

enum rr_step room_schedule(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = N_FIELDS, .parse = parse, .render = render};

    return read_step(r, &kind);
}
