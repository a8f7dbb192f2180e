/* cursor: where a list goes on, as opaque text that belongs to one list with its filters.
 *
 * The bytes are the last shown item's sort key and a hash of them together with the list and its filters. So
 * a cursor that is cut, mistyped or from another list or other filters is refused instead of answering from a
 * wrong place. It is no secret and grants nothing: every page is read with the rights of its own request.
 * Thread-safe. */
#pragma once

#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CURSOR_TEXT 56 /* bytes, NUL included */

/* The sort key of every list is a part of this; the rest is zero. */
struct cursor {
    int64_t major;     /* an instant, or what a ranking goes by */
    struct rr_uuid id; /* a reservation */
    uint64_t minor;    /* a room, or a version */
};

/* A hash of the list and its filters: begin with CURSOR_SCOPE, add each part with its length, in a fixed
 * order. */
#define CURSOR_SCOPE UINT64_C(0xcbf29ce484222325)
uint64_t cursor_scope_add(uint64_t scope, const void *part, size_t len);

char *cursor_format(const struct cursor *c, uint64_t scope, char out[CURSOR_TEXT]);
bool cursor_parse(const char *text, size_t len, uint64_t scope, struct cursor *ret);
