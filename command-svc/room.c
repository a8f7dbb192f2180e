#include "room.h"

#include "rules.h"

enum rr_db room_answer(struct command *c, unsigned status, const struct room *room)
{
    c->subject =
        (struct rr_token){.kind = RR_TOKEN_ROOM, .room_id = room->id, .version = (uint32_t)room->version};
    answer_room(&c->answer, status, room, c->minimal);
    return RR_DB_ONE;
}

/* Characters without a weight in the name's collation (a zero width space, a soft hyphen) are nothing to
 * MySQL, and which they are only MySQL knows. */
static enum rr_db refuse_empty_name(struct command *c)
{
    struct rule_breaks breaks = {0};

    rule_break(&breaks, "name", "has no visible character");
    answer_refuse_rules(&c->answer, &breaks);
    return RR_DB_ONE;
}

enum rr_db room_written(struct rr_mysql *db, struct command *c, enum rr_db end, struct room *room,
                        unsigned status)
{
    if (end == RR_DB_FATAL && store_room_name_taken(db)) {
        answer_refuse(&c->answer, RR_ROOM_NAME_TAKEN, NULL);
        answer_end(&c->answer);
        return RR_DB_ONE;
    }
    if (end == RR_DB_FATAL && store_room_name_empty(db))
        return refuse_empty_name(c);
    STORE_TRY(end);
    STORE_TRY(store_read_room(db, room->id, room));
    c->written = true;
    return room_answer(c, status, room);
}
