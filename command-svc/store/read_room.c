#include "columns.h"

enum rr_db store_read_room(struct rr_mysql *db, uint64_t id, struct room *ret)
{
    const struct rr_sql_in in[] = {RR_IN_UINT(id)};
    const struct rr_sql_out out[] = {ROOM_OUT(ret)};

    return rr_mysql_exec(db, "SELECT " ROOM_COLUMNS " FROM room WHERE id = ?", in, RR_LEN(in), out,
                         RR_LEN(out));
}
