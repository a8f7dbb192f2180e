#include "arena.h"
#include "log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
#define ALIGN       16

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    _Alignas(ALIGN) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *c = a->chunks;

    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!c || c->size - a->used < size) {
        size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;

        c = malloc(sizeof(*c) + bytes);
        if (!c) {
            rr_error("out of memory", "bytes=%zu", bytes);
            abort();
        }
        c->size = bytes;
        c->next = a->chunks;
        a->chunks = c;
        a->used = 0;
    }
    a->used += size;
    return c->data + a->used - size;
}

char *arena_copy(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);

    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

size_t arena_bytes(const struct arena *a)
{
    size_t bytes = 0;

    for (const struct arena_chunk *c = a->chunks; c; c = c->next)
        bytes += sizeof(*c) + c->size;
    return bytes;
}

static void free_chunks(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;

        free(c);
        c = next;
    }
}

void arena_reset(struct arena *a)
{
    if (a->chunks) {
        free_chunks(a->chunks->next);
        a->chunks->next = NULL;
    }
    a->used = 0;
}

void arena_fini(struct arena *a)
{
    free_chunks(a->chunks);
    a->chunks = NULL;
    a->used = 0;
}
