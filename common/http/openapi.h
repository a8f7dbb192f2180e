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
    RR_OP_UUID = 32,          /* the path's {…} is a UUID, else a number */
    RR_OP_TEXT = 64,          /* the path's {…} is a text */
    RR_OP_READ = 128,         /* answers with Projection-As-Of; takes a Consistency-Token and Prefer: wait,
                                 unless it is everybody's */
    RR_OP_LIST = 256,         /* answers with a page of `answer` */
    RR_OP_EVENTS = 512,       /* takes Last-Event-ID */
    RR_OP_MAYBE_ETAG = 1024,  /* answers with an ETag, but not always */
};

struct rr_operation {
    const char *method, *pattern; /* of its route */
    const char *id, *summary;
    unsigned status;    /* when it goes well; 201 has a Location */
    const char *answer; /* name of a schema; NULL: a text, or nothing with status 204 */
    const char *media;  /* of a text; NULL: text/plain */
    unsigned flags;     /* enum rr_operation_flags */
    const struct rr_field *query;
    size_t n_query;
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

/* What a row of fields cannot tell: one more member of a schema. */
enum rr_member_type { RR_MEMBER_NUMBER, RR_MEMBER_OBJECT, RR_MEMBER_ARRAY };
struct rr_member {
    const char *schema, *name;
    enum rr_member_type type;
    const char *of; /* the schema of an object, or of an array's items; NULL: an object with any members */
};

struct rr_openapi {
    const char *title, *description;
    const struct rr_operation *const *operations; /* ended by NULL */
    const struct rr_schema *schemas;              /* ended by a row with name NULL */
    const struct rr_member *members;              /* ended by a row with schema NULL; NULL: none */
};

/* `routes` are the service's; `auth`: callers have to show who they are. */
void rr_openapi_render(const struct rr_openapi *doc, const struct rr_route *routes, bool auth,
                       struct rr_buf *out);
