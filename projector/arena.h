/* arena: memory of one batch, taken piece by piece and given back at once.
 *
 * Zero-initialised is empty. Pieces are aligned for any type. Out of memory ends the process: the position is
 * in PostgreSQL, so the next start goes on where this one was. Not shared between threads. */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the newest first; only that one has room */
    size_t used;
};

void *arena_alloc(struct arena *a, size_t size);              /* never NULL, not zeroed */
char *arena_copy(struct arena *a, const char *s, size_t len); /* NUL-terminated */
size_t arena_bytes(const struct arena *a);                    /* what it has taken of the process's memory */
void arena_reset(struct arena *a); /* gives all pieces back; keeps one chunk for the next batch */
void arena_fini(struct arena *a);
