/* What problem.c needs of reply.c beyond http.h. */
#pragma once

#include "http.h"

bool rr_reply_has_header(const struct rr_req *r, const char *name);
