#include "ahead.h"
#include "mysql_snapshot.h"

#include <pthread.h>
#include <string.h>

#define SLOTS 2 /* one is read into while the other is compared */

struct slot {
    struct arena arena;
    struct ahead_range range;
    struct failure failure; /* FAIL_NONE: it was read */
};

struct ahead {
    struct truth *truth;
    struct held *live;
    size_t n_events;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the three below; a slot is the reader's or the thread's by the counts */
    pthread_cond_t changed;
    unsigned n_read, n_taken; /* the slot that was taken last is still in hand */
    bool stopping;
    struct slot slots[SLOTS];
};

/* Waits for an empty slot. NULL: it is over. */
static struct slot *next_empty(struct ahead *a)
{
    struct slot *s;

    pthread_mutex_lock(&a->lock);
    while (!a->stopping && a->n_read >= a->n_taken + SLOTS - (a->n_taken > 0))
        pthread_cond_wait(&a->changed, &a->lock);
    s = a->stopping ? NULL : &a->slots[a->n_read % SLOTS];
    pthread_mutex_unlock(&a->lock);
    return s;
}

static void give(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->n_read++;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static int read_range(struct ahead *a, const struct id_range *range, struct slot *s, struct failure *f)
{
    struct id_range other = *range;

    s->range.range = *range;
    arena_reset(&s->arena);
    if (truth_bound(a->truth, &s->range.range, a->n_events, f) != 0 ||
        held_bound(a->live, &other, a->n_events, f) != 0)
        return -1;
    if (memcmp(other.upto.b, s->range.range.upto.b, sizeof(other.upto.b)) < 0)
        s->range.range.upto = other.upto;
    s->range.last = memcmp(s->range.range.upto.b, range->upto.b, sizeof(range->upto.b)) == 0;
    return truth_range(a->truth, &s->range.range, &s->arena, &s->range.truth, f);
}

static void *read_thread(void *arg)
{
    struct ahead *a = arg;
    struct id_range range = {.first = true};
    struct slot *s;
    bool begun = rr_mysql_thread_begin(), ended = false;

    memset(range.upto.b, 0xff, sizeof(range.upto.b));
    while (!ended && (s = next_empty(a)) != NULL) {
        s->failure.kind = FAIL_NONE;
        if (begun)
            ended = read_range(a, &range, s, &s->failure) != 0 || s->range.last;
        else
            ended = fail(&s->failure, FAIL_MYSQL, "MySQL: out of memory") != 0;
        range.after = s->range.range.upto;
        range.first = false;
        give(a);
    }
    if (begun)
        rr_mysql_thread_end();
    return NULL;
}

int ahead_start(struct truth *truth, struct held *live, size_t n_events, struct ahead **ret,
                struct failure *f)
{
    struct ahead *a = calloc(1, sizeof(*a));

    if (!a)
        return fail(f, FAIL_MYSQL, "out of memory");
    a->truth = truth;
    a->live = live;
    a->n_events = n_events;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (pthread_create(&a->thread, NULL, read_thread, a) != 0) {
        free(a);
        return fail(f, FAIL_MYSQL, "no thread can be started");
    }
    *ret = a;
    return 0;
}

int ahead_next(struct ahead *a, struct ahead_range *ret, struct failure *f)
{
    const struct slot *s;

    pthread_mutex_lock(&a->lock);
    s = &a->slots[a->n_taken++ % SLOTS]; /* so the one before is given back */
    pthread_cond_broadcast(&a->changed);
    while (a->n_read < a->n_taken)
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
    if (s->failure.kind != FAIL_NONE) {
        *f = s->failure;
        return -1;
    }
    *ret = s->range;
    return 0;
}

void ahead_stop(struct ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    for (size_t i = 0; i < SLOTS; i++)
        arena_fini(&a->slots[i].arena);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
