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

void range_cut(const struct range *range, struct range_cut *ret)
{
    int64_t from_day = day_of(range->from), to_day = day_of(range->to);
    int lo = (int)(time_of_day(range->from) / QUARTER_US), hi = (int)(time_of_day(range->to) / QUARTER_US);

    *ret = (struct range_cut){
        .head.day = from_day, .tail.day = to_day, .first = from_day + (lo > 0), .end = to_day};
    if (from_day == to_day) {
        ret->head = (struct range_edge){from_day, lo, hi};
        ret->first = ret->end;
        return;
    }
    if (lo > 0)
        ret->head = (struct range_edge){from_day, lo, QUARTERS};
    ret->tail.hi = hi;
}
