#include "busy_fold.h"

#include <ctype.h>

enum { DAY_S = 86400, HOUR_S = 3600 };

void busy_add(struct busy *b, const struct busy_day *day, int lo, int hi)
{
    for (int q = lo; q < hi; q++) {
        int64_t second = (day->local[q] % DAY_S + DAY_S) % DAY_S,
                local_day = (day->local[q] - second) / DAY_S;
        /* 1970-01-01 was a Thursday. */
        struct busy_cell *c = &b->cell[((local_day + 3) % 7 + 7) % 7][second / HOUR_S];

        c->reservations += day->starts[q];
        c->minutes += day->minutes[q];
    }
}

static int64_t value(const struct busy_cell *c, bool by_minutes)
{
    return by_minutes ? c->minutes : c->reservations;
}

static int largest(const int64_t *sum, int n)
{
    int best = -1;

    for (int i = 0; i < n; i++)
        if (sum[i] > (best < 0 ? 0 : sum[best]))
            best = i;
    return best;
}

int busy_weekday(const struct busy *b, bool by_minutes)
{
    int64_t sum[BUSY_WEEKDAYS] = {0};
    int best;

    for (int w = 0; w < BUSY_WEEKDAYS; w++)
        for (int h = 0; h < BUSY_HOURS; h++)
            sum[w] += value(&b->cell[w][h], by_minutes);
    best = largest(sum, BUSY_WEEKDAYS);
    return best < 0 ? -1 : best + 1;
}

int busy_hour(const struct busy *b, bool by_minutes)
{
    int64_t sum[BUSY_HOURS] = {0};

    for (int w = 0; w < BUSY_WEEKDAYS; w++)
        for (int h = 0; h < BUSY_HOURS; h++)
            sum[h] += value(&b->cell[w][h], by_minutes);
    return largest(sum, BUSY_HOURS);
}

bool busy_parse_array(const char *text, int64_t *out, int n)
{
    const char *p = text;

    for (int i = 0; i < n; i++) {
        bool minus = p[0] && p[1] == '-';
        int64_t v = 0;

        if (*p != (i ? ',' : '{'))
            return false;
        p += 1 + minus;
        if (!isdigit((unsigned char)*p))
            return false;
        for (; isdigit((unsigned char)*p); p++)
            v = v * 10 + (*p - '0');
        out[i] = minus ? -v : v;
    }
    return p[0] == '}' && !p[1];
}
