#include "store.h"

struct reading {
    struct locked_rooms *ret;
    struct locked_room room;
};

static bool take_row(void *arg)
{
    struct reading *rd = arg;

    rd->ret->rooms[rd->ret->n++] = rd->room;
    return rd->ret->n < RR_LEN(rd->ret->rooms);
}

enum rr_db store_lock_rooms(struct rr_mysql *db, uint64_t a, uint64_t b, struct locked_rooms *ret)
{
    const struct rr_sql_in in[] = {RR_IN_UINT(a), RR_IN_UINT(b)};
    struct reading rd = {.ret = ret};
    const struct rr_sql_out out[] = {{.type = RR_SQL_UINT, .p = &rd.room.id},
                                     {.type = RR_SQL_UINT, .p = &rd.room.active}};
    enum rr_db end;

    ret->n = 0;
    end = rr_mysql_each(db, "SELECT id, active FROM room WHERE id IN (?, ?) ORDER BY id FOR UPDATE", in,
                        RR_LEN(in), out, RR_LEN(out), take_row, &rd);
    return end == RR_DB_NONE ? RR_DB_ONE : end;
}
