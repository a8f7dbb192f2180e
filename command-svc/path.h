/* Ids in paths. What is no id names nothing: false is a 404. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool path_room_id(const char *text, uint64_t *ret);
