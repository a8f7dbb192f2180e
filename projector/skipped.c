#include "skipped.h"

struct place {
    struct place *next; /* of the same offset in another log */
    struct text key, value;
};

static struct map_key offset_key(int64_t offset)
{
    return (struct map_key){.a = (uint64_t)offset};
}

static struct text copy(struct arena *arena, struct text t)
{
    return t.s ? (struct text){.s = arena_copy(arena, t.s, t.n), .n = t.n} : t;
}

void skipped_put(struct skipped *s, int64_t offset, struct text key, struct text value)
{
    struct place **at = (struct place **)map_at(&s->map, offset_key(offset));
    struct place *p = arena_alloc(&s->arena, sizeof(*p));

    *p = (struct place){.next = *at, .key = copy(&s->arena, key), .value = copy(&s->arena, value)};
    *at = p;
}

bool skipped_has(const struct skipped *s, const struct rr_kafka_message *m)
{
    const struct text key = {.s = m->key, .n = m->key_len}, value = {.s = m->value, .n = m->value_len};
    const struct place *p = s->map.n ? map_find(&s->map, offset_key(m->offset)) : NULL;

    while (p && !(text_same(p->key, key) && text_same(p->value, value)))
        p = p->next;
    return p;
}

void skipped_reset(struct skipped *s)
{
    map_reset(&s->map);
    arena_reset(&s->arena);
}

void skipped_fini(struct skipped *s)
{
    map_fini(&s->map);
    arena_fini(&s->arena);
}
