#include "sample.h"

#include "time.h"

#include <stdlib.h>

void sample_begin(struct sample *s, unsigned warm_up_s, unsigned seconds)
{
    *s = (struct sample){.from = rr_time_monotonic() + warm_up_s * RR_US_PER_SEC};
    s->until = s->from + seconds * RR_US_PER_SEC;
}

void sample_add(struct sample *s, int64_t began, int64_t ended, int ok)
{
    if (ended < s->from || ended >= s->until)
        return;
    if (!ok) {
        s->failed++;
        return;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 65536;
        uint32_t *us = realloc(s->us, cap * sizeof(*us));

        if (!us) {
            fprintf(stderr, "out of memory\n");
            exit(1);
        }
        s->us = us;
        s->cap = cap;
    }
    s->us[s->n++] = (uint32_t)(ended - began);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Nearest rank, in milliseconds. */
static double percentile(const struct sample *s, unsigned percent)
{
    size_t rank = (s->n * percent + 99) / 100;

    return s->n ? s->us[rank ? rank - 1 : 0] / 1e3 : 0;
}

void sample_end(struct sample *s, const char *what, FILE *out)
{
    double seconds = (double)(s->until - s->from) / (double)RR_US_PER_SEC;

    if (s->n)
        qsort(s->us, s->n, sizeof(s->us[0]), by_value);
    fprintf(out,
            "{\"%s\": %zu, \"failed\": %llu, \"per_second\": %.1f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, "
            "\"p99_ms\": %.3f}\n",
            what, s->n, (unsigned long long)s->failed, (double)s->n / seconds, percentile(s, 50),
            percentile(s, 90), percentile(s, 99));
    free(s->us);
    *s = (struct sample){0};
}
