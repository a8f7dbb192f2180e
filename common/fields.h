/* rr_fields: what a body or a query string may hold, as a table. One check for both: every bad field is named
 * in invalid_params of one answer, an unknown one is refused by name, so is a name that comes twice. */
#pragma once

#include "err.h"
#include "macros.h"
#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rr_req;

enum rr_field_type {
    RR_FIELD_TEXT, /* rr_text_valid, min..max code points; body and query   */
    RR_FIELD_UINT, /* min..max                                              */
    RR_FIELD_BOOL, /* JSON true/false; in a query the words true and false  */
    RR_FIELD_TIME, /* rr_time_parse                                         */
    RR_FIELD_ENUM, /* one of `choices`; its index in `u`                    */
};

enum rr_field_flags {
    RR_FIELD_REQUIRED = 1,
    RR_FIELD_NULLABLE = 2, /* JSON null is taken: set and null                      */
};

struct rr_field {
    const char *name;
    enum rr_field_type type;
    unsigned flags;
    int64_t min, max;           /* RR_FIELD_TEXT: code points; RR_FIELD_UINT: the value  */
    const char *const *choices; /* RR_FIELD_ENUM: NULL-terminated                        */
};

/* One row's value; the row's index in the table is the value's index in the array. Texts belong to the
 * request. */
struct rr_value {
    bool set, null;
    uint64_t u;       /* UINT, BOOL (0 or 1), ENUM */
    int64_t time;     /* TIME, microseconds        */
    const char *text; /* TEXT, NUL-terminated      */
    size_t len;
};

/* Read the request's JSON body, or its query string, by `fields`; `ret` has as many elements. On failure the
 * request's problem names each bad field. An empty body reads as {} where no field is required. Wrong type or
 * syntax → RR_JSON_INVALID (400), query → RR_PARAMETER_INVALID. */
enum rr_err rr_body_fields(struct rr_req *r, const struct rr_field *fields, size_t n,
                           struct rr_value *ret) RR_MUST_CHECK;
enum rr_err rr_query_fields(struct rr_req *r, const struct rr_field *fields, size_t n,
                            struct rr_value *ret) RR_MUST_CHECK;
/* An id in a path: 1 to INT64_MAX, without a sign or leading zeros. What is none names nothing: false is a
 * 404. */
bool rr_path_id(const char *text, uint64_t *ret) RR_MUST_CHECK;
