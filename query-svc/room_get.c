/* GET /v1/rooms/{id} */
#include "endpoints.h"
#include "read.h"
#include "render.h"

static const struct rr_pg_stmt stmt = {
    "room_get",
    SQL_META "SELECT m.*, i.* FROM meta m LEFT JOIN (SELECT " RENDER_ROOM_COLUMNS
             " FROM room WHERE id = $1::bigint) i ON true",
};

static enum rr_err parse(struct read *rd)
{
    int64_t id;
    enum rr_err err = read_room_id(rd, &id);

    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_int(rd, id);
    return RR_OK;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    struct rr_json j;

    if (PQgetisnull(res, 0, COL_DATA))
        return RR_NOT_FOUND;
    if (read_not_modified(rd, PQgetvalue(res, 0, COL_DATA + ROOM_VERSION), true))
        return RR_OK;
    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    render_room(&j, res, 0, COL_DATA);
    rr_json_end_object(&j);
    return RR_OK;
}

const struct rr_operation room_get_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/{id}",
    .id = "getRoom",
    .summary = "A room",
    .status = 200,
    .answer = "Room",
    .flags = RR_OP_READ | RR_OP_ETAG | RR_OP_CACHED,
};

enum rr_step room_get(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse, .render = render, .shared = BY_ALL};

    return read_step(r, &kind);
}
