/* rr_prefer: the Prefer header (RFC 7240). What cannot be read is ignored, as its section 2 wants; of several
 * preferences of one name the first counts. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether `header` (NULL: absent) asks for return=minimal. */
bool rr_prefer_minimal(const char *header);
/* Whether it has wait=<seconds>. More than fits reads as UINT32_MAX. */
bool rr_prefer_wait(const char *header, uint32_t *ret_seconds);
