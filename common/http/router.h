/* rr_router: finds the route of a method and a path in the service's table.
 *
 * Patterns are compared segment by segment; a literal segment wins over a {…}. Built once, read-only after,
 * so all loops share it. */
#pragma once

#include "http.h"

#include <stdbool.h>
#include <stddef.h>

enum rr_method {
    RR_GET,
    RR_HEAD,
    RR_POST,
    RR_PATCH,
    RR_PUT,
    RR_DELETE,
    RR_OPTIONS,
    RR_METHOD_OTHER,
    RR_METHODS
};

enum rr_method rr_method_of(const char *name);
const char *rr_method_name(enum rr_method m); /* "other" for what has no name here */
bool rr_method_has_body(enum rr_method m);    /* POST, PATCH, PUT */
bool rr_method_changes(enum rr_method m);     /* these and DELETE */

struct rr_router;

struct rr_match {
    const struct rr_route *route; /* NULL: no such path (allow NULL) or no such method there */
    size_t place;                 /* the route's, see rr_router_size() */
    const char *allow;            /* the path's methods, for 405 and OPTIONS */
    const char *arg[RR_PATH_ARGS];
};

/* `tables` is a NULL-terminated list of route tables, which outlive the router. NULL if memory is out. A
 * malformed table is our bug. */
struct rr_router *rr_router_new(const struct rr_route *const *tables);
void rr_router_free(struct rr_router *router);

/* `path` is as it came, percent-encoded; it is decoded and cut up in place, and the args point into it.
 * RR_OK, RR_NOT_FOUND, RR_METHOD_NOT_ALLOWED, or RR_BAD_REQUEST when an argument of the route is no valid
 * text. */
enum rr_err rr_router_find(const struct rr_router *router, enum rr_method method, char *path,
                           struct rr_match *ret) RR_MUST_CHECK;

/* Routes have places 0 … n-1, for tables beside them; place n stands for "no route". */
size_t rr_router_size(const struct rr_router *router);
const char *rr_router_pattern(const struct rr_router *router, size_t place); /* "none" for place n */
