/* rr_auth: who calls. With RR_AUTH=off everybody is the admin `admin`, which is for a local demo only: see
 * rr_auth_may_listen(). */
#pragma once

#include "err.h"
#include "macros.h"

#include <stdbool.h>

struct rr_http_conf;
struct rr_req;
struct sockaddr;

/* Sets r->user and r->admin, which live as long as the request. */
enum rr_err rr_auth_request(const struct rr_http_conf *conf, struct rr_req *r) RR_MUST_CHECK;

/* Without authentication a program listens on loopback addresses only, unless it was told otherwise. */
bool rr_auth_may_listen(const struct rr_http_conf *conf, const struct sockaddr *addr);
