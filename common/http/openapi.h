/* rr_openapi: the OpenAPI 3.1 document of a service, /openapi.json, made when the service starts from what it
 * runs by: the table of routes, the tables of fields that check bodies and query strings, and the table of
 * errors. What those cannot tell (a summary, what a call answers, which refusals are its own) is said by one
 * struct rr_operation a route; a route without one, or one without a route, stops the start. */
#pragma once

#include "../err.h"
#include "../fields.h"
#include "../json.h"
#include "http.h"

enum rr_operation_flags {
    RR_OP_WRITE = 1,          /* takes an Idempotency-Key and Prefer: return=minimal, answers with a
                                 Consistency-Token */
    RR_OP_IF_MATCH = 2,       /* takes If-Match */
    RR_OP_NEEDS_IF_MATCH = 4, /* and is 428 without */
    RR_OP_ETAG = 8,           /* answers with an ETag */
    RR_OP_CACHED = 16,        /* takes If-None-Match, and is 304 if it still holds */
    RR_OP_UUID = 32,          /* the path's {id} is a UUID, else a number */
};

struct rr_operation {
    const char *method, *pattern; /* of its route */
    const char *id, *summary;
    unsigned status;    /* when it goes well; 201 has a Location */
    const char *answer; /* name of a schema; NULL: plain text */
    unsigned flags;     /* enum rr_operation_flags */
    const struct rr_field *body;
    size_t n_body;
    enum rr_err errors[8]; /* its own, ended by RR_OK; what every call of its kind can answer is added */
};

/* An answer's object; all of its fields are always there. */
struct rr_schema {
    const char *name;
    const struct rr_field *fields;
    size_t n_fields;
};

struct rr_openapi {
    const char *title, *description;
    const struct rr_operation *const *operations; /* ended by NULL */
    const struct rr_schema *schemas;              /* ended by a row with name NULL */
};

/* `routes` are the service's; `auth`: callers have to show who they are. */
void rr_openapi_render(const struct rr_openapi *doc, const struct rr_route *routes, bool auth,
                       struct rr_buf *out);
