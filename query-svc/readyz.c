/* GET /readyz: ready is who could answer a query now, so the read model is asked. */
#include "endpoints.h"
#include "read.h"
#include "session.h"

static const struct rr_pg_stmt stmt = {"readyz", SQL_META "SELECT m.* FROM meta m"};

static enum rr_err parse(struct read *rd)
{
    read_statement(rd, &stmt);
    return RR_OK;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    (void)res;
    rr_buf_puts(&rd->answer->body, "{\"status\":\"ready\"}");
    return RR_OK;
}

const struct rr_operation readyz_operation = {
    .method = "GET",
    .pattern = "/readyz",
    .id = "ready",
    .summary = "Whether a query could be answered now",
    .status = 200,
    .answer = "Ready",
    .flags = RR_OP_READ,
    .errors = {RR_NOT_READY},
};

enum rr_step readyz(struct rr_req *r)
{
    static const struct read_kind kind = {
        .parse = parse,
        .render = render,
        .shared = BY_NOBODY,
        .not_ready = "tables in PostgreSQL are missing, or may not be read; the log says which"};

    return read_step(r, &kind);
}
