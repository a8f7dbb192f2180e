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

const struct statement sql_rooms_rename = {
    "rooms_rename",
    "UPDATE reservation v SET room_name = r.name, room_location = r.location"
    " FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r(id, name, location)"
    " WHERE v.room_id = r.id AND (v.room_name, v.room_location) IS DISTINCT FROM (r.name, r.location)"};

const struct statement sql_reservations_read = {
    "reservations_read", "SELECT id, version, room_id, user_id, title, starts_at, ends_at, state, deleted"
                         " FROM reservation WHERE id = ANY ($1::uuid[])"};

const struct statement sql_history_write = {
    "history_write",
    "INSERT INTO reservation_history (reservation_id, version, kind, recorded_at, recorded_by, reason,"
    "                                 trace_id, changes, room_id, user_id, title, starts_at, ends_at, state)"
    " SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::timestamptz[], $5::text[], $6::text[],"
    "                      $7::text[], $8::jsonb[], $9::bigint[], $10::text[], $11::text[],"
    "                      $12::timestamptz[], $13::timestamptz[], $14::text[])"
    " ON CONFLICT DO NOTHING"};

const struct statement sql_reservations_write = {
    "reservations_write",
    "INSERT INTO reservation (id, room_id, room_name, room_location, user_id, title, starts_at, ends_at,"
    "                         state, version, deleted, created_at, updated_at)"
    " SELECT e.id, e.room_id, r.name, r.location, e.user_id, e.title, e.starts_at, e.ends_at,"
    "        e.state, e.version, e.deleted, e.created_at, e.updated_at"
    " FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],"
    "             $7::text[], $8::integer[], $9::boolean[], $10::timestamptz[], $11::timestamptz[])"
    "   AS e(id, room_id, user_id, title, starts_at, ends_at, state, version, deleted, created_at, "
    "updated_at)"
    " LEFT JOIN room r ON r.id = e.room_id"
    " ON CONFLICT (id) DO UPDATE SET room_id = excluded.room_id, room_name = excluded.room_name,"
    "    room_location = excluded.room_location, user_id = excluded.user_id, title = excluded.title,"
    "    starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,"
    "    version = excluded.version, deleted = excluded.deleted, created_at = excluded.created_at,"
    "    updated_at = excluded.updated_at"
    " WHERE reservation.version < excluded.version"};

const struct statement sql_unname = {
    NULL, "UPDATE reservation SET room_name = NULL, room_location = NULL WHERE id = ANY ($1::uuid[])"};

const struct statement sql_room_days_read = {
    "room_days_read", "SELECT d.room_id, d.day, d.reservations, d.reserved_minutes, d.starts, d.minutes"
                      " FROM unnest($1::bigint[], $2::date[]) AS k(room_id, day)"
                      " JOIN room_day d ON d.day = k.day AND d.room_id = k.room_id"};

const struct statement sql_total_days_read = {
    "total_days_read", "SELECT 0::bigint, day, reservations, reserved_minutes, starts, minutes"
                       " FROM total_day WHERE day = ANY ($1::date[])"};

/* UNNEST takes an array of arrays apart to the last element, so the quarters of all rows come as one array,
 * which is sliced here. */
const struct statement sql_room_days_write = {
    "room_days_write",
    "INSERT INTO room_day (room_id, day, reservations, reserved_minutes, starts, minutes)"
    " SELECT u.room_id, u.day, u.reservations, u.reserved_minutes,"
    "        ($5::smallint[])[(u.n::integer - 1) * 96 + 1 : u.n::integer * 96],"
    "        ($6::smallint[])[(u.n::integer - 1) * 96 + 1 : u.n::integer * 96]"
    " FROM unnest($1::bigint[], $2::date[], $3::integer[], $4::integer[]) WITH ORDINALITY"
    "   AS u(room_id, day, reservations, reserved_minutes, n)"
    " ON CONFLICT (day, room_id) DO UPDATE SET reservations = excluded.reservations,"
    "    reserved_minutes = excluded.reserved_minutes, starts = excluded.starts, minutes = excluded.minutes"};

const struct statement sql_total_days_write = {
    "total_days_write",
    "INSERT INTO total_day (day, reservations, reserved_minutes, starts, minutes)"
    " SELECT u.day, u.reservations, u.reserved_minutes,"
    "        ($4::integer[])[(u.n::integer - 1) * 96 + 1 : u.n::integer * 96],"
    "        ($5::integer[])[(u.n::integer - 1) * 96 + 1 : u.n::integer * 96]"
    " FROM unnest($1::date[], $2::integer[], $3::integer[]) WITH ORDINALITY"
    "   AS u(day, reservations, reserved_minutes, n)"
    " ON CONFLICT (day) DO UPDATE SET reservations = excluded.reservations,"
    "    reserved_minutes = excluded.reserved_minutes, starts = excluded.starts, minutes = excluded.minutes"};

const struct statement *const apply_statements[] = {
    &sql_begin,
    &sql_commit,
    &sql_advance,
    &sql_serve,
    &sql_notify,
    &sql_rooms_read,
    &sql_rooms_write,
    &sql_rooms_rename,
    &sql_reservations_read,
    &sql_reservations_write,
    &sql_history_write,
    &sql_room_days_read,
    &sql_room_days_write,
    &sql_total_days_read,
    &sql_total_days_write,
};
const size_t apply_n_statements = RR_LEN(apply_statements);
