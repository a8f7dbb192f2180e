/* rr_request: what common/ itself needs of a request beyond http.h. */
#pragma once

#include <stdbool.h>

struct rr_req;

/* Call `cb` for each decoded query parameter, in order; value is "" without "=". Texts live as long as the request. Stops when `cb`
 * returns false. */
int rr_query_each(struct rr_req *r, bool (*cb)(void *arg, const char *name, const char *value), void *arg);

/* Call release(p) when the request is freed. */
void rr_req_keep(struct rr_req *r, void *p, void (*release)(void *));
