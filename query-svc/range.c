#include "range.h"

#include "time.h"

enum { YEARS_MAX = 10 };

static int64_t day_of(int64_t us)
{
    return us >= 0 ? us / RR_US_PER_DAY : -((-us + RR_US_PER_DAY - 1) / RR_US_PER_DAY);
}

static int64_t time_of_day(int64_t us)
{
    return us - day_of(us) * RR_US_PER_DAY;
}

/* The same date and time of day that many years later; 29 February becomes 1 March. */
static int64_t add_years(int64_t us, int years)
{
    unsigned m, d;
    int y;

    rr_civil_from_days(day_of(us), &y, &m, &d);
    return rr_days_from_civil(y + years, m, d) * RR_US_PER_DAY + time_of_day(us);
}

static bool on_quarter(struct rr_req *r, const char *name, int64_t us)
{
    if (time_of_day(us) % QUARTER_US == 0)
        return true;
    rr_problem_param(r, name, "has to be on a quarter-hour");
    return false;
}

enum rr_err range_take(struct rr_req *r, const struct rr_value *from, const struct rr_value *to,
                       struct range *ret)
{
    *ret = (struct range){from->time, to->time};
    if (from->time >= to->time)
        rr_problem_param(r, "to", "has to be after from");
    else if (to->time > add_years(from->time, YEARS_MAX))
        rr_problem_param(r, "to", "has to be at most %d years after from", YEARS_MAX);
    else
        return RR_OK;
    return RR_RULE_BROKEN;
}

enum rr_err range_take_quarters(struct rr_req *r, const struct rr_value *from, const struct rr_value *to,
                                struct range *ret)
{
    bool good = on_quarter(r, "from", from->time);
    enum rr_err err;

    good &= on_quarter(r, "to", to->time);
    err = range_take(r, from, to, ret);
    return good ? err : RR_RULE_BROKEN;
}

static int64_t month_of(int64_t day, int months_later)
{
    unsigned m, d;
    int y;

    rr_civil_from_days(day, &y, &m, &d);
    m += (unsigned)months_later;
    return rr_days_from_civil(y + (m > 12), m > 12 ? 1 : m, 1);
}

/* The whole months among the whole days [first, end), and what is left before and after them. */
static void cut_months(struct range_cut *cut, int64_t first, int64_t end)
{
    int64_t first_month = month_of(first, 0), end_month = month_of(end, 0);

    if (first_month < first)
        first_month = month_of(first, 1);
    if (first_month >= end_month)
        first_month = end_month = end;
    cut->before = (struct range_days){first, first_month};
    cut->months = (struct range_days){first_month, end_month};
    cut->after = (struct range_days){end_month, end};
}

void range_cut(const struct range *range, struct range_cut *ret)
{
    int64_t from_day = day_of(range->from), to_day = day_of(range->to);
    int lo = (int)(time_of_day(range->from) / QUARTER_US), hi = (int)(time_of_day(range->to) / QUARTER_US);

    *ret = (struct range_cut){.head.day = from_day, .tail.day = to_day};
    if (from_day == to_day) {
        ret->head = (struct range_edge){from_day, lo, hi};
        cut_months(ret, to_day, to_day);
        return;
    }
    if (lo > 0)
        ret->head = (struct range_edge){from_day, lo, QUARTERS};
    ret->tail.hi = hi;
    cut_months(ret, from_day + (lo > 0), to_day);
}
