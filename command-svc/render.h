/* Rooms and reservations as JSON, as docs/api.md shows them. */
#pragma once

#include "json.h"
#include "store/store.h"

void render_room(struct rr_json *j, const struct room *room);
void render_reservation(struct rr_json *j, const struct reservation *r);
