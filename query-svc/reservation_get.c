/* GET /v1/reservations/{id}
 *
 * ETag is the reservation's version, because that is what If-Match wants, but the answer also shows the
 * room's name and location, which can change without it. 304 is only said when the room has not changed since
 * the reservation did: never, or long enough before that the order of the two is beyond doubt (a change that
 * waits for a lock carries the time at which it began to wait). Its name is null while a change of the room
 * is parked, and is there again without either of them changing: so an answer without it has no ETag. */
#include "endpoints.h"
#include "read.h"
#include "render.h"

static const struct rr_pg_stmt stmt = {
    "reservation_get",
    SQL_META
    "SELECT m.*, i.*, r.version = 1 OR r.updated_at < i.updated_at - interval '10 minutes' AS same_room "
    "FROM meta m LEFT JOIN (SELECT " RENDER_RESERVATION_COLUMNS
    " FROM reservation WHERE id = $1::uuid AND NOT deleted) i ON true LEFT JOIN room r ON r.id = i.room_id",
};
enum { COL_SAME_ROOM = COL_DATA + RESERVATION_END };

static enum rr_err parse(struct read *rd)
{
    const char *text = rd->r->arg[0];
    struct rr_uuid id;

    if (!rr_uuid_parse(text, strlen(text), &id))
        return RR_NOT_FOUND;
    read_statement(rd, &stmt);
    read_param_uuid(rd, &id);
    return RR_OK;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    bool comparable = *PQgetvalue(res, 0, COL_SAME_ROOM) == 't';
    struct rr_json j;

    if (PQgetisnull(res, 0, COL_DATA))
        return RR_NOT_FOUND;
    /* Whether somebody else's exists is nobody's business. */
    if (!rd->r->admin && strcmp(PQgetvalue(res, 0, COL_DATA + RESERVATION_USER), rd->r->user) != 0)
        return RR_NOT_FOUND;
    if (!PQgetisnull(res, 0, COL_DATA + RESERVATION_ROOM_NAME) &&
        read_not_modified(rd, PQgetvalue(res, 0, COL_DATA + RESERVATION_VERSION), comparable))
        return RR_OK;
    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    render_reservation(&j, res, 0, COL_DATA);
    rr_json_end_object(&j);
    return RR_OK;
}

const struct rr_operation reservation_get_operation = {
    .method = "GET",
    .pattern = "/v1/reservations/{id}",
    .id = "getReservation",
    .summary = "A reservation, with its room",
    .status = 200,
    .answer = "Reservation",
    .flags = RR_OP_READ | RR_OP_UUID | RR_OP_MAYBE_ETAG | RR_OP_CACHED,
};

enum rr_step reservation_get(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse, .render = render};

    return read_step(r, &kind);
}
