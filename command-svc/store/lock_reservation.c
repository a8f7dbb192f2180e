#include "columns.h"

enum rr_db store_lock_reservation(struct rr_mysql *db, const struct rr_uuid *id, struct reservation *ret)
{
    const struct rr_sql_in in[] = {RR_IN_BYTES(id->b, sizeof(id->b))};
    const struct rr_sql_out out[] = {RESERVATION_OUT(ret)};

    return rr_mysql_exec(db, "SELECT " RESERVATION_COLUMNS " FROM reservation WHERE id = ? FOR UPDATE", in,
                         RR_LEN(in), out, RR_LEN(out));
}
