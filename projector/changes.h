/* changes: what differs between two versions of a reservation, as the history shows it. */
#pragma once

#include "arena.h"
#include "change.h"

/* {"field": {"to": …, "from": …}, …} of room_id, user_id, title, starts_at, ends_at and state; times as RFC
 * 3339 in UTC. {} for the first version (`old` is NULL) and for a deletion. Just as PostgreSQL writes such a
 * jsonb (shorter names first, a blank after each colon and comma), so that what is stored can be compared
 * with it as text. The text lives in `arena`. */
struct text changes_json(struct arena *arena, const struct reservation *old, const struct event *e);
