/* A strong read: one statement on the truth, run in a worker. The endpoint's context begins with a struct
 * read. */
#pragma once

#include "http/http.h"
#include "work.h"

struct read_kind {
    enum rr_err (*parse)(struct rr_req *r);              /* in the loop; NULL: there is nothing to parse */
    enum rr_db (*query)(struct rr_mysql *db, void *ctx); /* in a worker */
    enum rr_step (*reply)(struct rr_req *r, bool found); /* in the loop */
    const char *not_ready; /* NULL, or: a refusal of MySQL's is 503 `not-ready`, for this reason */
};

struct read {
    struct work work; /* first */
    const struct read_kind *kind;
    enum rr_err err;
    bool found;
};

/* The whole handler of an endpoint; `kind` is a constant. */
enum rr_step read_handle(struct rr_req *r, const struct read_kind *kind);
/* 404 with what there is none of; 304 if the client's copy has this version; else the body, with its ETag. */
enum rr_step read_reply_missing(struct rr_req *r, const char *what);
enum rr_step read_reply_version(struct rr_req *r, uint32_t version, struct rr_buf *body);
