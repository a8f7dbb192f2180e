#include "store.h"

enum rr_db store_update_room(struct rr_mysql *db, const struct room *room)
{
    const char *location = room->no_location ? NULL : room->location;
    const struct rr_sql_in in[] = {RR_IN_TEXT(room->name), RR_IN_TEXT(location), RR_IN_UINT(room->capacity),
                                   RR_IN_UINT(room->active), RR_IN_UINT(room->id)};

    return rr_mysql_exec(db, "UPDATE room SET name = ?, location = ?, capacity = ?, active = ? WHERE id = ?",
                         in, RR_LEN(in), NULL, 0);
}
