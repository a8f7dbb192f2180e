/* run: the service. A thread of its own reads the topic from the generation's position on and applies it,
 * batch by batch.
 *
 * Whatever fails, everything that was opened is closed, and after a pause it begins again at the position in
 * PostgreSQL: the one place that knows how far the data goes. It never gives up and never skips: a message
 * that cannot be applied is parked with its reservation or room, while all others go on; too many of them
 * open the breaker, and it waits for an operator. What is parked for want of MySQL it applies itself when
 * MySQL is back. A projector that finds its position moved by another stands by until that one has stood
 * still for a while. */
#pragma once

#include "health.h"
#include "kafka.h"
#include "letters.h"
#include "mysql.h"
#include "store.h"

#include <stdint.h>

struct run_conf {
    struct store_conf store;
    struct rr_kafka_conf kafka;
    struct rr_mysql_conf mysql;
    struct breaker_conf breaker;
    uint32_t batch_events;
    int32_t generation; /* 0: the serving one, or the first. Else only that one, as long as it is its own:
                           then the thread ends */
};

struct run;

/* `conf` and `health` outlive it. Returns 0, or -errno. */
int run_start(const struct run_conf *conf, struct health *health, struct run **ret) RR_MUST_CHECK;
/* Finishes the batch in hand, joins the thread, frees. */
void run_stop(struct run *r);
