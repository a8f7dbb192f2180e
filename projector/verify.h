/* verify: does a generation equal the truth? Right while writes go on.
 *
 *   S  a consistent snapshot of MySQL; inside it each reservation has to equal its last journal row
 *   …  until a change that S does not see has been applied: the log is in commit order, so all of S has been
 *   P  a snapshot of the generation, which therefore contains S
 *
 * P has to hold what S holds. What P holds beyond S is compared with the truth read once more; a room, which
 * has no journal, until both are met at one version. Events that are parked or were skipped are no
 * difference. Buckets are computed again from P's own reservations. */
#pragma once

#include "days.h"
#include "failure.h"
#include "kafka.h"
#include "mysql.h"
#include "report.h"
#include "store.h"

#include <stdatomic.h>

struct verify_conf {
    const struct store_conf *store;
    const struct rr_kafka_conf *kafka;
    const struct rr_mysql_conf *mysql;
    const atomic_bool *stopping;                /* NULL, or: true means give up */
    void (*progress)(void *arg, size_t events); /* NULL, or told how many have been compared */
    void *progress_arg;
};

struct verify_totals {
    size_t reservations, events, rooms;
    struct days_totals days;
    size_t parked, skipped; /* events that are not held, and need not be */
    int64_t truth_at;       /* MySQL's clock when S was opened */
};

/* 0, or -1 when it is time to give up. */
int verify_goes_on(const struct verify_conf *conf, struct failure *f) RR_MUST_CHECK;
/* Returns 0 with the differences in *report (initialised by the caller), or -1 if it could not tell. */
int verify(const struct verify_conf *conf, int32_t generation, struct report *report,
           struct verify_totals *totals, struct failure *f) RR_MUST_CHECK;
