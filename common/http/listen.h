/* rr_listen: the listening sockets of a service, one a loop. */
#pragma once

#include "http.h"

/* Binds `n` sockets to conf's address with SO_REUSEPORT, so that the kernel spreads connections over the
 * loops; with port 0 the first one finds the port. They do not listen yet. 0, or -errno with the reason
 * logged. */
int rr_listen_bind(const struct rr_http_conf *conf, unsigned n, int *ret_fds,
                   uint16_t *ret_port) RR_MUST_CHECK;
