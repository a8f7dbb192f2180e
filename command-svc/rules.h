/* The rules about the times of a reservation. Pure; the clock and the settings are arguments.
 *
 * They are asked inside the transaction, after the idempotency key has been looked up: a repeat gets the
 * first answer also when, meanwhile, the start has passed or the settings have become stricter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rules {
    uint32_t max_days; /* 1..31: the database's own bound cannot be raised */
    uint32_t horizon_days, past_grace_s;
};

/* Broken rules, for invalid_params. */
struct rule_breaks {
    size_t n;
    struct {
        const char *name;
        char reason[80];
    } items[8];
};

void rule_break(struct rule_breaks *b, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* `start_is_new`: the start is asked for, not only kept. A meeting that runs can still be extended. */
void rules_check_times(const struct rules *rules, int64_t now, int64_t starts_at, int64_t ends_at,
                       bool start_is_new, struct rule_breaks *b);
/* NULL, or why `t` cannot be the start or end of a reservation. */
const char *rules_check_minute(int64_t t);
