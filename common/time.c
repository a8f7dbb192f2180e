#include "time.h"

#include <string.h>
#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * RR_US_PER_SEC + ts.tv_nsec / 1000;
}

int64_t rr_time_now(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t rr_time_monotonic(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t rr_days_from_civil(int y, unsigned m, unsigned d)
{
    int64_t year = (int64_t)y - (m <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

void rr_civil_from_days(int64_t days, int *y, unsigned *m, unsigned *d)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

/* ---- reading ---- */

struct parts {
    int year, month, day, hour, minute, second, micro;
    int offset_sign, offset_hour, offset_minute;
};

struct scan {
    const char *at, *end;
};

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_digits(struct scan *s, int n, int *ret)
{
    int v = 0;

    if (s->end - s->at < n)
        return false;
    for (; n > 0; n--, s->at++) {
        if (*s->at < '0' || *s->at > '9')
            return false;
        v = v * 10 + (*s->at - '0');
    }
    *ret = v;
    return true;
}

/* One digit or more; those after the sixth are cut. */
static bool scan_fraction(struct scan *s, int *ret_micro)
{
    int micro = 0, scale = 100000;
    const char *start = s->at;

    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, scale /= 10)
        micro += (*s->at - '0') * scale;
    *ret_micro = micro;
    return s->at > start;
}

static bool scan_offset(struct scan *s, struct parts *p)
{
    if (scan_char(s, 'Z') || scan_char(s, 'z'))
        return true;
    if (scan_char(s, '+'))
        p->offset_sign = 1;
    else if (scan_char(s, '-'))
        p->offset_sign = -1;
    else
        return false;
    return scan_digits(s, 2, &p->offset_hour) && scan_char(s, ':') && scan_digits(s, 2, &p->offset_minute);
}

static const char *const no_shape = "has to be a time with an offset, such as 2026-12-01T10:00:00Z";
static const char *const no_offset = "has no offset from UTC; add Z or one such as +09:00";

/* NULL, or what the text lacks to be a time in shape. */
static const char *scan_time(const char *text, size_t len, struct parts *p)
{
    struct scan s = {text, text + len};

    if (!scan_digits(&s, 4, &p->year) || !scan_char(&s, '-') || !scan_digits(&s, 2, &p->month) ||
        !scan_char(&s, '-') || !scan_digits(&s, 2, &p->day))
        return no_shape;
    if (!scan_char(&s, 'T') && !scan_char(&s, 't'))
        return no_shape;
    if (!scan_digits(&s, 2, &p->hour) || !scan_char(&s, ':') || !scan_digits(&s, 2, &p->minute))
        return no_shape;
    if (scan_char(&s, ':') &&
        (!scan_digits(&s, 2, &p->second) || (scan_char(&s, '.') && !scan_fraction(&s, &p->micro))))
        return no_shape;
    if (s.at == s.end)
        return no_offset;
    return scan_offset(&s, p) && s.at == s.end ? NULL : no_shape;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

static const char *check_parts(const struct parts *p)
{
    if (p->year < 1)
        return "has a year before 0001";
    if (p->month < 1 || p->month > 12)
        return "has a month that does not exist";
    if (p->day < 1 || p->day > days_in_month(p->year, p->month))
        return "has a day that its month does not have";
    if (p->hour == 24)
        return "has hour 24; write 00 of the next day";
    if (p->hour > 23 || p->minute > 59)
        return "has an hour or minute that does not exist";
    if (p->second == 60)
        return "has second 60; leap seconds are not taken";
    if (p->second > 59)
        return "has a second that does not exist";
    if (p->offset_hour > 23 || p->offset_minute > 59)
        return "has an offset beyond 23:59";
    return NULL;
}

static int64_t minutes_of(int64_t hours, int64_t minutes)
{
    return hours * 60 + minutes;
}

const char *rr_time_parse(const char *text, size_t len, int64_t *ret_us)
{
    struct parts p = {0};
    const char *wrong = scan_time(text, len, &p);
    int64_t minutes;

    if (!wrong)
        wrong = check_parts(&p);
    if (wrong)
        return wrong;
    minutes = rr_days_from_civil(p.year, (unsigned)p.month, (unsigned)p.day) * 1440;
    minutes += minutes_of(p.hour, p.minute) - p.offset_sign * minutes_of(p.offset_hour, p.offset_minute);
    if (minutes < rr_days_from_civil(1, 1, 1) * 1440 || minutes >= rr_days_from_civil(10000, 1, 1) * 1440)
        return "is outside the years 0001 to 9999 in UTC";
    *ret_us = minutes * RR_US_PER_MIN + p.second * RR_US_PER_SEC + p.micro;
    return NULL;
}

bool rr_time_well_formed(const char *text, size_t len)
{
    struct parts p = {0};

    return scan_time(text, len, &p) == NULL;
}

/* ---- writing ---- */

static char *put_digits(char *out, unsigned v, int n)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        out[i] = (char)('0' + v % 10);
    return out + n;
}

static char *put_pair(char *out, char before, unsigned v)
{
    *out++ = before;
    return put_digits(out, v, 2);
}

char *rr_time_format(int64_t us, char out[RR_TIME_TEXT])
{
    int64_t days = us / RR_US_PER_DAY, rest = us % RR_US_PER_DAY;
    unsigned month, day, seconds, micro;
    int year;
    char *p = out;

    if (rest < 0) {
        days--;
        rest += RR_US_PER_DAY;
    }
    rr_civil_from_days(days, &year, &month, &day);
    seconds = (unsigned)(rest / RR_US_PER_SEC);
    micro = (unsigned)(rest % RR_US_PER_SEC);
    p = put_digits(p, (unsigned)year, 4);
    p = put_pair(p, '-', month);
    p = put_pair(p, '-', day);
    p = put_pair(p, 'T', seconds / 3600);
    p = put_pair(p, ':', seconds / 60 % 60);
    p = put_pair(p, ':', seconds % 60);
    if (micro) {
        *p++ = '.';
        p = put_digits(p, micro, 6);
    }
    *p++ = 'Z';
    *p = '\0';
    return out;
}
