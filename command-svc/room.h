/* What the commands on rooms share. */
#pragma once

#include "command.h"
#include "store/store.h"

/* For decide(): the answer, and what it is about. */
enum rr_db room_answer(struct command *c, unsigned status, const struct room *room);
/* The same after an INSERT or UPDATE that ended as `end`: as the database has it now, or the refusal that
 * another room has the name, or that it is none. */
enum rr_db room_written(struct rr_mysql *db, struct command *c, enum rr_db end, struct room *room,
                        unsigned status);
