/* rr_uuid: RFC 9562 UUIDs. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RR_UUID_TEXT 37 /* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and NUL */

struct rr_uuid {
    uint8_t b[16];
};

/* Version 7: 48 bits of Unix milliseconds, the rest from getrandom(2); rises within a thread even inside one
 * millisecond (RFC 9562 section 6.2, method 1), so that new rows land at the end of the primary key. */
struct rr_uuid rr_uuid_v7(void);
/* Hyphenated or 32 hex digits, either case. Any version is accepted. */
bool rr_uuid_parse(const char *text, size_t len, struct rr_uuid *ret);
char *rr_uuid_format(const struct rr_uuid *u, char out[RR_UUID_TEXT]);
