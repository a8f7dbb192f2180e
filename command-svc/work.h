/* The way of a request through a MySQL worker and back: submit, suspend, resume. */
#pragma once

#include "http/http.h"
#include "mysql.h"

/* Embedded first in a request's context, so that the job leads back to it. */
struct work {
    struct rr_mysql_job job; /* first */
    struct rr_req *r;
};

/* No call of this service takes query parameters: each one is refused by name. */
enum rr_err work_no_query(struct rr_req *r) RR_MUST_CHECK;

/* `run` is called in a worker with &w->job, only reads the request (the loop may meanwhile answer that one
 * with 503, at the end of the program), and fills only the context; then the request is resumed, and
 * w->job.err says whether `run` was called. RR_OK: answer RR_WAIT now. */
enum rr_err work_submit(struct work *w, struct rr_req *r,
                        void (*run)(struct rr_mysql_job *job, struct rr_mysql *db)) RR_MUST_CHECK;

/* What an unexpected end of a statement or transaction means for the client; logs what nobody expected. In
 * the worker. */
enum rr_err work_failed(const struct work *w, const struct rr_mysql *db, enum rr_err err);
/* The same for a single statement outside of a transaction; RR_OK for NONE and ONE. */
enum rr_err work_end(const struct work *w, const struct rr_mysql *db, enum rr_db end);
