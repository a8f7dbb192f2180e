/* GET /v1/reservations/{id}: the truth. */
#include "endpoints.h"

#include "render.h"

static enum rr_err parse(struct rr_req *r)
{
    struct reservation_get *x = r->ctx;

    return rr_uuid_parse(r->arg[0], strlen(r->arg[0]), &x->id) ? RR_OK : RR_NOT_FOUND;
}

static enum rr_db query(struct rr_mysql *db, void *ctx)
{
    struct reservation_get *x = ctx;

    return store_read_reservation(db, &x->id, &x->reservation);
}

static enum rr_step reply(struct rr_req *r, bool found)
{
    const struct reservation_get *x = r->ctx;
    struct rr_buf body = {0};
    struct rr_json j;

    if (!found || (!r->admin && strcmp(x->reservation.user_id, r->user) != 0))
        return read_reply_missing(r, "reservation");
    rr_json_init(&j, &body);
    render_reservation(&j, &x->reservation);
    return read_reply_version(r, (uint32_t)x->reservation.version, &body);
}

const struct rr_operation reservation_get_operation = {
    .method = "GET",
    .pattern = "/v1/reservations/{id}",
    .id = "getReservation",
    .summary = "A reservation, from the truth",
    .status = 200,
    .answer = "Reservation",
    .flags = RR_OP_ETAG | RR_OP_CACHED | RR_OP_UUID,
    .errors = {RR_DB_UNAVAILABLE, RR_DB_BUSY},
};

enum rr_step reservation_get(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse, .query = query, .reply = reply};

    return read_handle(r, &kind);
}
