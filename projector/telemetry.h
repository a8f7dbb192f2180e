/* telemetry: the projector's metrics, made at start and counted by its thread. */
#pragma once

#include "apply.h"
#include "batch.h"
#include "failure.h"
#include "metrics.h"

struct telemetry {
    struct rr_counter *events[EVENT_KINDS];
    struct rr_counter *rooms, *pulses, *batches, *repeated, *impossible, *logs_replaced, *days_mended;
    struct rr_counter *errors[FAIL_KINDS];
    struct rr_histogram *batch_events, *batch_seconds, *freshness;
    struct rr_gauge *as_of, *lag_seconds, *lag_events, *parked, *breaker_open, *unproven, *rewound;
    struct rr_counter *letters[LETTER_KINDS];
};

void telemetry_init(struct telemetry *t);
/* A batch has been committed, `us` after its last message was taken. */
void telemetry_applied(struct telemetry *t, const struct batch *b, int64_t us);
void telemetry_ignored(const char *reason);
void telemetry_parked(struct telemetry *t, int32_t parked, const char *halted); /* "": not */
/* Often, also while nothing can be applied, for `now` goes on. as_of 0, `end_offset` -1: not known. */
void telemetry_lag(struct telemetry *t, const struct position *p, int64_t end_offset);
