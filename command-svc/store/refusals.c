/* What MySQL's refusals mean. */
#include "store.h"

#include <string.h>

enum {
    DUPLICATE_KEY = 1062,  /* ER_DUP_ENTRY */
    LOCK_TIMEOUT = 1205,   /* ER_LOCK_WAIT_TIMEOUT */
    CHECK_VIOLATED = 3819, /* ER_CHECK_CONSTRAINT_VIOLATED; its text names the constraint */
    SIGNALLED = 1644,      /* ER_SIGNAL_EXCEPTION: a trigger of ours; its text tells which rule */
};

bool store_room_name_taken(const struct rr_mysql *db)
{
    return rr_mysql_errno(db) == DUPLICATE_KEY;
}

bool store_room_name_empty(const struct rr_mysql *db)
{
    return rr_mysql_errno(db) == CHECK_VIOLATED && strstr(rr_mysql_message(db), "'room_name_is_text'");
}

bool store_slot_taken(const struct rr_mysql *db)
{
    return rr_mysql_errno(db) == SIGNALLED &&
           strcmp(rr_mysql_message(db), "the room is already reserved for this time") == 0;
}

bool store_key_taken(const struct rr_mysql *db)
{
    return rr_mysql_errno(db) == DUPLICATE_KEY;
}

bool store_key_in_progress(const struct rr_mysql *db)
{
    return rr_mysql_errno(db) == LOCK_TIMEOUT;
}
