/* GET /v1/rooms/available: active rooms that are free for the whole of [from, to), in id order.
 *
 * Reservations of a room do not overlap, so that in the order of their starts their ends rise too: whether
 * the last one that starts before `to` has ended by `from` decides. That is one look-up a room. */
#include "endpoints.h"
#include "list.h"
#include "range.h"
#include "render.h"
#include "room_items.h"

enum { FROM = LIST_FILTERS, TO, MIN_CAPACITY, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [FROM] = RANGE_FIELD("from"),
    [TO] = RANGE_FIELD("to"),
    [MIN_CAPACITY] = {"min_capacity", RR_FIELD_UINT, 0, 0, INT32_MAX, NULL},
};

static const struct rr_pg_stmt stmt = {
    "rooms_available",
    SQL_META "SELECT m.*, i.* FROM meta m LEFT JOIN ("
             "SELECT " RENDER_ROOM_COLUMNS " FROM room r "
             "WHERE id > $1::bigint AND active AND ($2::integer IS NULL OR capacity >= $2) "
             "AND NOT EXISTS (SELECT FROM (SELECT v.ends_at FROM reservation v "
             "WHERE v.room_id = r.id AND v.starts_at < $3::timestamptz AND v.starts_at > $4::timestamptz "
             "AND v.state = 'confirmed' AND NOT v.deleted ORDER BY v.starts_at DESC LIMIT 1) last "
             "WHERE last.ends_at > $5::timestamptz) "
             "ORDER BY id LIMIT $6::integer) i ON true ORDER BY i.id",
};

static enum rr_err parse(struct read *rd)
{
    struct cursor after = {0};
    struct range range;
    enum rr_err err = range_take(rd->r, &rd->v[FROM], &rd->v[TO], &range);

    if (!err)
        err = list_parse(rd, &after);
    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_int(rd, (int64_t)after.minor);
    read_param_filter(rd, &rd->v[MIN_CAPACITY]);
    read_param_time(rd, range.to);
    read_param_time(rd, range.from - LONGEST_US);
    read_param_time(rd, range.from);
    list_param_limit(rd);
    return RR_OK;
}

const struct rr_operation rooms_available_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/available",
    .id = "listAvailableRooms",
    .summary = "Active rooms that are free for a whole range",
    .status = 200,
    .answer = "Room",
    .flags = RR_OP_READ | RR_OP_LIST,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_RULE_BROKEN},
};

enum rr_step rooms_available(struct rr_req *r)
{
    static const struct read_kind kind = {.fields = fields,
                                          .n_fields = N_FIELDS,
                                          .parse = parse,
                                          .render = room_items_render,
                                          .shared = BY_ALL};

    return read_step(r, &kind);
}
