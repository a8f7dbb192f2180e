/* Rooms and reservations as JSON, as docs/api.md shows them. */
#pragma once

#include "http/openapi.h"
#include "json.h"
#include "store/store.h"

void render_room(struct rr_json *j, const struct room *room);
void render_reservation(struct rr_json *j, const struct reservation *r);

/* What the above and the service's other answers hold. */
extern const struct rr_schema answer_schemas[];
