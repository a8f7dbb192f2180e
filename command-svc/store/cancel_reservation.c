#include "store.h"

enum rr_db store_cancel_reservation(struct rr_mysql *db, const struct rr_uuid *id)
{
    const struct rr_sql_in in[] = {RR_IN_BYTES(id->b, sizeof(id->b))};

    return rr_mysql_exec(db, "UPDATE reservation SET state = 'cancelled' WHERE id = ?", in, RR_LEN(in), NULL,
                         0);
}
