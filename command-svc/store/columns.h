/* Column lists and where they go; the order of the two belongs together. Only for the files of store/. */
#pragma once

#include "store.h"

#define ROOM_COLUMNS "id, name, location, capacity, active, version, created_at, updated_at"
#define ROOM_OUT(r)                                                                                          \
    {.type = RR_SQL_UINT, .p = &(r)->id}, {.type = RR_SQL_TEXT, .p = (r)->name, .cap = sizeof((r)->name)},   \
        {.type = RR_SQL_TEXT,                                                                                \
         .p = (r)->location,                                                                                 \
         .cap = sizeof((r)->location),                                                                       \
         .ret_null = &(r)->no_location},                                                                     \
        {.type = RR_SQL_UINT, .p = &(r)->capacity}, {.type = RR_SQL_UINT, .p = &(r)->active},                \
        {.type = RR_SQL_UINT, .p = &(r)->version}, {.type = RR_SQL_TIME, .p = &(r)->created_at},             \
    {                                                                                                        \
        .type = RR_SQL_TIME, .p = &(r)->updated_at                                                           \
    }

#define RESERVATION_COLUMNS                                                                                  \
    "id, room_id, user_id, title, starts_at, ends_at, state, version, created_at, updated_at"
#define RESERVATION_OUT(r)                                                                                   \
    {.type = RR_SQL_BYTES, .p = (r)->id.b, .cap = sizeof((r)->id.b)},                                        \
        {.type = RR_SQL_UINT, .p = &(r)->room_id},                                                           \
        {.type = RR_SQL_TEXT, .p = (r)->user_id, .cap = sizeof((r)->user_id)},                               \
        {.type = RR_SQL_TEXT, .p = (r)->title, .cap = sizeof((r)->title), .ret_null = &(r)->no_title},       \
        {.type = RR_SQL_TIME, .p = &(r)->starts_at}, {.type = RR_SQL_TIME, .p = &(r)->ends_at},              \
        {.type = RR_SQL_TEXT, .p = (r)->state, .cap = sizeof((r)->state)},                                   \
        {.type = RR_SQL_UINT, .p = &(r)->version}, {.type = RR_SQL_TIME, .p = &(r)->created_at},             \
    {                                                                                                        \
        .type = RR_SQL_TIME, .p = &(r)->updated_at                                                           \
    }
