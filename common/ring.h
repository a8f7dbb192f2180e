/* rr_ring: things in a ring, through a link in each of them; the head is one more link. Not shared between
 * threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct rr_ring {
    struct rr_ring *next, *prev;
};

static inline void rr_ring_init(struct rr_ring *l)
{
    l->next = l->prev = l;
}

static inline void rr_ring_add(struct rr_ring *head, struct rr_ring *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline void rr_ring_remove(struct rr_ring *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
}

static inline bool rr_ring_empty(const struct rr_ring *l)
{
    return l->next == l;
}

#define RR_RING_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* `to`, which was no ring yet, gets all that `from` has; `from` is empty after. */
static inline void rr_ring_move(struct rr_ring *to, struct rr_ring *from)
{
    rr_ring_init(to);
    if (rr_ring_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    rr_ring_init(from);
}
