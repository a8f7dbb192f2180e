/* GET /v1/rooms/{id}: the truth. */
#include "endpoints.h"

#include "render.h"

static enum rr_err parse(struct rr_req *r)
{
    struct room_get *x = r->ctx;

    return rr_path_id(r->arg[0], &x->id) ? RR_OK : RR_NOT_FOUND;
}

static enum rr_db query(struct rr_mysql *db, void *ctx)
{
    struct room_get *x = ctx;

    return store_read_room(db, x->id, &x->room);
}

static enum rr_step reply(struct rr_req *r, bool found)
{
    const struct room_get *x = r->ctx;
    struct rr_buf body = {0};
    struct rr_json j;

    if (!found)
        return read_reply_missing(r, "room");
    rr_json_init(&j, &body);
    render_room(&j, &x->room);
    return read_reply_version(r, (uint32_t)x->room.version, &body);
}

const struct rr_operation room_get_operation = {
    .method = "GET",
    .pattern = "/v1/rooms/{id}",
    .id = "getRoom",
    .summary = "A room, from the truth",
    .status = 200,
    .answer = "Room",
    .flags = RR_OP_ETAG | RR_OP_CACHED,
    .errors = {RR_DB_UNAVAILABLE, RR_DB_BUSY},
};

enum rr_step room_get(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse, .query = query, .reply = reply};

    return read_handle(r, &kind);
}
