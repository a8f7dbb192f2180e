#include "store.h"

struct reading {
    struct conflicts *ret;
    int64_t starts_at, ends_at;
};

static bool take_row(void *arg)
{
    struct reading *rd = arg;

    rd->ret->items[rd->ret->n].starts_at = rd->starts_at;
    rd->ret->items[rd->ret->n].ends_at = rd->ends_at;
    rd->ret->n++;
    return rd->ret->n < RR_LEN(rd->ret->items);
}

/* The same window as the triggers': no booking is longer than 31 days, so none that starts earlier can reach
 * in. */
enum rr_db store_read_conflicts(struct rr_mysql *db, const struct reservation *wanted, struct conflicts *ret)
{
    const struct rr_sql_in in[] = {RR_IN_UINT(wanted->room_id), RR_IN_TIME(wanted->ends_at),
                                   RR_IN_TIME(wanted->starts_at), RR_IN_TIME(wanted->starts_at),
                                   RR_IN_BYTES(wanted->id.b, sizeof(wanted->id.b))};
    struct reading rd = {.ret = ret};
    const struct rr_sql_out out[] = {{.type = RR_SQL_TIME, .p = &rd.starts_at},
                                     {.type = RR_SQL_TIME, .p = &rd.ends_at}};

    ret->n = 0;
    return rr_mysql_each(db,
                         "SELECT starts_at, ends_at FROM reservation FORCE INDEX (by_room)"
                         " WHERE room_id = ? AND state = 'confirmed' AND starts_at < ?"
                         " AND starts_at > ? - INTERVAL 31 DAY AND ends_at > ? AND id <> ?"
                         " ORDER BY starts_at LIMIT 21",
                         in, RR_LEN(in), out, RR_LEN(out), take_row, &rd);
}
