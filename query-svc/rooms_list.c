/* GET /v1/rooms: rooms in id order. There are at most some thousand, so the filters need no index. */
#include "endpoints.h"
#include "list.h"
#include "render.h"
#include "room_items.h"

enum { ACTIVE = LIST_FILTERS, MIN_CAPACITY, Q, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [ACTIVE] = {"active", RR_FIELD_BOOL, 0, 0, 0, NULL},
    [MIN_CAPACITY] = {"min_capacity", RR_FIELD_UINT, 0, 0, INT32_MAX, NULL},
    [Q] = {"q", RR_FIELD_TEXT, 0, 1, 200, NULL},
};

static const struct rr_pg_stmt stmt = {
    "rooms_list",
    SQL_META
    "SELECT m.*, i.* FROM meta m LEFT JOIN ("
    "SELECT " RENDER_ROOM_COLUMNS " FROM room "
    "WHERE id > $1::bigint AND ($2::boolean IS NULL OR active = $2) "
    "AND ($3::integer IS NULL OR capacity >= $3) "
    "AND ($4::text IS NULL OR strpos(lower(name), lower($4)) > 0 OR strpos(lower(location), lower($4)) > 0) "
    "ORDER BY id LIMIT $5::integer) i ON true ORDER BY i.id",
};

static enum rr_err parse(struct read *rd)
{
    struct cursor after = {0};
    enum rr_err err = list_parse(rd, &after);

    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_int(rd, (int64_t)after.minor);
    read_param_text(rd, !rd->v[ACTIVE].set ? NULL : rd->v[ACTIVE].u ? "t" : "f");
    read_param_filter(rd, &rd->v[MIN_CAPACITY]);
    read_param_text(rd, rd->v[Q].text);
    list_param_limit(rd);
    return RR_OK;
}

const struct rr_operation rooms_list_operation = {
    .method = "GET",
    .pattern = "/v1/rooms",
    .id = "listRooms",
    .summary = "Rooms in id order",
    .status = 200,
    .answer = "Room",
    .flags = RR_OP_READ | RR_OP_LIST,
    .query = fields,
    .n_query = N_FIELDS,
};

enum rr_step rooms_list(struct rr_req *r)
{
    static const struct read_kind kind = {.fields = fields,
                                          .n_fields = N_FIELDS,
                                          .parse = parse,
                                          .render = room_items_render,
                                          .shared = BY_ALL};

    return read_step(r, &kind);
}
