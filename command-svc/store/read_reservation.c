#include "columns.h"

enum rr_db store_read_reservation(struct rr_mysql *db, const struct rr_uuid *id, struct reservation *ret)
{
    const struct rr_sql_in in[] = {RR_IN_BYTES(id->b, sizeof(id->b))};
    const struct rr_sql_out out[] = {RESERVATION_OUT(ret)};

    return rr_mysql_exec(db, "SELECT " RESERVATION_COLUMNS " FROM reservation WHERE id = ?", in, RR_LEN(in),
                         out, RR_LEN(out));
}

enum rr_db store_read_reservation_room(struct rr_mysql *db, const struct rr_uuid *id, uint64_t *ret_room_id)
{
    const struct rr_sql_in in[] = {RR_IN_BYTES(id->b, sizeof(id->b))};
    const struct rr_sql_out out[] = {{.type = RR_SQL_UINT, .p = ret_room_id}};

    return rr_mysql_exec(db, "SELECT room_id FROM reservation WHERE id = ?", in, RR_LEN(in), out,
                         RR_LEN(out));
}
