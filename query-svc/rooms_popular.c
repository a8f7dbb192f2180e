/* GET /v1/rooms/popular: rooms ranked by how much they are used in [from, to).
 *
 * Whole months are read from room_month, the days before and after them from the totals of room_day, the
 * parts of days at both ends from its quarter-hours (those that are free are left out early: they are most,
 * and each would cost as much as a whole day); reservations are not touched. All rooms are ranked before any
 * is left out, so that with room_id the rank is the one the room has in the full list. Listed are rooms that
 * are active or were used in the range, and the one that was asked for. */
#include "endpoints.h"
#include "list.h"
#include "range.h"
#include "render.h"

enum { FROM = LIST_FILTERS, TO, ROOM, BY, N_FIELDS };
enum { BY_RESERVATIONS, BY_MINUTES };

static const char *const measures[] = {"reservations", "minutes", NULL};

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [FROM] = RANGE_FIELD("from"),
    [TO] = RANGE_FIELD("to"),
    [ROOM] = {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    [BY] = {"by", RR_FIELD_ENUM, 0, 0, 0, measures},
};

/* $1, $2: whole months; $3, $4: whole days before them, $5, $6: after them; $7 to $12: the edges; $13: room;
 * $14, $15: after this value and room; $16: limit. Between the two parts stands what the ranking goes by. */
#define BEFORE_MEASURE                                                                                       \
    SQL_META                                                                                                 \
    ", edge(day, lo, hi) AS (VALUES ($7::date, $8::integer, $9::integer), ($10, $11, $12)), "                \
    "part(room_id, reservations, minutes) AS ("                                                              \
    "SELECT room_id, reservations, reserved_minutes FROM room_month "                                        \
    "WHERE month >= $1::date AND month < $2::date "                                                          \
    "UNION ALL SELECT room_id, reservations, reserved_minutes FROM room_day "                                \
    "WHERE day >= $3::date AND day < $4::date "                                                              \
    "UNION ALL SELECT room_id, reservations, reserved_minutes FROM room_day "                                \
    "WHERE day >= $5::date AND day < $6::date "                                                              \
    "UNION ALL SELECT room_id, reservations, minutes FROM ("                                                 \
    "SELECT room_id, unnest(starts[lo:hi])::integer AS reservations, "                                       \
    "unnest(minutes[lo:hi])::integer AS minutes FROM edge JOIN room_day USING (day) WHERE lo <= hi) q "      \
    "WHERE minutes > 0), "                                                                                   \
    "used AS (SELECT room_id, sum(reservations) AS reservations, sum(minutes) AS minutes "                   \
    "FROM part GROUP BY room_id), "                                                                          \
    "every AS (SELECT coalesce(r.id, u.room_id) AS id, r.name, coalesce(r.active, false) AS active, "        \
    "coalesce(u.reservations, 0)::bigint AS reservations, coalesce(u.minutes, 0)::bigint AS minutes "        \
    "FROM room r FULL JOIN used u ON u.room_id = r.id), "                                                    \
    "measured AS (SELECT *, "
#define AFTER_MEASURE                                                                                        \
    " AS value FROM every), "                                                                                \
    "ranked AS (SELECT *, rank() OVER (ORDER BY value DESC) AS rank FROM measured) "                         \
    "SELECT m.*, i.* FROM meta m LEFT JOIN (SELECT id, name, rank, reservations, minutes, value FROM "       \
    "ranked "                                                                                                \
    "WHERE ($13::bigint IS NULL OR id = $13) AND (active OR reservations > 0 OR minutes > 0 OR id = $13) "   \
    "AND ($14::bigint IS NULL OR value < $14 OR (value = $14 AND id > $15::bigint)) "                        \
    "ORDER BY value DESC, id LIMIT $16::integer) i ON true ORDER BY i.value DESC, i.id"

static const struct rr_pg_stmt stmts[] = {
    [BY_RESERVATIONS] = {"rooms_popular_reservations", BEFORE_MEASURE "reservations" AFTER_MEASURE},
    [BY_MINUTES] = {"rooms_popular_minutes", BEFORE_MEASURE "minutes" AFTER_MEASURE},
};
enum { COL_ID = COL_DATA, COL_NAME, COL_RANK, COL_RESERVATIONS, COL_MINUTES, COL_VALUE };

/* SQL counts the quarter-hours of a day from 1, and both bounds are in the slice. */
static void param_edge(struct read *rd, const struct range_edge *edge)
{
    read_param_day(rd, edge->day);
    read_param_int(rd, edge->lo + 1);
    read_param_int(rd, edge->hi);
}

static void param_after(struct read *rd, const struct cursor *after)
{
    if (rd->v[LIST_CURSOR].set)
        read_param_int(rd, after->major);
    else
        read_param_text(rd, NULL);
    read_param_int(rd, (int64_t)after->minor);
}

static enum rr_err parse(struct read *rd)
{
    struct cursor after = {0};
    struct range range;
    struct range_cut cut;
    enum rr_err err = range_take_quarters(rd->r, &rd->v[FROM], &rd->v[TO], &range);

    if (!err)
        err = list_parse(rd, &after);
    if (err)
        return err;
    range_cut(&range, &cut);
    read_statement(rd, &stmts[rd->v[BY].u]);
    rd->question.query.slow = true;
    read_param_day(rd, cut.months.first);
    read_param_day(rd, cut.months.end);
    read_param_day(rd, cut.before.first);
    read_param_day(rd, cut.before.end);
    read_param_day(rd, cut.after.first);
    read_param_day(rd, cut.after.end);
    param_edge(rd, &cut.head);
    param_edge(rd, &cut.tail);
    read_param_filter(rd, &rd->v[ROOM]);
    param_after(rd, &after);
    list_param_limit(rd);
    return RR_OK;
}

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    int64_t range_minutes = (rd->v[TO].time - rd->v[FROM].time) / RR_US_PER_MIN;

    render_raw(j, "room_id", res, row, COL_ID);
    render_text(j, "room_name", res, row, COL_NAME);
    render_raw(j, "rank", res, row, COL_RANK);
    render_raw(j, "reservations", res, row, COL_RESERVATIONS);
    render_raw(j, "reserved_minutes", res, row, COL_MINUTES);
    rr_json_real(j, "utilization", (double)render_int(res, row, COL_MINUTES) / (double)range_minutes);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    (void)rd;
    ret->major = render_int(res, row, COL_VALUE);
    ret->minor = (uint64_t)render_int(res, row, COL_ID);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return list_render(rd, res, &list);
}

const struct rr_operation rooms_popular_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/popular",
    .id = "rankRooms",
    .summary = "Rooms ranked by their use",
    .status = 200,
    .answer = "RoomRank",
    .flags = RR_OP_READ | RR_OP_LIST,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_RULE_BROKEN},
};

enum rr_step rooms_popular(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = N_FIELDS, .parse = parse, .render = render, .shared = BY_ALL};

    return read_step(r, &kind);
}
