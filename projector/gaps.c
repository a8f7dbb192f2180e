#include "gaps.h"
#include "letters.h"

#include <stdlib.h>
#include <string.h>

/* Reservations with a gap, in order of their ids. */
struct gaps {
    struct batch_reservation **list;
    struct rr_uuid *ids;
    size_t n;
};

static int by_id(const void *a, const void *b)
{
    const struct batch_reservation *const *x = a, *const *y = b;

    return memcmp((*x)->id.b, (*y)->id.b, sizeof((*x)->id.b));
}

/* What lies before a version that was skipped was given up with it. */
static int64_t first_missing(const struct batch_reservation *r)
{
    int64_t first = r->missing;

    for (size_t i = 0; i < r->n_skipped; i++)
        if (r->skipped[i] >= first && r->skipped[i] < r->gap->event.after.version)
            first = r->skipped[i] + 1;
    return first;
}

static void collect(struct batch *b, struct gaps *ret)
{
    *ret = (struct gaps){.list = arena_alloc(&b->arena, b->n_gaps * sizeof(struct batch_reservation *)),
                         .ids = arena_alloc(&b->arena, b->n_gaps * sizeof(struct rr_uuid))};
    for (struct batch_reservation *r = b->reservations; r; r = r->next) {
        if (!r->gap)
            continue;
        r->gap_reason = NULL;
        r->missing = first_missing(r);
        if (r->missing < r->gap->event.after.version)
            ret->list[ret->n++] = r;
    }
    qsort(ret->list, ret->n, sizeof(struct batch_reservation *), by_id);
    for (size_t i = 0; i < ret->n; i++)
        ret->ids[i] = ret->list[i]->id;
}

static const char *say(struct batch *b, const struct batch_reservation *r, const char *why)
{
    struct failure f;

    fail(&f, FAIL_MESSAGE, "version %lld is missing before version %lld: %s", (long long)r->missing,
         (long long)r->gap->event.after.version, why);
    return arena_copy(&b->arena, f.text, strlen(f.text));
}

static void give_up(struct batch *b, struct gaps *g, const char *why)
{
    for (size_t i = 0; i < g->n; i++) {
        g->list[i]->gap_kind = LETTER_GAP;
        g->list[i]->gap_reason = say(b, g->list[i], why);
    }
}

/* The events of one reservation among those of all, which are in order. */
static size_t slice(const struct truth_rows *rows, const struct rr_uuid *id, size_t *at)
{
    size_t n = 0;

    while (*at < rows->n_events && memcmp(rows->events[*at].after.id.b, id->b, sizeof(id->b)) < 0)
        (*at)++;
    while (*at + n < rows->n_events && memcmp(rows->events[*at + n].after.id.b, id->b, sizeof(id->b)) == 0)
        n++;
    return n;
}

/* A transaction reaches the log a moment before its rows can be seen: what the log had before it, too. */
static bool is_behind(const struct gaps *g, const struct truth_rows *rows)
{
    size_t at = 0;

    for (size_t i = 0; i < g->n; i++) {
        size_t n = slice(rows, &g->ids[i], &at);

        if (n == 0 || rows->events[at + n - 1].after.version < g->list[i]->gap->event.after.version)
            return true;
    }
    return false;
}

static int read_journal(struct truth *t, struct batch *b, const struct gaps *g, struct truth_rows *ret,
                        struct failure *f)
{
    for (int tries = 0; tries <= TRUTH_TRIES; tries++) {
        if (tries)
            truth_wait();
        if (truth_events_now(t, g->ids, g->n, &b->arena, ret, f) != 0)
            return -1;
        if (!is_behind(g, ret))
            break;
    }
    return 0;
}

static void fill(struct batch *b, struct batch_reservation *r, const struct event *journal, size_t n)
{
    size_t wanted = (size_t)(r->gap->event.after.version - r->missing), from = 0;

    while (from < n && journal[from].after.version < r->missing)
        from++;
    for (size_t i = 0; i < wanted; i++)
        if (from + i >= n || journal[from + i].after.version != r->missing + (int64_t)i) {
            r->gap_kind = LETTER_LOST;
            r->missing += (int64_t)i;
            r->gap_reason = say(b, r, "MySQL's journal does not have it either");
            return;
        }
    batch_fill(b, r, journal + from, wanted);
}

int gaps_fill(struct truth *t, struct store *s, int32_t generation, struct batch *b, struct failure *f)
{
    struct truth_rows rows = {.n_events = 0};
    struct failure why = {.text = "MySQL cannot be reached"};
    struct gaps g;
    size_t at = 0;
    int end = 0;

    if (letters_skipped(s, generation, b, f) != 0)
        return -1;
    collect(b, &g);
    if (g.n > 0 && (!t || read_journal(t, b, &g, &rows, &why) != 0)) {
        give_up(b, &g, why.text);
        return 1;
    }
    for (size_t i = 0; i < g.n; i++) {
        size_t n = slice(&rows, &g.ids[i], &at);

        fill(b, g.list[i], rows.events + at, n);
        end |= g.list[i]->gap_reason != NULL;
    }
    if (end == 0)
        batch_unplan(b);
    return end;
}
