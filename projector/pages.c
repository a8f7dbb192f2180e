#include "pages.h"
#include "ahead.h"

#define PAGE_EVENTS 5000

struct truth_page {
    struct truth_rows rows;
    struct rr_uuid upto;
};

struct held_page {
    struct held_rows rows;
    struct rr_uuid upto;
};

/* Of each side the thread that reads, where it is, and what is left of the page in hand. */
struct pages {
    struct truth *truth;
    struct held *held;
    struct ahead *truth_ahead, *held_ahead;
    struct id_range truth_range, held_range;
    struct truth_page truth_left;
    struct held_page held_left;
    bool truth_used, held_used; /* the page in hand is used up, or there is none yet */
};

/* ---- reading, in threads ---- */

static const void *read_truth(void *arg, struct arena *arena, bool *ret_last, struct failure *f)
{
    struct pages *p = arg;
    struct truth_page *page = arena_alloc(arena, sizeof(*page));

    if (truth_page(p->truth, &p->truth_range, PAGE_EVENTS, arena, &page->rows, f) != 0)
        return NULL;
    page->upto = p->truth_range.upto;
    *ret_last = !id_range_next(&p->truth_range);
    return page;
}

static const void *read_held(void *arg, struct arena *arena, bool *ret_last, struct failure *f)
{
    struct pages *p = arg;
    struct held_page *page = arena_alloc(arena, sizeof(*page));

    if (held_page(p->held, &p->held_range, PAGE_EVENTS, arena, &page->rows, f) != 0)
        return NULL;
    page->upto = p->held_range.upto;
    *ret_last = !id_range_next(&p->held_range);
    return page;
}

/* ---- side by side ---- */

static size_t events_upto(const struct event *events, size_t n, const struct rr_uuid *upto)
{
    return id_count_upto(&events->after.id, sizeof(*events), n, upto);
}

static struct truth_rows take_truth(struct truth_page *left, const struct rr_uuid *upto)
{
    struct truth_rows *l = &left->rows, taken = *l;

    taken.n_events = events_upto(l->events, l->n_events, upto);
    taken.n_reservations =
        id_count_upto(&l->reservations->id, sizeof(*l->reservations), l->n_reservations, upto);
    l->events += taken.n_events;
    l->n_events -= taken.n_events;
    l->reservations += taken.n_reservations;
    l->n_reservations -= taken.n_reservations;
    return taken;
}

static struct held_rows take_held(struct held_page *left, const struct rr_uuid *upto)
{
    struct held_rows *l = &left->rows, taken = *l;

    taken.n_events = events_upto(l->events, l->n_events, upto);
    taken.n_states = id_count_upto(&l->states->reservation.id, sizeof(*l->states), l->n_states, upto);
    l->events += taken.n_events;
    l->changes += taken.n_events;
    l->n_events -= taken.n_events;
    l->states += taken.n_states;
    l->n_states -= taken.n_states;
    return taken;
}

int pages_next(struct pages *p, struct pages_part *ret, struct failure *f)
{
    const void *page;
    struct rr_uuid upto;

    if (p->truth_used) {
        if (ahead_next(p->truth_ahead, &page, f) != 0)
            return -1;
        p->truth_left = *(const struct truth_page *)page;
    }
    if (p->held_used) {
        if (ahead_next(p->held_ahead, &page, f) != 0)
            return -1;
        p->held_left = *(const struct held_page *)page;
    }
    upto = id_compare(&p->truth_left.upto, &p->held_left.upto) < 0 ? p->truth_left.upto : p->held_left.upto;
    p->truth_used = id_compare(&p->truth_left.upto, &upto) == 0;
    p->held_used = id_compare(&p->held_left.upto, &upto) == 0;
    *ret = (struct pages_part){.truth = take_truth(&p->truth_left, &upto),
                               .held = take_held(&p->held_left, &upto),
                               .last = id_compare(&upto, &id_last) == 0};
    return 0;
}

/* ---- beginning and end ---- */

int pages_start(struct truth *truth, struct pages **ret, struct failure *f)
{
    struct pages *p = calloc(1, sizeof(*p));

    if (!p)
        return fail(f, FAIL_NONE, "out of memory");
    p->truth = truth;
    p->truth_used = p->held_used = true;
    if (ahead_start(read_truth, p, &p->truth_ahead, f) != 0) {
        pages_stop(p);
        return -1;
    }
    *ret = p;
    return 0;
}

int pages_hold(struct pages *p, struct held *held, struct failure *f)
{
    p->held = held;
    return ahead_start(read_held, p, &p->held_ahead, f);
}

void pages_stop(struct pages *p)
{
    if (!p)
        return;
    ahead_stop(p->truth_ahead);
    ahead_stop(p->held_ahead);
    free(p);
}
