/* If-Match and If-None-Match (RFC 9110 section 13.1) against versions: the ETag of version 3 is "3". */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETAG_TEXT 16 /* bytes for any etag_format() result, NUL included */

struct etags {
    bool any; /* the header is * */
    size_t n;
    struct {
        uint32_t version; /* 0: a tag that is none of ours */
        bool weak;
    } items[16];
};

/* False if the header is not a list of entity tags. */
bool etags_parse(const char *header, struct etags *ret) RR_MUST_CHECK;
/* If-Match: strong comparison. */
bool etags_match_strongly(const struct etags *tags, uint32_t version);
/* If-None-Match: weak comparison. */
bool etags_match_weakly(const struct etags *tags, uint32_t version);
char *etag_format(uint32_t version, char out[ETAG_TEXT]);
