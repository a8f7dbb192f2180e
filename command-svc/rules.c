#include "rules.h"

#include "time.h"

#include <stdarg.h>
#include <stdio.h>

void rule_break(struct rule_breaks *b, const char *name, const char *fmt, ...)
{
    va_list ap;

    if (b->n == sizeof(b->items) / sizeof(b->items[0]))
        return;
    b->items[b->n].name = name;
    va_start(ap, fmt);
    vsnprintf(b->items[b->n].reason, sizeof(b->items[b->n].reason), fmt, ap);
    va_end(ap);
    b->n++;
}

const char *rules_check_minute(int64_t t)
{
    return t % RR_US_PER_MIN == 0 ? NULL : "has to be a whole minute";
}

void rules_check_times(const struct rules *rules, int64_t now, int64_t starts_at, int64_t ends_at,
                       bool start_is_new, struct rule_breaks *b)
{
    if (start_is_new && starts_at < now - rules->past_grace_s * RR_US_PER_SEC)
        rule_break(b, "starts_at", "is in the past");
    if (starts_at > now + rules->horizon_days * RR_US_PER_DAY)
        rule_break(b, "starts_at", "is more than %u days ahead", rules->horizon_days);
    if (ends_at <= starts_at)
        rule_break(b, "ends_at", "has to be after starts_at");
    else if (ends_at - starts_at > rules->max_days * RR_US_PER_DAY)
        rule_break(b, "ends_at", "is more than %u day%s after starts_at", rules->max_days,
                   rules->max_days == 1 ? "" : "s");
}
