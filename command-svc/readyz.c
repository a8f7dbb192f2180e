/* GET /readyz: whether a command could be carried out now. It takes the way of every command, through the
 * queue of the workers to the tables: a full queue, a lost MySQL, one without our tables or one that takes no
 * writes (a replica) are all "not ready". */
#include "endpoints.h"

static enum rr_db query(struct rr_mysql *db, void *ctx)
{
    (void)ctx;
    return store_probe(db);
}

static enum rr_step reply(struct rr_req *r, bool takes_writes)
{
    struct rr_buf body = {0};

    if (!takes_writes) {
        rr_problem_detail(r, "MySQL is read_only: it takes no writes");
        return rr_reply_error(r, RR_NOT_READY);
    }
    rr_buf_puts(&body, "{\"status\":\"ready\"}");
    return rr_reply_json(r, 200, &body);
}

const struct rr_operation readyz_operation = {
    .method = "GET",
    .pattern = "/readyz",
    .id = "ready",
    .summary = "Whether a command could be carried out now",
    .status = 200,
    .answer = "Ready",
    .errors = {RR_DB_UNAVAILABLE, RR_DB_BUSY, RR_NOT_READY},
};

enum rr_step readyz(struct rr_req *r)
{
    static const struct read_kind kind = {
        .query = query,
        .reply = reply,
        .not_ready = "tables in MySQL are missing, or may not be read; the log says which"};

    return read_handle(r, &kind);
}
