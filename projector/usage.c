#include "usage.h"

#include <stdlib.h>

#define CHUNK 31 /* with its head 512 bytes */

struct chunk {
    struct chunk *next;
    size_t n;
    struct use uses[CHUNK];
};

struct usage_day {
    struct usage_day *next;
    struct chunk *chunks;
    int64_t day;
};

static struct usage_day *day_of(struct usage *u, int64_t day)
{
    void **at = map_at(&u->map, (struct map_key){.a = (uint64_t)day});

    if (!*at) {
        struct usage_day *d = arena_alloc(&u->arena, sizeof(*d));

        *d = (struct usage_day){.next = u->first, .day = day};
        u->first = d;
        u->n_days++;
        *at = d;
    }
    return *at;
}

static void keep(void *arg, const struct use *use)
{
    struct usage *u = arg;
    struct usage_day *d = day_of(u, use->day);

    if (!d->chunks || d->chunks->n == CHUNK) {
        struct chunk *c = arena_alloc(&u->arena, sizeof(*c));

        c->next = d->chunks;
        c->n = 0;
        d->chunks = c;
    }
    d->chunks->uses[d->chunks->n++] = *use;
}

void usage_add(struct usage *u, const struct reservation *r)
{
    reservation_uses(r, keep, u);
}

static int by_day(const void *a, const void *b)
{
    const struct usage_day *const *x = a, *const *y = b;

    return ((*x)->day > (*y)->day) - ((*x)->day < (*y)->day);
}

static void put_in_order(struct usage *u)
{
    size_t n = 0;

    u->order = arena_alloc(&u->arena, (u->n_days + 1) * sizeof(struct usage_day *));
    for (struct usage_day *d = u->first; d; d = d->next)
        u->order[n++] = d;
    qsort(u->order, n, sizeof(struct usage_day *), by_day);
}

bool usage_next(struct usage *u, struct buckets *b, int64_t *ret_day)
{
    const struct usage_day *d;

    if (!u->order)
        put_in_order(u);
    if (u->at == u->n_days)
        return false;
    d = u->order[u->at++];
    for (const struct chunk *c = d->chunks; c; c = c->next)
        for (size_t i = 0; i < c->n; i++)
            buckets_add_use(b, &c->uses[i], 1);
    *ret_day = d->day;
    return true;
}

void usage_fini(struct usage *u)
{
    map_fini(&u->map);
    arena_fini(&u->arena);
    *u = (struct usage){.first = NULL};
}
