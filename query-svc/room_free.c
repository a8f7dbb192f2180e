/* GET /v1/rooms/{id}/free: the gaps between a room's confirmed reservations inside [from, to) that are at
 * least min_minutes long, by their start. A retired room takes no reservations, so it has none.
 *
 * A gap ends where a reservation starts, or at `to`; it begins at the latest end before that. Of those that
 * start before `from` only the last one can reach into the range (see range.h). The next page is the same
 * question from the end of the last gap on. */
#include "endpoints.h"
#include "list.h"
#include "range.h"
#include "render.h"

enum { FROM = LIST_FILTERS, TO, MIN_MINUTES, N_FIELDS };
enum { MINUTES_MAX = 10 * 366 * 24 * 60 };

/* Every reservation up to the last gap of the page is read, and all of the range where gaps are few: with
 * each half-hour taken, a month takes PostgreSQL 10 ms, a year 90 ms, ten years 0.9 s. */
#define QUICK_US (31 * RR_US_PER_DAY)

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [FROM] = RANGE_FIELD("from"),
    [TO] = RANGE_FIELD("to"),
    [MIN_MINUTES] = {"min_minutes", RR_FIELD_UINT, 0, 1, MINUTES_MAX, NULL},
};

/* $1: room; $2: from; $3: to; $4: where the scan begins; $5: min_minutes; $6: limit. A reservation of no
 * length at `to` ends the last gap. */
static const struct rr_pg_stmt stmt = {
    "room_free",
    SQL_META
    "SELECT m.*, i.*, r.id FROM meta m LEFT JOIN room r ON r.id = $1::bigint LEFT JOIN ("
    "SELECT begins, ends, floor(extract(epoch FROM ends - begins) / 60)::bigint AS minutes FROM ("
    "SELECT coalesce(max(ends_at) OVER "
    "(ORDER BY starts_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), $2::timestamptz) AS begins, "
    "starts_at AS ends FROM ("
    "SELECT starts_at, ends_at FROM " RANGE_BEFORE(
        "starts_at, ends_at", "$1", "$2",
        "$4") "UNION ALL SELECT starts_at, ends_at FROM reservation WHERE room_id = $1 AND starts_at >= $2 "
              "AND starts_at < $3::timestamptz AND state = 'confirmed' AND NOT deleted "
              "UNION ALL SELECT $3, $3) taken) gap "
              "WHERE ends - begins >= $5::integer * interval '1 minute' ORDER BY ends LIMIT $6::integer"
              ") i ON r.active ORDER BY i.ends",
};
enum { COL_BEGINS = COL_DATA, COL_ENDS, COL_MINUTES, COL_ROOM };

static enum rr_err parse(struct read *rd)
{
    struct cursor after;
    struct range range;
    int64_t room;
    enum rr_err err = read_room_id(rd, &room);

    if (!err)
        err = range_take(rd->r, &rd->v[FROM], &rd->v[TO], &range);
    if (err)
        return err;
    after = (struct cursor){.major = range.from};
    err = list_parse(rd, &after);
    if (err)
        return err;
    /* A cursor is no secret: one that somebody has made up may hold any instant, and infinity has no gaps. */
    if (after.major < range.from || after.major > range.to)
        return RR_CURSOR_INVALID;
    read_statement(rd, &stmt);
    rd->question.query.slow = range.to - after.major > QUICK_US;
    read_param_int(rd, room);
    read_param_time(rd, after.major);
    read_param_time(rd, range.to);
    read_param_time(rd, after.major - LONGEST_US);
    read_param_int(rd, rd->v[MIN_MINUTES].set ? (int64_t)rd->v[MIN_MINUTES].u : 1);
    list_param_limit(rd);
    return RR_OK;
}

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    (void)rd;
    render_time(j, "starts_at", res, row, COL_BEGINS);
    render_time(j, "ends_at", res, row, COL_ENDS);
    render_raw(j, "minutes", res, row, COL_MINUTES);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    (void)rd;
    ret->major = render_us(res, row, COL_ENDS);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return PQgetisnull(res, 0, COL_ROOM) ? RR_NOT_FOUND : list_render(rd, res, &list);
}

const struct rr_operation room_free_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/{id}/free",
    .id = "getRoomFreeTimes",
    .summary = "When a room is free",
    .status = 200,
    .answer = "Gap",
    .flags = RR_OP_READ | RR_OP_LIST,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_RULE_BROKEN},
};

enum rr_step room_free(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = N_FIELDS, .parse = parse, .render = render, .shared = BY_ALL};

    return read_step(r, &kind);
}
