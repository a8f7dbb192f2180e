/* POST /v1/reservations/{id}/cancellation */
#include "endpoints.h"

#include "reservation.h"

static const struct rr_field fields[] = {
    {"reason", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 500, NULL},
};
enum { REASON };

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    struct reservation_cancel *x = (struct reservation_cancel *)c;
    enum rr_err err = reservation_parse_path(r, c);

    if (!err)
        err = rr_body_fields(r, fields, RR_LEN(fields), x->values);
    c->reason = x->values[REASON].text;
    return err;
}

static enum rr_db lock(struct rr_mysql *db, struct command *c)
{
    struct reservation_cancel *x = (struct reservation_cancel *)c;

    return reservation_lock_rooms(db, c, 0, &x->rooms);
}

static enum rr_db cancel(struct rr_mysql *db, const struct reservation *r)
{
    return store_cancel_reservation(db, &r->id);
}

static enum rr_db decide(struct rr_mysql *db, struct command *c)
{
    struct reservation_cancel *x = (struct reservation_cancel *)c;
    enum rr_db end = reservation_lock(db, c, &x->rooms, &x->reservation);

    if (end == RR_DB_NONE)
        return command_not_found(c, "reservation");
    STORE_TRY(end);
    /* Before If-Match, which is a client's choice here: what is asked for has been done already (RFC 9110
     * section 13.1.1). */
    if (strcmp(x->reservation.state, "cancelled") == 0)
        return reservation_answer(c, 200, &x->reservation);
    if (c->has_if_match && !command_matches(c, x->reservation.version))
        return command_stale(c, x->reservation.version);
    return reservation_write(db, c, cancel, &x->reservation, 200);
}

const struct rr_operation reservation_cancel_operation = {
    .method = "POST",
    .pattern = "/v1/reservations/{id}/cancellation",
    .id = "cancelReservation",
    .summary = "Cancel a reservation; again: the same answer",
    .status = 200,
    .answer = "Reservation",
    .flags = RR_OP_WRITE | RR_OP_ETAG | RR_OP_IF_MATCH | RR_OP_UUID,
    .body = fields,
    .n_body = RR_LEN(fields),
};

enum rr_step reservation_cancel(struct rr_req *r)
{
    static const struct command_kind kind = {
        .done = "reservation cancelled", .parse = parse, .lock = lock, .decide = decide};

    return command_handle(r, &kind);
}
