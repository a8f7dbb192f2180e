/* rr_http's side of a request, for the files of common/ that work inside one: fields.c, the router, the
 * replies.
 *
 * All of it belongs to the loop's thread. What is allocated here lives exactly as long as the request. */
#pragma once

#include "http.h"

#include <stdbool.h>
#include <stddef.h>

/* `n` bytes, aligned for any type, not zeroed; NULL when memory is out. */
void *rr_req_alloc(struct rr_req *r, size_t n);
char *rr_req_strndup(struct rr_req *r, const char *s, size_t n);

/* release(p) when the request ends, in the reverse order. A few a request: more than eight is a bug of ours.
 */
void rr_req_keep(struct rr_req *r, void *p, void (*release)(void *));

/* How often the header is there; the first one's value, no copy: good until
 * the handler waits. */
unsigned rr_header_values(const struct rr_req *r, const char *name, const char **ret_first);

/* Each decoded query parameter in order; value "" when without '='. Stops and returns 0 when cb returns
 * false, else 1. */
int rr_query_each(struct rr_req *r, bool (*cb)(void *arg, const char *name, const char *value), void *arg);
