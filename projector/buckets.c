#include "buckets.h"
#include "macros.h"
#include "time.h"

#include <string.h>

#define MINUTES_PER_DAY     1440
#define MINUTES_PER_QUARTER 15

bool reservation_counts(const struct reservation *r)
{
    return r && r->state == STATE_CONFIRMED && !r->deleted;
}

bool reservation_same_use(const struct reservation *a, const struct reservation *b)
{
    if (!reservation_counts(a) || !reservation_counts(b))
        return reservation_counts(a) == reservation_counts(b);
    return a->room_id == b->room_id && a->starts_at == b->starts_at && a->ends_at == b->ends_at;
}

struct bucket *buckets_get(struct buckets *b, int64_t room_id, int64_t day)
{
    void **at = map_at(&b->map, (struct map_key){.a = (uint64_t)room_id, .b = (uint64_t)day});

    if (!*at) {
        struct bucket *k = arena_alloc(b->arena, sizeof(*k));

        memset(k, 0, sizeof(*k));
        k->room_id = room_id;
        k->day = day;
        k->next = b->list;
        b->list = k;
        *at = k;
    }
    return *at;
}

/* Minutes since 1970, rounded down, also before. */
static int64_t minute_of(int64_t us)
{
    return us / RR_US_PER_MIN - (us % RR_US_PER_MIN < 0);
}

static int64_t day_of(int64_t minute)
{
    return minute / MINUTES_PER_DAY - (minute % MINUTES_PER_DAY < 0);
}

bool bucket_is_unread(const struct bucket *k)
{
    return k->from < k->upto && (k->from < k->read_from || k->upto > k->read_upto);
}

/* from and to are minutes of this bucket's day. */
static void touch_day(struct bucket *k, int from, int to)
{
    uint8_t first = (uint8_t)(from / MINUTES_PER_QUARTER);
    uint8_t end = (uint8_t)((to + MINUTES_PER_QUARTER - 1) / MINUTES_PER_QUARTER);

    k->from = k->upto && k->from < first ? k->from : first;
    k->upto = k->upto > end ? k->upto : end;
}

static void add_to_day(struct bucket *k, int from, int to, bool starts_here, int sign)
{
    k->dirty = true;
    if (starts_here) {
        k->reservations += sign;
        k->starts[from / MINUTES_PER_QUARTER] += sign;
    }
    k->reserved_minutes += sign * (to - from);
    while (from < to) {
        int quarter = from / MINUTES_PER_QUARTER, end = (quarter + 1) * MINUTES_PER_QUARTER;

        end = end < to ? end : to;
        k->minutes[quarter] += sign * (end - from);
        from = end;
    }
}

void buckets_add_use(struct buckets *b, const struct use *u, int sign)
{
    struct bucket *both[] = {buckets_get(b, u->room_id, u->day), buckets_get(b, ALL_ROOMS, u->day)};

    for (size_t i = 0; i < RR_LEN(both); i++) {
        touch_day(both[i], u->from, u->to);
        if (sign)
            add_to_day(both[i], u->from, u->to, u->starts, sign);
    }
}

void reservation_uses(const struct reservation *r, void (*each)(void *arg, const struct use *u), void *arg)
{
    if (!reservation_counts(r))
        return;
    int64_t from = minute_of(r->starts_at), to = minute_of(r->ends_at);
    int64_t first = day_of(from), last = day_of(to - 1);

    for (int64_t day = first; day <= last; day++) {
        int64_t midnight = day * MINUTES_PER_DAY;
        struct use u = {.room_id = r->room_id, .day = (int32_t)day, .starts = day == first};

        u.from = day == first ? (uint16_t)(from - midnight) : 0;
        u.to = day == last ? (uint16_t)(to - midnight) : MINUTES_PER_DAY;
        each(arg, &u);
    }
}

struct adding {
    struct buckets *buckets;
    int sign; /* 0: only touches */
};

static void add_use(void *arg, const struct use *u)
{
    const struct adding *a = arg;

    buckets_add_use(a->buckets, u, a->sign);
}

void buckets_touch(struct buckets *b, const struct reservation *r)
{
    buckets_add(b, r, 0);
}

void buckets_add(struct buckets *b, const struct reservation *r, int sign)
{
    reservation_uses(r, add_use, &(struct adding){.buckets = b, .sign = sign});
}

void buckets_reset(struct buckets *b)
{
    map_reset(&b->map);
    b->list = NULL;
}

void buckets_fini(struct buckets *b)
{
    map_fini(&b->map);
}
