#include "store.h"

enum rr_db store_insert_reservation(struct rr_mysql *db, const struct reservation *new)
{
    const char *title = new->no_title ? NULL : new->title;
    const struct rr_sql_in in[] = {RR_IN_BYTES(new->id.b, sizeof(new->id.b)),
                                   RR_IN_UINT(new->room_id),
                                   RR_IN_TEXT(new->user_id),
                                   RR_IN_TEXT(title),
                                   RR_IN_TIME(new->starts_at),
                                   RR_IN_TIME(new->ends_at)};

    return rr_mysql_exec(db,
                         "INSERT INTO reservation (id, room_id, user_id, title, starts_at, ends_at)"
                         " VALUES (?, ?, ?, ?, ?, ?)",
                         in, RR_LEN(in), NULL, 0);
}
