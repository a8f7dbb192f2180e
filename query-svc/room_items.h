/* room_items: what the lists whose items are rooms, in id order, have in common. */
#pragma once

#include "read.h"

/* The page of rooms in `res`, whose data columns are RENDER_ROOM_COLUMNS. */
enum rr_err room_items_render(struct read *rd, const PGresult *res) RR_MUST_CHECK;
