/* What the commands on reservations share. */
#pragma once

#include "command.h"
#include "fields.h"
#include "store/store.h"

/* For parse(): adds to what rr_body_fields() has found that a time has to be a whole minute. Returns the
 * error that now stands. */
enum rr_err reservation_check_minutes(struct rr_req *r, enum rr_err so_far, const char *name,
                                      const struct rr_value *v) RR_MUST_CHECK;
/* For parse(): the reservation that the path names becomes the subject. */
enum rr_err reservation_parse_path(struct rr_req *r, struct command *c) RR_MUST_CHECK;

/* For lock(): the present room of the subject and `new_room_id` (0: only the present one). */
enum rr_db reservation_lock_rooms(struct rr_mysql *db, const struct command *c, uint64_t new_room_id,
                                  struct locked_rooms *ret);
/* For decide(): the subject, locked. NONE: it does not exist, or not for this caller. RETRY: it has moved to
 * a room that is not locked. */
enum rr_db reservation_lock(struct rr_mysql *db, const struct command *c, const struct locked_rooms *rooms,
                            struct reservation *ret);

const struct locked_room *locked_room(const struct locked_rooms *rooms, uint64_t id);

/* Decisions; all return ONE. */
enum rr_db reservation_refuse_rules(struct command *c, const struct rule_breaks *breaks);
enum rr_db reservation_refuse_retired(struct command *c);
enum rr_db reservation_answer(struct command *c, unsigned status, const struct reservation *r);
/* Runs `write` with `wanted`, reads back what the triggers made of it, and answers; refused by the triggers
 * for an overlap, it says with what, and leaves the rest to reservation_explain(). */
enum rr_db reservation_write(struct rr_mysql *db, struct command *c,
                             enum rr_db (*write)(struct rr_mysql *db, const struct reservation *r),
                             struct reservation *wanted, unsigned status);
/* kind->explain() of what can be refused for an overlap: when else, and where else. */
void reservation_explain(struct rr_mysql *db, struct command *c);
