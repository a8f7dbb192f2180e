#include "timers.h"

#include <limits.h>

enum { FIRST_CAP = 64 };

static void put(struct rr_timers *ts, size_t i, struct rr_timer *t)
{
    ts->heap[i] = t;
    t->heap_index = (int)i;
}

static void sift_up(struct rr_timers *ts, size_t i, struct rr_timer *t)
{
    for (; i > 1 && ts->heap[i / 2]->due > t->due; i /= 2)
        put(ts, i, ts->heap[i / 2]);
    put(ts, i, t);
}

static void sift_down(struct rr_timers *ts, size_t i, struct rr_timer *t)
{
    for (size_t child; (child = 2 * i) <= ts->n; i = child) {
        if (child < ts->n && ts->heap[child + 1]->due < ts->heap[child]->due)
            child++;
        if (ts->heap[child]->due >= t->due)
            break;
        put(ts, i, ts->heap[child]);
    }
    put(ts, i, t);
}

/* `t` belongs at place i or on the way from there to the top or the bottom. */
static void place(struct rr_timers *ts, size_t i, struct rr_timer *t)
{
    if (i > 1 && ts->heap[i / 2]->due > t->due)
        sift_up(ts, i, t);
    else
        sift_down(ts, i, t);
}

static enum rr_err grow(struct rr_timers *ts)
{
    size_t cap = ts->cap ? 2 * ts->cap : FIRST_CAP;
    struct rr_timer **heap;

    if (cap > INT_MAX)
        return RR_NO_MEMORY;
    heap = realloc(ts->heap, cap * sizeof(struct rr_timer *));
    if (!heap)
        return RR_NO_MEMORY;
    ts->heap = heap;
    ts->cap = cap;
    return RR_OK;
}

enum rr_err rr_timers_arm(struct rr_timers *ts, struct rr_timer *t, int64_t due)
{
    if (t->heap_index) {
        t->due = due;
        place(ts, (size_t)t->heap_index, t);
        return RR_OK;
    }
    if (ts->n + 1 >= ts->cap) {
        enum rr_err err = grow(ts);

        if (err)
            return err;
    }
    t->due = due;
    sift_up(ts, ++ts->n, t);
    return RR_OK;
}

void rr_timers_cancel(struct rr_timers *ts, struct rr_timer *t)
{
    size_t i = (size_t)t->heap_index;
    struct rr_timer *last;

    if (!i)
        return;
    t->heap_index = 0;
    last = ts->heap[ts->n--];
    if (last != t)
        place(ts, i, last);
}

int64_t rr_timers_next(const struct rr_timers *ts)
{
    return ts->n ? ts->heap[1]->due : INT64_MAX;
}

void rr_timers_fire(struct rr_timers *ts, int64_t now)
{
    for (size_t bound = ts->n; bound > 0 && rr_timers_next(ts) <= now; bound--) {
        struct rr_timer *t = ts->heap[1];

        rr_timers_cancel(ts, t);
        t->fire(t);
    }
}

void rr_timers_fini(struct rr_timers *ts)
{
    for (size_t i = 1; i <= ts->n; i++)
        ts->heap[i]->heap_index = 0;
    free(ts->heap);
    *ts = (struct rr_timers){0};
}
