#include "apply_sql.h"
#include "macros.h"

const struct statement sql_begin = {"begin", "BEGIN"};
const struct statement sql_commit = {"commit", "COMMIT"};
const struct statement sql_rollback = {NULL, "ROLLBACK"};
const struct statement sql_advance = {
    "advance",
    "SELECT o_as_of, o_unproven FROM projection.advance($1::integer, $2::bigint, $3::bigint, $4::bigint,"
    "                                                   $5::bytea, $6::timestamptz, $7::boolean)"};
const struct statement sql_serve = {"serve", "SELECT projection.serve($1::integer)"};
const struct statement sql_notify = {"notify", "SELECT pg_notify('projection', $1::text)"};

const struct statement sql_rooms_read = {
    "rooms_read", "SELECT id, version, name, location FROM room WHERE id = ANY ($1::bigint[])"};

const struct statement sql_rooms_write = {
    "rooms_write",
    "INSERT INTO room (id, name, location, capacity, active, version, created_at, updated_at)"
    " SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::boolean[], $6::integer[],"
    "                      $7::timestamptz[], $8::timestamptz[])"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, location = excluded.location,"
    "    capacity = excluded.capacity, active = excluded.active, version = excluded.version,"
    "    created_at = excluded.created_at, updated_at = excluded.updated_at"
    " WHERE room.version < excluded.version"};

const struct statement sql_reservations_read = {
    "reservations_read", "SELECT id, version, room_id, user_id, title, starts_at, ends_at, state, deleted"
                         " FROM reservation WHERE id = ANY ($1::uuid[])"};

const struct statement sql_history_write = {
    "history_write",
    "INSERT INTO reservation_history (reservation_id, version, kind, recorded_at, recorded_by, reason,"
    "                                 trace_id, changes, room_id, user_id, title, starts_at, ends_at, state)"
    " SELECT * FROM"
    " (SELECT unnest($1::uuid[]) AS reservation_id, unnest($2::integer[]) AS version, unnest($3::text[]),"
    "         unnest($4::timestamptz[]), unnest($5::text[]), unnest($6::text[]), unnest($7::text[]),"
    "         unnest($8::jsonb[]), unnest($9::bigint[]), unnest($10::text[]), unnest($11::text[]),"
    "         unnest($12::timestamptz[]), unnest($13::timestamptz[]), unnest($14::text[])) e"
    " WHERE NOT EXISTS (SELECT FROM reservation_history h"
    "                    WHERE h.reservation_id = e.reservation_id AND h.version = e.version)"};

#define RESERVATION_COLUMNS                                                                                  \
    " (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS room_id, unnest($3::text[]) AS user_id,"     \
    "         unnest($4::text[]) AS title, unnest($5::timestamptz[]) AS starts_at,"                          \
    "         unnest($6::timestamptz[]) AS ends_at, unnest($7::text[]) AS state,"                            \
    "         unnest($8::integer[]) AS version, unnest($9::boolean[]) AS deleted,"                           \
    "         unnest($10::timestamptz[]) AS created_at, unnest($11::timestamptz[]) AS updated_at) e"         \
    " LEFT JOIN room r ON r.id = e.room_id"

const struct statement sql_reservations_insert = {
    "reservations_insert",
    "INSERT INTO reservation (id, room_id, room_name, room_location, user_id, title, starts_at, ends_at,"
    "                         state, version, deleted, created_at, updated_at)"
    " SELECT e.id, e.room_id, r.name, r.location, e.user_id, e.title, e.starts_at, e.ends_at,"
    "        e.state, e.version, e.deleted, e.created_at, e.updated_at"
    " FROM" RESERVATION_COLUMNS};

const struct statement sql_reservations_update = {
    "reservations_update",
    "UPDATE reservation v SET room_id = e.room_id, room_name = r.name, room_location = r.location,"
    "       user_id = e.user_id, title = e.title, starts_at = e.starts_at, ends_at = e.ends_at,"
    "       state = e.state, version = e.version, deleted = e.deleted, created_at = e.created_at,"
    "       updated_at = e.updated_at"
    " FROM" RESERVATION_COLUMNS " WHERE v.id = e.id AND v.version < e.version"};

const struct statement sql_unname = {
    NULL, "UPDATE reservation SET room_name = NULL, room_location = NULL WHERE id = ANY ($1::uuid[])"};

/* Of a day's quarters only those that a batch touches are read and written, from number `a` to `b`: an array
 * of 96 numbers costs PostgreSQL more to take in and to give out than to store. */
const struct statement sql_room_days_read = {
    "room_days_read", "SELECT d.room_id, d.day, d.reservations, d.reserved_minutes, d.starts[k.a:k.b],"
                      "       d.minutes[k.a:k.b]"
                      " FROM (SELECT unnest($1::bigint[]) AS room_id, unnest($2::date[]) AS day,"
                      "              unnest($3::integer[]) AS a, unnest($4::integer[]) AS b) k"
                      " JOIN room_day d ON d.day = k.day AND d.room_id = k.room_id"};

const struct statement sql_total_days_read = {
    "total_days_read", "SELECT 0::bigint, d.day, d.reservations, d.reserved_minutes, d.starts[k.a:k.b],"
                       "       d.minutes[k.a:k.b]"
                       " FROM (SELECT unnest($1::date[]) AS day, unnest($2::integer[]) AS a,"
                       "              unnest($3::integer[]) AS b) k"
                       " JOIN total_day d ON d.day = k.day"};

/* UNNEST takes an array of arrays apart to the last element, so the quarters of all rows come as one array,
 * of which a row's begin at number `at`. */
#define SLICE(array)      "(" array ")[e.at : e.at + e.b - e.a]"
#define ZEROS(type)       "(array_fill(0::" type ", '{96}'))"
#define WHOLE(type, part) ZEROS(type) "[1 : e.a - 1] || " part " || " ZEROS(type) "[e.b + 1 : 96]"

#define ROOM_DAYS                                                                                            \
    " (SELECT unnest($1::bigint[]) AS room_id, unnest($2::date[]) AS day,"                                   \
    "         unnest($3::integer[]) AS reservations, unnest($4::integer[]) AS reserved_minutes,"             \
    "         unnest($5::integer[]) AS a, unnest($6::integer[]) AS b, unnest($7::integer[]) AS at) e"

const struct statement sql_room_days_insert = {
    "room_days_insert",
    "INSERT INTO room_day (room_id, day, reservations, reserved_minutes, starts, minutes)"
    " SELECT e.room_id, e.day, e.reservations, e.reserved_minutes,"
    "        " WHOLE("smallint",
                     SLICE("$8::smallint[]")) ","
                                              "        " WHOLE("smallint",
                                                               SLICE("$9::smallint[]")) " FROM" ROOM_DAYS};

const struct statement sql_room_days_update = {
    "room_days_update",
    "UPDATE room_day d SET reservations = e.reservations, reserved_minutes = e.reserved_minutes,"
    "       starts[e.a:e.b] = " SLICE(
        "$8::smallint[]") ","
                          "       minutes[e.a:e.b] = " SLICE(
                              "$9::smallint[]") " FROM" ROOM_DAYS
                                                " WHERE d.day = e.day AND d.room_id = e.room_id"};

#define TOTAL_DAYS                                                                                           \
    " (SELECT unnest($1::date[]) AS day, unnest($2::integer[]) AS reservations,"                             \
    "         unnest($3::integer[]) AS reserved_minutes, unnest($4::integer[]) AS a,"                        \
    "         unnest($5::integer[]) AS b, unnest($6::integer[]) AS at) e"

const struct statement sql_total_days_insert = {
    "total_days_insert",
    "INSERT INTO total_day (day, reservations, reserved_minutes, starts, minutes)"
    " SELECT e.day, e.reservations, e.reserved_minutes,"
    "        " WHOLE("integer",
                     SLICE("$7::integer[]")) ","
                                             "        " WHOLE("integer",
                                                              SLICE("$8::integer[]")) " FROM" TOTAL_DAYS};

const struct statement sql_total_days_update = {
    "total_days_update",
    "UPDATE total_day d SET reservations = e.reservations, reserved_minutes = e.reserved_minutes,"
    "       starts[e.a:e.b] = " SLICE("$7::integer[]") ", minutes[e.a:e.b] = " SLICE(
        "$8::integer[]") " FROM" TOTAL_DAYS " WHERE d.day = e.day"};

const struct statement *const apply_statements[] = {
    &sql_begin,
    &sql_commit,
    &sql_advance,
    &sql_serve,
    &sql_notify,
    &sql_rooms_read,
    &sql_rooms_write,
    &sql_reservations_read,
    &sql_reservations_insert,
    &sql_reservations_update,
    &sql_history_write,
    &sql_room_days_read,
    &sql_room_days_insert,
    &sql_room_days_update,
    &sql_total_days_read,
    &sql_total_days_insert,
    &sql_total_days_update,
};
const size_t apply_n_statements = RR_LEN(apply_statements);
