/* rr_err: every way a call can end, in one table: enum, HTTP status, code on the wire, title.
 *
 * The code is the last part of the problem's type, `/problems/<code>` (RFC 9457); the title is its fixed
 * text. What is special about one occurrence goes into `detail`. Adding an error is adding a line;
 * docs/api.md lists the same table and a unit test compares the two. Numbers are not on the wire; they group
 * the table. */
#pragma once

/* A table reads by its columns. */
/* clang-format off */
#define RR_ERRORS(X)                                                                                         \
    X(OK,                     0, 200, "ok",                     "no error")                                  \
    /* the request itself */                                                                                 \
    X(BAD_REQUEST,          101, 400, "bad-request",            "the request is malformed")                  \
    X(JSON_INVALID,         102, 400, "json-invalid",           "the body is not the JSON this call expects") \
    X(PARAMETER_INVALID,    103, 400, "parameter-invalid",      "a query parameter is not valid")            \
    X(CURSOR_INVALID,       104, 400, "cursor-invalid",         "the cursor is not one of this list")        \
    X(TOKEN_INVALID,        105, 400, "consistency-token-invalid", "the Consistency-Token is not valid")     \
    X(KEY_INVALID,          106, 400, "idempotency-key-invalid", "the Idempotency-Key is not valid")         \
    X(NOT_FOUND,            111, 404, "not-found",              "there is nothing at this address")          \
    X(METHOD_NOT_ALLOWED,   112, 405, "method-not-allowed",     "this address does not take this method")    \
    X(BODY_TOO_LARGE,       113, 413, "body-too-large",         "the body is larger than this call takes")   \
    X(MEDIA_TYPE,           114, 415, "unsupported-media-type", "the body has to be application/json")       \
    X(UNAUTHENTICATED,      120, 401, "unauthenticated",        "this call needs a valid bearer token")       \
    X(FORBIDDEN,            121, 403, "forbidden",              "you may not do this")                       \
    /* rules of the business */                                                                              \
    X(RULE_BROKEN,          201, 422, "rule-broken",            "the request breaks a rule")                 \
    X(SLOT_TAKEN,           202, 409, "slot-taken",             "the room is already reserved for this time") \
    X(ROOM_NAME_TAKEN,      203, 409, "room-name-taken",        "another room has this name")                \
    X(ROOM_RETIRED,         204, 409, "room-retired",           "the room takes no new reservations")        \
    X(RESERVATION_CANCELLED,205, 409, "reservation-cancelled",  "the reservation is cancelled")              \
    X(PRECONDITION_REQUIRED,211, 428, "precondition-required",  "this change needs an If-Match header")      \
    X(VERSION_STALE,        212, 412, "version-stale",          "it has changed since you read it")          \
    X(KEY_REUSED,           221, 422, "idempotency-key-reused", "the Idempotency-Key was used for another request") \
    X(KEY_IN_PROGRESS,      222, 409, "idempotency-in-progress", "the first request with this Idempotency-Key is not finished") \
    /* the state of the service */                                                                           \
    X(OVERLOADED,           901, 503, "overloaded",             "too much work is queued; retry later")      \
    X(DB_UNAVAILABLE,       902, 503, "database-unavailable",   "the database cannot be reached; retry later") \
    X(DB_BUSY,              903, 503, "database-busy",          "the database did not answer in time; retry later") \
    X(OUTCOME_UNKNOWN,      904, 503, "outcome-unknown",        "it is not known whether the change was made") \
    X(NOT_READY,            905, 503, "not-ready",              "this program cannot do its work now; detail says why") \
    X(PROJECTION_NOT_READY, 911, 503, "projection-not-ready",   "the read model is not built yet; retry later") \
    X(PROJECTION_BEHIND,    912, 503, "projection-behind",      "the read model has not reached the Consistency-Token yet") \
    X(WRITE_PARKED,         913, 503, "write-parked",           "the write cannot be applied to the read model until an operator has looked at it") \
    X(NO_MEMORY,            991, 503, "no-memory",              "the service is out of memory; retry later") \
    /* of the gateway alone (deploy/gateway/templates/problems.conf.template) */                             \
    X(HOST_UNKNOWN,         931, 421, "host-unknown",           "the gateway does not serve this host")      \
    X(RATE_LIMITED,         932, 429, "rate-limited",           "too many requests from this address; retry later") \
    X(HEADER_TOO_LARGE,     933, 431, "header-too-large",       "the request line or a header is too long")  \
    X(SERVICE_UNREACHABLE,  934, 502, "service-unreachable",    "the service cannot be reached or broke off; retry later") \
    X(SERVICE_TIMEOUT,      935, 504, "service-timeout",        "the service did not answer in time; retry later") \
    X(INTERNAL,             999, 500, "internal",               "the service failed; this is its fault")
/* clang-format on */

enum rr_err {
#define X(name, number, status, code, title) RR_##name = (number),
    RR_ERRORS(X)
#undef X
};

/* HTTP status, wire code and title of `err`. Never NULL: an unknown number reads as RR_INTERNAL. */
unsigned rr_err_status(enum rr_err err);
const char *rr_err_code(enum rr_err err);
const char *rr_err_title(enum rr_err err);

/* A 503, which carries Retry-After: the state passes, the same request may go through later. */
int rr_err_is_transient(enum rr_err err);
