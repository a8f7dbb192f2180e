/* The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header) and what a key stands for. Pure; the
 * table of keys is in store/idempotency_key.c. */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDEMPOTENCY_KEY_MAX 255

struct fingerprint {
    uint8_t b[16];
};

/* "abc" and abc are the same key: 1–255 visible ASCII characters, bare or as a quoted string with \" and \\.
 * Returns NULL and fills `ret`, or what is wrong. */
const char *idempotency_key_parse(const char *header, char ret[IDEMPOTENCY_KEY_MAX + 1]);

/* Of the parts of a request that make it this request; NULL reads as absent, which is not the same as empty.
 */
struct fingerprint fingerprint_of(const char *method, const char *pattern, const char *path_arg,
                                  const char *if_match, const char *body, size_t body_len);
