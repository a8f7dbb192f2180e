#include "store.h"

enum rr_db store_update_reservation(struct rr_mysql *db, const struct reservation *changed)
{
    const char *title = changed->no_title ? NULL : changed->title;
    const struct rr_sql_in in[] = {RR_IN_UINT(changed->room_id), RR_IN_TEXT(title),
                                   RR_IN_TIME(changed->starts_at), RR_IN_TIME(changed->ends_at),
                                   RR_IN_BYTES(changed->id.b, sizeof(changed->id.b))};

    return rr_mysql_exec(
        db, "UPDATE reservation SET room_id = ?, title = ?, starts_at = ?, ends_at = ? WHERE id = ?", in,
        RR_LEN(in), NULL, 0);
}
