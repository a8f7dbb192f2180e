/* map: 16-byte keys to pointers, for one batch. Zero-initialised is empty; emptying it costs nothing,
 * whatever it held. Out of memory ends the process, as in arena.h. Not shared between threads. */
#pragma once

#include "uuid.h"

#include <stddef.h>
#include <stdint.h>

struct map_key {
    uint64_t a, b;
};

struct map {
    struct map_entry *entries;
    size_t cap, n;
    uint32_t round; /* entries of an earlier round are free */
};

struct map_key map_key_uuid(const struct rr_uuid *id);
/* Where the value of `key` stands; NULL there if the key is new. Good until the next call. */
void **map_at(struct map *m, struct map_key key);
void *map_find(const struct map *m, struct map_key key); /* the value of `key`; NULL: there is none */
void map_reset(struct map *m);
void map_fini(struct map *m);
