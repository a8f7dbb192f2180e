#include "recount.h"
#include "held.h"

#include <string.h>

#define DAYS_AT_ONCE 4 /* of all rooms: 2000 of them have 10 MB */

struct recount {
    struct store *store;
    struct apply *apply;
    struct buckets *buckets;
    struct pgarray column[2];
    size_t counted;
};

/* No reservation is longer than 31 days. */
static const struct statement sql_use_read = {
    "recount_use_read",
    "SELECT DISTINCT v.id, v.room_id, v.starts_at, v.ends_at"
    " FROM unnest($1::bigint[], $2::date[]) AS k(room_id, day)"
    " JOIN reservation v ON v.room_id = k.room_id AND v.starts_at < (k.day + 1)::timestamp AT TIME ZONE 'UTC'"
    "  AND v.starts_at > (k.day - 32)::timestamp AT TIME ZONE 'UTC'"
    "  AND v.ends_at > k.day::timestamp AT TIME ZONE 'UTC' AND v.state = 'confirmed' AND NOT v.deleted"};
static const struct statement sql_rooms_delete = {
    "recount_rooms_delete", "DELETE FROM room_day d USING unnest($1::bigint[], $2::date[]) AS k(room_id, day)"
                            " WHERE d.day = k.day AND d.room_id = k.room_id"};
static const struct statement sql_total_delete = {"recount_total_delete",
                                                  "DELETE FROM total_day WHERE day = ANY ($1::date[])"};
static const struct statement sql_rooms_read = {
    "recount_rooms_read", "SELECT room_id, day, reservations, reserved_minutes, starts, minutes FROM room_day"
                          " WHERE day = ANY ($1::date[])"};
const struct statement *const recount_statements[] = {&sql_use_read, &sql_rooms_delete, &sql_total_delete,
                                                      &sql_rooms_read};
const size_t recount_n_statements = RR_LEN(recount_statements);

static bool is_asked(const struct bucket *k, bool all_rooms)
{
    return k->asked && (k->room_id == ALL_ROOMS) == all_rooms;
}

static void empty(struct bucket *k)
{
    k->stored = k->dirty = false;
    k->from = k->upto = 0;
    k->reservations = k->reserved_minutes = 0;
    memset(k->starts, 0, sizeof(k->starts));
    memset(k->minutes, 0, sizeof(k->minutes));
}

/* A row that was deleted is written as a new one. */
static int write_asked(struct recount *d, bool all_rooms, struct failure *f)
{
    struct batch b = {.buckets = {.list = d->buckets->list}};
    int end;

    for (struct bucket *k = d->buckets->list; k; k = k->next)
        k->dirty = is_asked(k, all_rooms);
    end = apply_rows(d->apply, &b, f);
    for (struct bucket *k = d->buckets->list; k; k = k->next)
        if (k->dirty) {
            d->counted += !all_rooms;
            k->asked = k->dirty = false;
        }
    return end;
}

/* Of the days asked for; what falls into other days by the way is not written. */
static void count_use(struct recount *d, const PGresult *res)
{
    for (struct bucket *k = d->buckets->list; k; k = k->next)
        if (is_asked(k, false))
            empty(k);
    for (int i = 0; i < PQntuples(res); i++) {
        const struct reservation r = {.room_id = store_int8(res, i, 1),
                                      .starts_at = store_time(res, i, 2),
                                      .ends_at = store_time(res, i, 3)};

        if (held_is_possible(&r))
            buckets_add(d->buckets, &r, 1);
    }
}

static int count_rooms(struct recount *d, struct failure *f)
{
    struct params p = {.n = 0};
    int number;

    pgarray_begin(&d->column[0], PG_INT8);
    pgarray_begin(&d->column[1], PG_DATE);
    for (const struct bucket *k = d->buckets->list; k; k = k->next)
        if (is_asked(k, false)) {
            pgarray_int8(&d->column[0], k->room_id);
            pgarray_date(&d->column[1], k->day);
        }
    if (d->column[0].n == 0)
        return 0;
    params_array(&p, &d->column[0]);
    params_array(&p, &d->column[1]);
    store_add(d->store, &sql_rooms_delete, &p);
    number = store_add(d->store, &sql_use_read, &p);
    if (store_trip(d->store, f) != 0)
        return -1;
    count_use(d, store_result(d->store, number));
    return write_asked(d, false, f);
}

/* Empties days that are asked for, some of them from *at on, and names them in column[0]; none: that was all.
 */
static void take_days(struct recount *d, struct bucket **at)
{
    pgarray_begin(&d->column[0], PG_DATE);
    for (; *at && d->column[0].n < DAYS_AT_ONCE; *at = (*at)->next)
        if (is_asked(*at, true)) {
            empty(*at);
            (*at)->upto = QUARTERS;
            pgarray_date(&d->column[0], (*at)->day);
        }
}

/* False if a room's day is damaged: then that is asked for. */
static bool sum_rooms(struct recount *d, const PGresult *res)
{
    int32_t starts[QUARTERS], minutes[QUARTERS];
    bool good = true;

    for (int i = 0; i < PQntuples(res); i++) {
        int64_t day = (int64_t)store_int4(res, i, 1) + PG_EPOCH_DAYS;
        struct bucket *k = buckets_get(d->buckets, ALL_ROOMS, day);

        if (!pgarray_read_int2(PQgetvalue(res, i, 4), (size_t)PQgetlength(res, i, 4), starts, QUARTERS) ||
            !pgarray_read_int2(PQgetvalue(res, i, 5), (size_t)PQgetlength(res, i, 5), minutes, QUARTERS)) {
            buckets_get(d->buckets, store_int8(res, i, 0), day)->asked = true;
            good = false;
            continue;
        }
        k->reservations += store_int4(res, i, 2);
        k->reserved_minutes += store_int4(res, i, 3);
        for (int q = 0; q < QUARTERS; q++) {
            k->starts[q] += starts[q];
            k->minutes[q] += minutes[q];
        }
    }
    return good;
}

static int sum_some(struct recount *d, bool *good, struct failure *f)
{
    struct params p = {.n = 0};
    int first, number;

    params_array(&p, &d->column[0]);
    first = store_add(d->store, &sql_total_delete, &p);
    number = store_add(d->store, &sql_rooms_read, &p);
    if (store_trip(d->store, f) != 0)
        return -1;
    *good &= sum_rooms(d, store_result(d->store, number));
    store_clear_from(d->store, first);
    return 0;
}

/* *ret_good false: days of rooms have to be counted first. */
static int count_all_rooms(struct recount *d, bool *ret_good, struct failure *f)
{
    struct bucket *at = d->buckets->list;

    *ret_good = true;
    for (take_days(d, &at); d->column[0].n > 0; take_days(d, &at))
        if (sum_some(d, ret_good, f) != 0)
            return -1;
    return *ret_good ? write_asked(d, true, f) : 0;
}

int recount_days(struct store *s, struct apply *a, struct buckets *b, size_t *counted, struct failure *f)
{
    struct recount d = {.store = s, .apply = a, .buckets = b};
    bool good = false;
    int end = 0;

    while (end == 0 && !good) {
        end = count_rooms(&d, f);
        if (end == 0)
            end = count_all_rooms(&d, &good, f);
    }
    *counted += d.counted;
    for (size_t i = 0; i < RR_LEN(d.column); i++)
        pgarray_fini(&d.column[i]);
    return end;
}
