/* GET /v1/users/{id}/reservations: newest start first, found by (starts_at, id) in the index
 * reservation_by_user.
 *
 * `to` and the cursor are one bound: where there is a cursor, it lies before `to`. One row comparison instead
 * of two conditions keeps every page one descent into the index. */
#include "endpoints.h"
#include "list.h"
#include "range.h"
#include "render.h"

enum { STATE = LIST_FILTERS, FROM, TO, ROOM, N_FIELDS };

static const char *const states[] = {"confirmed", "cancelled", NULL};

static const struct rr_field fields[N_FIELDS] = {
    LIST_FIELDS,
    [STATE] = {"state", RR_FIELD_ENUM, 0, 0, 0, states},
    [FROM] = {"from", RR_FIELD_TIME, 0, 0, 0, NULL},
    [TO] = {"to", RR_FIELD_TIME, 0, 0, 0, NULL},
    [ROOM] = {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
};

static const struct rr_pg_stmt stmt = {
    "user_reservations",
    SQL_META
    "SELECT m.*, i.* FROM meta m LEFT JOIN ("
    "SELECT " RENDER_RESERVATION_COLUMNS " FROM reservation "
    "WHERE user_id = $1::text AND NOT deleted AND (starts_at, id) < ($2::timestamptz, $3::uuid) "
    "AND starts_at > $4::timestamptz AND ends_at > $5::timestamptz "
    "AND ($6::text IS NULL OR state = $6) AND ($7::bigint IS NULL OR room_id = $7) "
    "ORDER BY starts_at DESC, id DESC LIMIT $8::integer) i ON true ORDER BY i.starts_at DESC, i.id DESC",
};

static enum rr_err check(struct read *rd)
{
    enum rr_err err = read_own_user(rd);

    return err ? err : read_check_order(rd, &rd->v[FROM], &rd->v[TO]);
}

static enum rr_err parse(struct read *rd)
{
    struct cursor before = {.major = rd->v[TO].set ? rd->v[TO].time : INT64_MAX};
    int64_t from = rd->v[FROM].set ? rd->v[FROM].time : INT64_MIN;
    enum rr_err err = check(rd);

    if (!err)
        err = list_parse(rd, &before);
    if (err)
        return err;
    read_statement(rd, &stmt);
    read_param_text(rd, rd->r->arg[0]);
    read_param_time(rd, before.major);
    read_param_uuid(rd, &before.id);
    read_param_time(rd, from > INT64_MIN + LONGEST_US ? from - LONGEST_US : from);
    read_param_time(rd, from);
    read_param_text(rd, rd->v[STATE].set ? states[rd->v[STATE].u] : NULL);
    read_param_filter(rd, &rd->v[ROOM]);
    list_param_limit(rd);
    return RR_OK;
}

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    (void)rd;
    render_reservation(j, res, row, COL_DATA);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    const char *id = PQgetvalue(res, row, COL_DATA + RESERVATION_ID);

    (void)rd;
    ret->major = render_us(res, row, COL_DATA + RESERVATION_STARTS);
    if (!rr_uuid_parse(id, strlen(id), &ret->id))
        RR_BUG("PostgreSQL wrote a UUID that is none");
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return list_render(rd, res, &list);
}

const struct rr_operation user_reservations_operation = {
    .method = "GET",
    .pattern = "/v1/users/{id}/reservations",
    .id = "listUserReservations",
    .summary = "A user's reservations, newest start first",
    .status = 200,
    .answer = "Reservation",
    .flags = RR_OP_READ | RR_OP_LIST | RR_OP_TEXT,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_FORBIDDEN, RR_RULE_BROKEN},
};

enum rr_step user_reservations(struct rr_req *r)
{
    static const struct read_kind kind = {
        .fields = fields, .n_fields = N_FIELDS, .parse = parse, .render = render};

    return read_step(r, &kind);
}
