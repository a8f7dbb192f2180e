/* rr_time: instants as microseconds since 1970-01-01T00:00:00Z (int64_t), proleptic Gregorian, no leap
 * seconds. Range: years 1 to 9999, what RFC 3339 can write. Thread-safe, no locale, no TZ. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first and the last instant, in what RFC 3339 and PostgreSQL's timestamptz can both hold. */
#define RR_TIME_MIN    INT64_C(-62135596800000000)
#define RR_TIME_MAX    INT64_C(253402300799999999)

#define RR_TIME_TEXT   32 /* bytes for any rr_time_format() result, NUL included */
#define RR_US_PER_SEC  INT64_C(1000000)
#define RR_US_PER_MIN  (60 * RR_US_PER_SEC)
#define RR_US_PER_HOUR (60 * RR_US_PER_MIN)
#define RR_US_PER_DAY  (24 * RR_US_PER_HOUR)

int64_t rr_time_now(void);       /* CLOCK_REALTIME */
int64_t rr_time_monotonic(void); /* CLOCK_MONOTONIC, in microseconds; for deadlines */

/* RFC 3339 section 5.6 with an offset: 2026-12-01T10:00Z style without seconds is taken too (ISO 8601),
 * fractions are cut after microseconds. Second 60 and hour 24 are refused: a booking cannot start in either.
 * Returns NULL and sets *ret_us, or the reason in words for an invalid_params entry. */
const char *rr_time_parse(const char *text, size_t len, int64_t *ret_us);
/* Whether the text has the shape of such a time, be there such an instant or not: 2026-02-30T24:00Z has. */
bool rr_time_well_formed(const char *text, size_t len);

/* "2026-12-01T10:00:00Z", with the fraction (".123456") only if it is not zero. Returns `out`. */
char *rr_time_format(int64_t us, char out[RR_TIME_TEXT]);

/* Days since 1970-01-01 to a civil date and back (Howard Hinnant's algorithms). */
int64_t rr_days_from_civil(int y, unsigned m, unsigned d);
void rr_civil_from_days(int64_t days, int *y, unsigned *m, unsigned *d);
