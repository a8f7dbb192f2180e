/* intake: where a message of the topic goes: into the batch as a change, or as a letter that is parked.
 *
 * A message that cannot be read is parked under the reservation or room that its key names, and so is every
 * later one of that reservation or room; all others go on. What only shows when a message is applied (a value
 * that PostgreSQL refuses, a missing version) comes back as a verdict on its offset, and the message is then
 * taken from the topic once more. What would be parked, and was skipped at that place before, is ignored.
 * Pure: no I/O. */
#pragma once

#include "batch.h"
#include "kafka.h"
#include "parked.h"
#include "skipped.h"

struct verdict {
    int64_t offset;
    enum letter_kind kind;
    char reason[600];
};

struct intake {
    struct parked parked;
    struct skipped skipped;
    struct verdict *verdicts;
    size_t n_verdicts, cap_verdicts;
};

void intake_fini(struct intake *in);
void intake_verdict(struct intake *in, int64_t offset, enum letter_kind kind, const char *reason);
void intake_forget(struct intake *in, int64_t next_offset); /* verdicts that the position has passed */
bool intake_has_verdict(const struct intake *in, int64_t offset);

/* Puts `m` into the batch, one way or the other. *ret_ignored: not NULL if it is ignored by rule (a constant,
 * for the metric), *ret_alarm then: it cannot come from a healthy truth. */
void intake(struct intake *in, const struct rr_kafka_message *m, struct batch *b, const char **ret_ignored,
            bool *ret_alarm);
