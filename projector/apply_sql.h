/* apply_sql: the statements of a batch. Tables are those of the generation in the search path. */
#pragma once

#include "store.h"

extern const struct statement sql_begin, sql_commit, sql_rollback, sql_advance, sql_serve, sql_notify;
extern const struct statement sql_rooms_read, sql_rooms_write;
extern const struct statement sql_reservations_read, sql_reservations_insert, sql_reservations_update;
extern const struct statement sql_unname, sql_history_write;
extern const struct statement sql_room_days_read, sql_room_days_insert, sql_room_days_update;
extern const struct statement sql_total_days_read, sql_total_days_insert, sql_total_days_update;

extern const struct statement *const apply_statements[];
extern const size_t apply_n_statements;
