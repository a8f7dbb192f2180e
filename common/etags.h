/* rr_etags: the lists of entity tags in If-Match and If-None-Match (RFC 9110, section 13.1). Thread-safe. */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RR_ETAG_TEXT 16 /* bytes for any rr_etag_format() result, NUL included */

struct rr_etags {
    bool any; /* the header is * */
    size_t n;
    struct {
        const char *tag; /* in the header, with its quotes */
        size_t len;
        bool weak;
    } items[16];
};

/* False if the header is not a list of entity tags, or has too many. `ret` points into it. */
bool rr_etags_parse(const char *header, struct rr_etags *ret) RR_MUST_CHECK;
/* If-Match: strong comparison. `etag` is as we send it, such as "3" with its quotes. */
bool rr_etags_match_strongly(const struct rr_etags *tags, const char *etag);
/* If-None-Match: weak comparison. */
bool rr_etags_match_weakly(const struct rr_etags *tags, const char *etag);
/* The ETag of a version. */
char *rr_etag_format(uint32_t version, char out[RR_ETAG_TEXT]);
