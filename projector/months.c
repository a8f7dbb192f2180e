#include "months.h"
#include "compare.h"
#include "time.h"

#define NONE INT64_MIN

struct month_sum {
    struct month_sum *next;
    int64_t room_id, reservations, reserved_minutes;
    bool seen;
};

static int64_t first_of_month(int64_t day)
{
    unsigned month, of_month;
    int year;

    rr_civil_from_days(day, &year, &month, &of_month);
    return day - of_month + 1;
}

static void compare(struct months *m, struct held_month *held)
{
    struct month_sum *s = held->month == m->month
                              ? map_find(&m->by_room, (struct map_key){.a = (uint64_t)held->room_id})
                              : NULL;

    if (s) {
        s->seen = true;
        held->day_reservations = s->reservations;
        held->day_reserved_minutes = s->reserved_minutes;
    }
    if (held->reservations != held->day_reservations || held->reserved_minutes != held->day_reserved_minutes)
        compare_month(held, m->report);
}

/* The month in hand is complete, and whatever stands before `before` has to be there or in it. */
static int close_month(struct months *m, int64_t before, struct failure *f)
{
    struct held_months held;
    int end;

    arena_reset(&m->of_held);
    pthread_mutex_lock(m->lock);
    end = held_months(m->held, m->from, before, &m->of_held, &held, f);
    pthread_mutex_unlock(m->lock);
    if (end != 0)
        return -1;
    for (size_t i = 0; i < held.n; i++)
        compare(m, &held.months[i]);
    for (const struct month_sum *s = m->sums; s; s = s->next)
        if (!s->seen)
            compare(m, &(struct held_month){.room_id = s->room_id, .month = m->month});
    m->from = before;
    m->sums = NULL;
    map_reset(&m->by_room);
    arena_reset(&m->arena);
    return 0;
}

int months_add(struct months *m, const struct held_sums *day, struct failure *f)
{
    int64_t month = first_of_month(day->day);
    struct month_sum *s;
    void **at;

    if (month != m->month) {
        if (m->month != NONE && close_month(m, month, f) != 0)
            return -1;
        m->month = month;
    }
    at = map_at(&m->by_room, (struct map_key){.a = (uint64_t)day->room_id});
    if (!*at) {
        s = arena_alloc(&m->arena, sizeof(*s));
        *s = (struct month_sum){.next = m->sums, .room_id = day->room_id};
        m->sums = *at = s;
    }
    s = *at;
    s->reservations += day->reservations;
    s->reserved_minutes += day->reserved_minutes;
    return 0;
}

int months_end(struct months *m, struct failure *f)
{
    return close_month(m, HELD_LAST_DAY, f);
}

void months_init(struct months *m, struct held *held, pthread_mutex_t *lock, struct report *report)
{
    *m = (struct months){.held = held, .lock = lock, .report = report, .month = NONE, .from = HELD_FIRST_DAY};
}

void months_fini(struct months *m)
{
    map_fini(&m->by_room);
    arena_fini(&m->arena);
    arena_fini(&m->of_held);
}
