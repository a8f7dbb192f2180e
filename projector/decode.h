/* decode: a message of Debezium's MySQL connector to a struct change.
 *
 * Takes values with schemas (the envelope is in "payload") and without. Reads: op c, u, d, r, t of room,
 * reservation_event and pulse; tombstones, heartbeats, schema changes, transaction marks and other tables
 * come out as CHANGE_IGNORED with the reason. Unknown fields are passed over; a field that is missing, of the
 * wrong type or outside of its range is an error that names it. What a `d`, `u` or `t` would undo in the
 * journal is an alarm, for the journal only grows; so is a room that is gone. Binary values are hexadecimal,
 * times are microseconds since 1970 in UTC. */
#pragma once

#include "arena.h"
#include "change.h"
#include "failure.h"

/* Texts of *ret are copied into `arena`; `value` NULL is a tombstone. Returns 0, or -1 with FAIL_MESSAGE and
 * the reason in *f. */
int decode(const char *value, size_t len, struct arena *arena, struct change *ret,
           struct failure *f) RR_MUST_CHECK;
