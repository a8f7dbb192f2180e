/* GET /v1/users/{id}/reservation-history: every event of the user's reservations, newest first, found by
 * (recorded_at, reservation, version) in the index reservation_history_by_user. As in user_reservations.c,
 * `to` and the cursor are one bound. */
#include "endpoints.h"
#include "list.h"
#include "render.h"

enum { FROM = LIST_FILTERS, TO, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [FROM] = {"from", RR_FIELD_TIME, 0, 0, 0, NULL},
    [TO] = {"to", RR_FIELD_TIME, 0, 0, 0, NULL},
};

/* The join comes after the limit: one look-up of a room an item that is shown. */
static const struct rr_pg_stmt stmt = {
    "user_history",
    SQL_META
    "SELECT m.*, i.*, r.name FROM meta m LEFT JOIN ("
    "SELECT " RENDER_HISTORY_COLUMNS_FOR(
        "$7::text") " FROM reservation_history WHERE user_id = $1::text "
                    "AND (recorded_at, reservation_id, version) < ($2::timestamptz, $3::uuid, $4::bigint) "
                    "AND recorded_at >= $5::timestamptz "
                    "ORDER BY recorded_at DESC, reservation_id DESC, version DESC LIMIT $6::integer) i ON "
                    "true "
                    "LEFT JOIN room r ON r.id = i.room_id "
                    "ORDER BY i.recorded_at DESC, i.reservation_id DESC, i.version DESC",
};

static enum rr_err check(struct read *rd)
{
    enum rr_err err = read_own_user(rd);

    return err ? err : read_check_order(rd, &rd->v[FROM], &rd->v[TO]);
}

static enum rr_err parse(struct read *rd)
{
    struct cursor before = {.major = rd->v[TO].set ? rd->v[TO].time : INT64_MAX};
    enum rr_err err = check(rd);

    if (!err)
        err = list_parse(rd, &before);
    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_text(rd, rd->r->arg[0]);
    read_param_time(rd, before.major);
    read_param_uuid(rd, &before.id);
    read_param_int(rd, (int64_t)before.minor);
    read_param_time(rd, rd->v[FROM].set ? rd->v[FROM].time : INT64_MIN);
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
    const char *id = PQgetvalue(res, row, COL_DATA + HISTORY_RESERVATION);

    (void)rd;
    ret->major = render_us(res, row, COL_DATA + HISTORY_RECORDED_AT);
    if (!rr_uuid_parse(id, strlen(id), &ret->id))
        RR_BUG("PostgreSQL wrote a UUID that is none");
    ret->minor = (uint64_t)render_int(res, row, COL_DATA + HISTORY_VERSION);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return list_render(rd, res, &list);
}

const struct rr_operation user_history_operation = {
    .method = "GET",
    .pattern = "/v1/users/{id}/reservation-history",
    .id = "getUserHistory",
    .summary = "Every event of a user's reservations, newest first",
    .status = 200,
    .answer = "Event",
    .flags = RR_OP_READ | RR_OP_LIST | RR_OP_TEXT,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_FORBIDDEN, RR_RULE_BROKEN},
};

enum rr_step user_history(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = N_FIELDS, .parse = parse, .render = render};

    return read_step(r, &kind);
}
