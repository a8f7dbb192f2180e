#include "unit.h"

#include "threads.h"
#include "uuid.h"

#include <stdlib.h>
#include <string.h>

enum { EACH = 5000 };

static struct rr_uuid ids[THREADS][EACH];

static void *make_ids(void *arg)
{
    for (int i = 0; i < EACH; i++)
        ids[(intptr_t)arg][i] = rr_uuid_v7();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rr_uuid));
}

static void no_two_threads_make_the_same_id(void **state)
{
    struct rr_uuid *all = &ids[0][0];

    (void)state;
    in_threads(make_ids);
    qsort(all, THREADS * EACH, sizeof(*all), compare);
    for (int i = 1; i < THREADS * EACH; i++)
        if (compare(&all[i - 1], &all[i]) == 0)
            fail_msg("id %d comes twice", i);
}

UNIT_MAIN(cmocka_unit_test(no_two_threads_make_the_same_id))
