/* health: what the projector's thread tells and /readyz answers. Thread-safe. */
#pragma once

#include "apply.h"
#include "http/http.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct health {
    pthread_mutex_t lock;
    char trouble[600]; /* why no batch can be applied; "": the last one was, or there is none */
    bool serving, unproven;
    int64_t as_of;
    uint32_t ready_lag_ms;
};

void health_init(struct health *h, uint32_t ready_lag_ms);
void health_trouble(struct health *h, const char *why);
/* A batch was applied, or the log has nothing more: whatever was wrong is over. */
void health_well(struct health *h, const struct position *p);

/* GET /readyz; the loop's app is the struct health. 200 when nothing is in the way of the next batch, the
 * generation serves, its log is proven and as_of is fresh. */
enum rr_step readyz(struct rr_req *r);
