/* months: the sums by month that a generation keeps of each room, against the days that it holds, which are
 * told in their order. */
#pragma once

#include "held.h"
#include "report.h"

#include <pthread.h>

struct months {
    struct held *held;
    pthread_mutex_t *lock; /* whoever uses `held` */
    struct report *report;
    int64_t month; /* the first day of the month in hand */
    int64_t from;  /* the months before are done */
    struct map by_room;
    struct month_sum *sums;      /* of the month in hand */
    struct arena arena, of_held; /* of these; of what is read */
};

void months_init(struct months *m, struct held *held, pthread_mutex_t *lock, struct report *report);
void months_fini(struct months *m);
int months_add(struct months *m, const struct held_sums *day, struct failure *f) RR_MUST_CHECK;
int months_end(struct months *m, struct failure *f) RR_MUST_CHECK; /* there are no more days */
