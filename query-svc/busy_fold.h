/* busy_fold: adds UTC quarter-hours up into local weekdays and hours. Pure; thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BUSY_WEEKDAYS = 7, BUSY_HOURS = 24, BUSY_QUARTERS = 96 };

struct busy_cell {
    int64_t reservations, minutes;
};

struct busy {
    struct busy_cell cell[BUSY_WEEKDAYS][BUSY_HOURS]; /* weekday 0 is Monday */
};

/* One UTC day by quarter-hours: what starts, how many minutes are occupied, and the local time at its begin,
 * in seconds since 1970 as if local time were UTC. */
struct busy_day {
    int64_t starts[BUSY_QUARTERS], minutes[BUSY_QUARTERS], local[BUSY_QUARTERS];
};

/* The quarter-hours lo to hi-1 of the day. */
void busy_add(struct busy *b, const struct busy_day *day, int lo, int hi);

/* The weekday (1 to 7) and the hour (0 to 23) with the largest sums, the earliest on ties; -1 when all is
 * empty. */
int busy_weekday(const struct busy *b, bool by_minutes);
int busy_hour(const struct busy *b, bool by_minutes);

/* PostgreSQL's text of an array of `n` whole numbers: {1,2,3}. False if it is not that. */
bool busy_parse_array(const char *text, int64_t *out, int n);
