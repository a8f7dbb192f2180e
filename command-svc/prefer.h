/* The Prefer header (RFC 7240): of its preferences, return=minimal. */
#pragma once

#include <stdbool.h>

/* Whether `header` (NULL: absent) asks for return=minimal. Of several `return` the first counts; what cannot
 * be read is ignored, as section 2 of the RFC wants. */
bool prefers_minimal(const char *header);
