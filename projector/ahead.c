#include "ahead.h"
#include "mysql_snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS         32
#define WAITING_BYTES ((size_t)24 << 20)

struct slot {
    struct arena arena;
    const void *page; /* NULL: it could not be read */
    size_t bytes;
    struct failure failure;
};

struct ahead {
    ahead_read *read;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the four below; a slot is the reader's or the thread's by the counts */
    pthread_cond_t changed;
    unsigned n_read, n_taken; /* the slot that was taken last is still in hand */
    size_t waiting;           /* bytes of those read and not taken */
    bool stopping;
    struct slot slots[SLOTS];
};

/* Waits for an empty slot. NULL: it is over. */
static struct slot *next_empty(struct ahead *a)
{
    struct slot *s;

    pthread_mutex_lock(&a->lock);
    while (!a->stopping && (a->n_read - a->n_taken == SLOTS - 1 || a->waiting >= WAITING_BYTES))
        pthread_cond_wait(&a->changed, &a->lock);
    s = a->stopping ? NULL : &a->slots[a->n_read % SLOTS];
    pthread_mutex_unlock(&a->lock);
    return s;
}

static void give(struct ahead *a, struct slot *s)
{
    s->bytes = arena_bytes(&s->arena);
    pthread_mutex_lock(&a->lock);
    a->n_read++;
    a->waiting += s->bytes;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void *read_thread(void *arg)
{
    struct ahead *a = arg;
    struct slot *s;
    bool begun = rr_mysql_thread_begin(), last = false; /* MySQL's client wants to know its threads */

    while (!last && (s = next_empty(a)) != NULL) {
        s->page = NULL;
        if (begun)
            s->page = a->read(a->arg, &s->arena, &last, &s->failure);
        else
            fail(&s->failure, FAIL_MYSQL, "MySQL: out of memory");
        last |= !s->page;
        give(a, s);
    }
    if (begun)
        rr_mysql_thread_end();
    return NULL;
}

int ahead_start(ahead_read *read, void *arg, struct ahead **ret, struct failure *f)
{
    struct ahead *a = calloc(1, sizeof(*a));

    if (!a)
        return fail(f, FAIL_NONE, "out of memory");
    a->read = read;
    a->arg = arg;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (pthread_create(&a->thread, NULL, read_thread, a) != 0) {
        free(a);
        return fail(f, FAIL_NONE, "no thread can be started");
    }
    *ret = a;
    return 0;
}

int ahead_next(struct ahead *a, const void **ret_page, struct failure *f)
{
    const struct slot *s;

    if (a->n_taken > 0) /* this thread's alone, and in hand until now */
        arena_reset(&a->slots[(a->n_taken - 1) % SLOTS].arena);
    pthread_mutex_lock(&a->lock);
    s = &a->slots[a->n_taken % SLOTS];
    while (a->n_read == a->n_taken)
        pthread_cond_wait(&a->changed, &a->lock);
    a->n_taken++; /* so the one before is given back */
    a->waiting -= s->bytes;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (!s->page) {
        *f = s->failure;
        return -1;
    }
    *ret_page = s->page;
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
