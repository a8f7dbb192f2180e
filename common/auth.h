/* rr_auth: who calls.
 *
 * RR_AUTH=jwt: a caller is who the bearer token says (RFC 6750, RFC 7519): `sub` is the user, "admin" among
 * `roles` makes an admin; auth_jwt.h says what a token has to be, auth_keys.h where the keys come from.
 * RR_AUTH=off: everybody is the admin `admin`, which is for a local demo only: see rr_auth_may_listen().
 *
 * Threads: one struct rr_auth a program, which belongs to its main thread; one struct rr_auth_loop a loop,
 * for rr_auth_request() in the loop's thread. New keys reach a loop by one atomic pointer, without a lock:
 * from the moment that rr_auth_reload() returns, every request that begins is judged by them. */
#pragma once

#include "err.h"
#include "macros.h"

#include <stdbool.h>

struct rr_http_conf;
struct rr_req;
struct sockaddr;

enum rr_auth_mode { RR_AUTH_JWT, RR_AUTH_OFF }; /* the choices of RR_AUTH */

struct rr_auth;
struct rr_auth_loop;

/* `needed`: there are routes that ask who calls. Only then the keys are read. `conf` outlives it. Returns 0,
 * or -errno with the reason logged. */
int rr_auth_new(const struct rr_http_conf *conf, bool needed, struct rr_auth **ret) RR_MUST_CHECK;
/* After its loops' part. NULL is fine. */
void rr_auth_free(struct rr_auth *a);
/* Reads the keys again. When anything is wrong with the new ones, all the old ones stay; the log tells. */
void rr_auth_reload(struct rr_auth *a);

struct rr_auth_loop *rr_auth_loop_new(struct rr_auth *a); /* NULL: no memory */
void rr_auth_loop_free(struct rr_auth_loop *l);           /* NULL is fine */

/* Sets r->user and r->admin, which live as long as the request. Else RR_UNAUTHENTICATED, or RR_BAD_REQUEST
 * for more than one Authorization header; the answer then has its detail and WWW-Authenticate. */
enum rr_err rr_auth_request(struct rr_auth_loop *l, struct rr_req *r) RR_MUST_CHECK;

/* Without authentication a program listens on loopback addresses only, unless it was told otherwise. */
bool rr_auth_may_listen(const struct rr_http_conf *conf, const struct sockaddr *addr);
