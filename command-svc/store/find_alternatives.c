#include "store.h"

#include <stdio.h>

struct reading {
    struct alternatives *ret;
    uint64_t id;
    char name[NAME_SIZE];
};

static bool take_row(void *arg)
{
    struct reading *rd = arg;
    struct alternatives *ret = rd->ret;

    ret->rooms[ret->n].id = rd->id;
    snprintf(ret->rooms[ret->n].name, sizeof(ret->rooms[0].name), "%s", rd->name);
    ret->n++;
    return ret->n < ALTERNATIVES_MAX;
}

/* Reservations of a room do not overlap: if the last one that starts before the end of the wanted time has
 * ended by its start, so have all before it. One row a room is read, whatever the room holds. */
enum rr_db store_find_alternatives(struct rr_mysql *db, const struct reservation *wanted,
                                   struct alternatives *ret)
{
    const struct rr_sql_in in[] = {
        RR_IN_UINT(wanted->room_id), RR_IN_UINT(wanted->room_id), RR_IN_TIME(wanted->ends_at),
        RR_IN_BYTES(wanted->id.b, sizeof(wanted->id.b)), RR_IN_TIME(wanted->starts_at)};
    struct reading rd = {.ret = ret};
    const struct rr_sql_out out[] = {{.type = RR_SQL_UINT, .p = &rd.id},
                                     {.type = RR_SQL_TEXT, .p = rd.name, .cap = sizeof(rd.name)}};

    ret->n = 0;
    return rr_mysql_each(db,
                         "SELECT id, name FROM (SELECT id, name, capacity FROM room FORCE INDEX (by_capacity)"
                         " WHERE active = 1 AND capacity >= (SELECT capacity FROM room WHERE id = ?)"
                         " AND id <> ? ORDER BY capacity, id LIMIT 64) o"
                         " WHERE COALESCE((SELECT ends_at FROM reservation r FORCE INDEX (by_room)"
                         " WHERE r.room_id = o.id AND r.state = 'confirmed' AND r.starts_at < ? AND r.id <> ?"
                         " ORDER BY r.starts_at DESC LIMIT 1) <= ?, TRUE)"
                         " ORDER BY capacity, id LIMIT 5",
                         in, RR_LEN(in), out, RR_LEN(out), take_row, &rd);
}
