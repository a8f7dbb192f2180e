#include "id_range.h"

#include <string.h>

const struct rr_uuid id_last = {
    .b = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

int id_compare(const struct rr_uuid *a, const struct rr_uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool id_range_next(struct id_range *range)
{
    size_t i = sizeof(range->from.b);

    if (id_compare(&range->upto, &id_last) == 0)
        return false;
    range->from = range->upto;
    while (++range->from.b[--i] == 0)
        ;
    return true;
}

size_t id_count_upto(const struct rr_uuid *ids, size_t step, size_t n, const struct rr_uuid *upto)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const void *id = (const char *)ids + mid * step;

        if (id_compare(id, upto) <= 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

size_t id_range_of_events(struct id_range *range, const struct event *events, size_t n, size_t limit)
{
    size_t whole = n;

    range->upto = id_last;
    if (n < limit)
        return n;
    while (whole > 0 && id_compare(&events[whole - 1].after.id, &events[n - 1].after.id) == 0)
        whole--;
    if (whole > 0)
        range->upto = events[whole - 1].after.id;
    return whole;
}

void id_range_of_rows(struct id_range *range, const struct rr_uuid *last, size_t n, size_t limit,
                      const struct event *events, size_t *n_events)
{
    if (n < limit)
        return;
    range->upto = *last;
    *n_events = id_count_upto(&events->after.id, sizeof(*events), *n_events, last);
}
