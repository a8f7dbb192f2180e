#include "log_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KAFKA_MS 5000

static int replaced(struct log_found *ret, const char *fmt, ...) RR_PRINTF(2, 3);

static int replaced(struct log_found *ret, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret->why, sizeof(ret->why), fmt, ap);
    va_end(ap);
    ret->same = false;
    return 0;
}

static int kafka_failed(const struct rr_kafka *k, struct failure *f)
{
    return fail(f, FAIL_KAFKA, "%s", rr_kafka_error(k));
}

/* Reads the message before the position. */
static int check_last(struct rr_kafka *k, const struct generation *g, struct log_found *ret,
                      struct failure *f)
{
    const struct position *p = &g->position;
    struct rr_kafka_message m;

    if (rr_kafka_start(k, p->next_offset - 1) != RR_KAFKA_OK)
        return kafka_failed(k, f);
    switch (rr_kafka_next(k, KAFKA_MS, &m)) {
    case RR_KAFKA_OK: break;
    case RR_KAFKA_NONE:
        return fail(f, FAIL_KAFKA, "Kafka: the message at offset %lld did not come within %d ms",
                    (long long)p->next_offset - 1, KAFKA_MS);
    default: return kafka_failed(k, f);
    }
    if (m.offset != p->next_offset - 1)
        return replaced(ret, "it leaves out offset %lld, which was applied", (long long)p->next_offset - 1);
    if (m.fingerprint != g->fingerprint)
        return replaced(ret, "the message at offset %lld is not the one that was applied",
                        (long long)p->next_offset - 1);
    return 0;
}

/* Nothing was applied since the position was made, at the log's beginning or where a rebuild goes on from the
 * truth, or since it was set to the beginning of a replaced log. */
static int check_unread(struct rr_kafka *k, const struct position *p, struct log_found *ret,
                        struct failure *f)
{
    const bool made = p->as_of == 0 && p->next_offset >= ret->begin;
    const bool set = p->unproven && p->next_offset == ret->begin;

    if (!made && !set)
        return replaced(ret, "it begins at offset %lld, and nothing is known of what was before",
                        (long long)ret->begin);
    return rr_kafka_start(k, p->next_offset) == RR_KAFKA_OK ? 0 : kafka_failed(k, f);
}

int log_check(struct rr_kafka *k, const struct generation *g, struct log_found *ret, struct failure *f)
{
    const struct position *p = &g->position;
    const char *cluster_id = rr_kafka_cluster_id(k);
    int64_t end;

    *ret = (struct log_found){.same = true};
    if (rr_kafka_query_offsets(k, KAFKA_MS, &ret->begin, &end) != RR_KAFKA_OK)
        return kafka_failed(k, f);
    if (*g->cluster_id && cluster_id && strcmp(g->cluster_id, cluster_id) != 0)
        return replaced(ret, "the position counts in the Kafka cluster %s, this is %s", g->cluster_id,
                        cluster_id);
    if (p->next_offset > end)
        return replaced(ret, "it ends at offset %lld, before the position", (long long)end);
    if (!g->has_fingerprint)
        return check_unread(k, p, ret, f);
    if (p->next_offset <= ret->begin)
        return replaced(ret, "it begins at offset %lld: its retention has passed the position",
                        (long long)ret->begin);
    return check_last(k, g, ret, f);
}
