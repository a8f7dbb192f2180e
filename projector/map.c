#include "map.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

struct map_entry {
    struct map_key key;
    void *value;
    uint32_t round;
};

struct map_key map_key_uuid(const struct rr_uuid *id)
{
    struct map_key key;

    memcpy(&key, id->b, sizeof(key));
    return key;
}

static size_t hash(struct map_key key)
{
    uint64_t h = (key.a ^ (key.b << 32 | key.b >> 32)) * UINT64_C(0x9E3779B97F4A7C15);

    h = (h ^ h >> 29 ^ key.b) * UINT64_C(0xBF58476D1CE4E5B9);
    return (size_t)(h ^ h >> 32);
}

static struct map_entry *find(const struct map *m, struct map_key key)
{
    for (size_t i = hash(key) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_entry *e = &m->entries[i];

        if (e->round != m->round || (e->key.a == key.a && e->key.b == key.b))
            return e;
    }
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
    m->round = 1;
    m->entries = calloc(m->cap, sizeof(*m->entries));
    if (!m->entries) {
        rr_error("out of memory", "entries=%zu", m->cap);
        abort();
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.entries[i].round == old.round) {
            struct map_entry *e = find(m, old.entries[i].key);

            *e = old.entries[i];
            e->round = m->round;
        }
    free(old.entries);
}

void **map_at(struct map *m, struct map_key key)
{
    struct map_entry *e;

    if (m->n * 2 >= m->cap)
        grow(m);
    e = find(m, key);
    if (e->round != m->round) {
        *e = (struct map_entry){.key = key, .round = m->round};
        m->n++;
    }
    return &e->value;
}

void *map_find(const struct map *m, struct map_key key)
{
    const struct map_entry *e = m->cap ? find(m, key) : NULL;

    return e && e->round == m->round ? e->value : NULL;
}

void map_reset(struct map *m)
{
    m->n = 0;
    if (++m->round == 0 && m->cap) { /* all rounds were used once: old marks would count again */
        memset(m->entries, 0, m->cap * sizeof(*m->entries));
        m->round = 1;
    }
}

void map_fini(struct map *m)
{
    free(m->entries);
    *m = (struct map){.cap = 0};
}
