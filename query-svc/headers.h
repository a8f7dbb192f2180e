/* headers: request headers that only reads know. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The preference `wait=<seconds>` (RFC 7240) in a Prefer header. False if it is not there or cannot be read:
 * preferences that cannot be honoured are ignored. Of several the first counts. More than fits reads as
 * UINT32_MAX. */
bool prefer_wait(const char *prefer, uint32_t *ret_seconds);
