/* headers: request headers that only reads know. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The preference `wait=<seconds>` (RFC 7240) in a Prefer header. False if it is not there or cannot be read:
 * preferences that cannot be honoured are ignored. Of several the first counts. More than fits reads as
 * UINT32_MAX. */
bool prefer_wait(const char *prefer, uint32_t *ret_seconds);

/* Whether an If-None-Match header (RFC 9110 section 13.1.2) names the entity tag `"<version>"`; weak tags and
 * `*` match, too. */
bool etag_matches(const char *if_none_match, const char *version);
