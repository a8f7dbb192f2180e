#include "days.h"
#include "ahead.h"
#include "compare.h"
#include "months.h"
#include "pg_hash.h"

#define DOUBTS 256

/* The days that are held, of rooms or of all rooms together, one after the other. */
struct walk {
    struct days *days;
    struct ahead *ahead;
    int64_t day, room_id; /* the thread's: the last one read */
    const struct held_sums_page *page;
    size_t at;
    /* Of this page, and of the day that is being compared: the numbers are to be read. */
    const struct held_sums *doubts[DOUBTS];
    const struct bucket *computed[DOUBTS]; /* NULL: it counts nothing */
    size_t n_doubts;
    bool all_rooms;
};

struct days {
    struct held *held;
    pthread_mutex_t lock; /* whoever uses `held` */
    struct usage *usage;
    struct report *report;
    struct days_totals *totals;
    struct arena arena;
    struct months months;
    struct walk rooms, all;
};

static const void *read_sums(void *arg, struct arena *arena, bool *ret_last, struct failure *f)
{
    struct walk *w = arg;
    struct held_sums_page *page = arena_alloc(arena, sizeof(*page));
    int end;

    pthread_mutex_lock(&w->days->lock);
    end = held_sums(w->days->held, w->all_rooms, &w->day, &w->room_id, arena, page, f);
    pthread_mutex_unlock(&w->days->lock);
    if (end != 0)
        return NULL;
    *ret_last = page->n == 0;
    return page;
}

/* Looks at the numbers of those in doubt. */
static int settle(struct walk *w, struct failure *f)
{
    struct days *d = w->days;
    struct held_day *held;
    int end;

    if (!w->n_doubts)
        return 0;
    arena_reset(&d->arena);
    pthread_mutex_lock(&d->lock);
    end = held_days(d->held, w->all_rooms, w->doubts, w->n_doubts, &d->arena, &held, f);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; end == 0 && i < w->n_doubts; i++)
        compare_day(w->computed[i], &held[i], d->report);
    d->totals->read += w->n_doubts;
    w->n_doubts = 0;
    return end;
}

static bool is_same(const struct bucket *computed, const struct held_sums *held)
{
    static const struct bucket empty;
    const struct bucket *c = computed ? computed : &empty;

    return held->known && held->reservations == c->reservations &&
           held->reserved_minutes == c->reserved_minutes &&
           held->starts == pg_hash_array(c->starts, QUARTERS) &&
           held->minutes == pg_hash_array(c->minutes, QUARTERS);
}

static int compare_sums(struct walk *w, const struct bucket *computed, const struct held_sums *held,
                        struct failure *f)
{
    if (is_same(computed, held))
        return 0;
    w->doubts[w->n_doubts] = held;
    w->computed[w->n_doubts++] = computed;
    return w->n_doubts == DOUBTS ? settle(w, f) : 0;
}

/* There is a day at w->at now, or there are no more. */
static int walk_on(struct walk *w, struct failure *f)
{
    const void *page;

    if (w->page && (w->at < w->page->n || w->page->n == 0))
        return 0;
    if (settle(w, f) != 0 || ahead_next(w->ahead, &page, f) != 0)
        return -1;
    w->page = page;
    w->at = 0;
    w->days->totals->days += w->all_rooms ? 0 : w->page->n;
    return 0;
}

/* Those up to `day`; `computed` is that day's, and those before it count nothing. */
static int compare_up_to(struct walk *w, int64_t day, struct buckets *computed, struct failure *f)
{
    for (;;) {
        const struct held_sums *held;
        struct bucket *k = NULL;

        if (walk_on(w, f) != 0)
            return -1;
        if (w->at == w->page->n || w->page->days[w->at].day > day)
            return settle(w, f);
        held = &w->page->days[w->at++];
        if (computed && held->day == day) {
            k = buckets_get(computed, held->room_id, day);
            k->asked = true;
        }
        if (compare_sums(w, k, held, f) != 0 || (!w->all_rooms && months_add(&w->days->months, held, f) != 0))
            return -1;
    }
}

static int compare_one_day(struct days *d, int64_t day, struct buckets *computed, struct failure *f)
{
    if (compare_up_to(&d->rooms, day, computed, f) != 0 || compare_up_to(&d->all, day, computed, f) != 0)
        return -1;
    for (const struct bucket *k = computed->list; k; k = k->next)
        if (!k->asked)
            compare_day(k, NULL, d->report);
    return 0;
}

static int compare_days(struct days *d, struct failure *f)
{
    struct arena arena = {.chunks = NULL};
    struct buckets computed = {.arena = &arena};
    int64_t day;
    int end = 0;

    while (end == 0 && usage_next(d->usage, &computed, &day)) {
        end = compare_one_day(d, day, &computed, f);
        buckets_reset(&computed);
        arena_reset(&arena);
    }
    if (end == 0)
        end = compare_up_to(&d->rooms, INT64_MAX, NULL, f);
    if (end == 0)
        end = compare_up_to(&d->all, INT64_MAX, NULL, f);
    if (end == 0)
        end = months_end(&d->months, f);
    buckets_fini(&computed);
    arena_fini(&arena);
    return end;
}

static int begin(struct days *d, struct failure *f)
{
    d->rooms = (struct walk){.days = d, .day = HELD_FIRST_DAY, .room_id = INT64_MIN};
    d->all = (struct walk){.days = d, .day = HELD_FIRST_DAY, .room_id = INT64_MIN, .all_rooms = true};
    if (ahead_start(read_sums, &d->rooms, &d->rooms.ahead, f) != 0)
        return -1;
    return ahead_start(read_sums, &d->all, &d->all.ahead, f);
}

int days_compare(struct held *held, struct usage *usage, struct report *report, struct days_totals *totals,
                 struct failure *f)
{
    struct days d = {.held = held, .usage = usage, .report = report, .totals = totals};
    int end;

    pthread_mutex_init(&d.lock, NULL);
    months_init(&d.months, held, &d.lock, report);
    end = begin(&d, f);
    if (end == 0)
        end = compare_days(&d, f);
    ahead_stop(d.rooms.ahead);
    ahead_stop(d.all.ahead);
    months_fini(&d.months);
    arena_fini(&d.arena);
    pthread_mutex_destroy(&d.lock);
    return end;
}
