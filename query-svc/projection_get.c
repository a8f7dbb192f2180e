/* GET /v1/projection: which generation answers, and how far it has come. */
#include "endpoints.h"
#include "read.h"
#include "render.h"

static const struct rr_pg_stmt stmt = {
    "projection_get",
    SQL_META
    "SELECT m.*, greatest(extract(epoch FROM clock_timestamp() - p.as_of), 0), p.topic, p.partition, "
    "p.next_offset, p.applied_at FROM meta m JOIN projection.position p USING (generation)",
};
enum { COL_LAG = COL_DATA, COL_TOPIC, COL_PARTITION, COL_OFFSET, COL_APPLIED_AT };

static enum rr_err parse(struct read *rd)
{
    read_statement(rd, &stmt);
    return RR_OK;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    struct rr_json j;

    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    render_raw(&j, "generation", res, 0, COL_GENERATION);
    rr_json_time(&j, "as_of", rd->answer->as_of);
    render_raw(&j, "lag_seconds", res, 0, COL_LAG);
    render_raw(&j, "parked", res, 0, COL_PARKED);
    rr_json_object(&j, "position");
    render_text(&j, "topic", res, 0, COL_TOPIC);
    render_raw(&j, "partition", res, 0, COL_PARTITION);
    render_raw(&j, "next_offset", res, 0, COL_OFFSET);
    render_time(&j, "applied_at", res, 0, COL_APPLIED_AT);
    rr_json_end_object(&j);
    rr_json_end_object(&j);
    return RR_OK;
}

const struct rr_operation projection_get_operation = {
    .method = "GET",
    .pattern = "/v1/projection",
    .id = "getProjection",
    .summary = "Which generation of the read model answers, and how far it has come",
    .status = 200,
    .answer = "Projection",
    .flags = RR_OP_READ,
};

enum rr_step projection_get(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse, .render = render, .shared = BY_ALL};

    return read_step(r, &kind);
}
