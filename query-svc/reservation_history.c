/* GET /v1/reservations/{id}/history: every event of one reservation, newest first. It stays when the
 * reservation is deleted. Whose it is says the newest state; what it was while it was another user's stays
 * theirs. */
#include "endpoints.h"
#include "list.h"
#include "render.h"

static const struct rr_field fields[] = {LIST_FIELDS};

static const struct rr_pg_stmt stmt = {
    "reservation_history",
    SQL_META
    "SELECT m.*, i.*, r.name, v.user_id FROM meta m LEFT JOIN reservation v ON v.id = $1::uuid "
    "LEFT JOIN (SELECT " RENDER_HISTORY_COLUMNS_FOR(
        "$4::text") " FROM reservation_history "
                    "WHERE reservation_id = $1 AND version < $2::bigint AND ($4 IS NULL OR user_id = $4) "
                    "ORDER BY version DESC LIMIT $3::integer) i "
                    "ON true LEFT JOIN room r ON r.id = i.room_id ORDER BY i.version DESC",
};
enum { COL_OWNER = COL_DATA + HISTORY_END };

static enum rr_err parse(struct read *rd)
{
    const char *text = rd->r->arg[0];
    struct cursor before = {.minor = INT64_MAX};
    struct rr_uuid id;
    enum rr_err err;

    if (!rr_uuid_parse(text, strlen(text), &id))
        return RR_NOT_FOUND;
    err = list_parse(rd, &before);
    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_uuid(rd, &id);
    read_param_int(rd, (int64_t)before.minor);
    list_param_limit(rd);
    read_param_text(rd, rd->r->admin ? NULL : rd->r->user);
    return RR_OK;
}

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    (void)rd;
    render_history(j, res, row, COL_DATA);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    (void)rd;
    ret->minor = (uint64_t)render_int(res, row, COL_DATA + HISTORY_VERSION);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    if (PQgetisnull(res, 0, COL_OWNER))
        return RR_NOT_FOUND;
    /* Whether somebody else's exists is nobody's business. */
    if (!rd->r->admin && strcmp(PQgetvalue(res, 0, COL_OWNER), rd->r->user) != 0)
        return RR_NOT_FOUND;
    return list_render(rd, res, &list);
}

const struct rr_operation reservation_history_operation = {
    .method = "GET",
    .pattern = "/v1/reservations/{id}/history",
    .id = "getReservationHistory",
    .summary = "Every event of a reservation, newest first",
    .status = 200,
    .answer = "Event",
    .flags = RR_OP_READ | RR_OP_LIST | RR_OP_UUID,
    .query = fields,
    .n_query = RR_LEN(fields),
};

enum rr_step reservation_history(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = RR_LEN(fields), .parse = parse, .render = render};

    return read_step(r, &kind);
}
