#include "store.h"

enum rr_db store_insert_room(struct rr_mysql *db, struct room *room)
{
    const char *location = room->no_location ? NULL : room->location;
    const struct rr_sql_in in[] = {RR_IN_TEXT(room->name), RR_IN_TEXT(location), RR_IN_UINT(room->capacity)};

    STORE_TRY(rr_mysql_exec(db, "INSERT INTO room (name, location, capacity) VALUES (?, ?, ?)", in,
                            RR_LEN(in), NULL, 0));
    room->id = rr_mysql_insert_id(db);
    return RR_DB_ONE;
}
