/* What the answers of this service look like, for /openapi.json. Beside each name stands who writes it. */
#include "endpoints.h"

#define NUMBER(name, min, max)                                                                               \
    {                                                                                                        \
        name, RR_FIELD_UINT, 0, min, max, NULL                                                               \
    }
#define TEXT(name, max)                                                                                      \
    {                                                                                                        \
        name, RR_FIELD_TEXT, 0, 1, max, NULL                                                                 \
    }
#define TEXT_OR_NULL(name, max)                                                                              \
    {                                                                                                        \
        name, RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, max, NULL                                                 \
    }
#define TIME(name)                                                                                           \
    {                                                                                                        \
        name, RR_FIELD_TIME, 0, 0, 0, NULL                                                                   \
    }
#define CHOICE(name, choices)                                                                                \
    {                                                                                                        \
        name, RR_FIELD_ENUM, 0, 0, 0, choices                                                                \
    }

enum { UUID_LEN = 36, USER_MAX = 128, LABEL_MAX = 200, ACCOUNT_MAX = 288, URL_MAX = 2000 };

static const char *const states[] = {"confirmed", "cancelled", NULL};
static const char *const kinds[] = {"created", "changed", "cancelled", "deleted", NULL};

/* render_room() */
static const struct rr_field room[] = {
    NUMBER("id", 1, INT64_MAX),
    TEXT("name", LABEL_MAX),
    NUMBER("capacity", 1, 100000),
    TEXT_OR_NULL("location", LABEL_MAX),
    {"active", RR_FIELD_BOOL, 0, 0, 0, NULL},
    NUMBER("version", 1, UINT32_MAX),
    TIME("created_at"),
    TIME("updated_at"),
};

/* render_reservation() */
static const struct rr_field reservation[] = {
    TEXT("id", UUID_LEN),
    NUMBER("room_id", 1, INT64_MAX),
    TEXT_OR_NULL("room_name", LABEL_MAX),
    TEXT_OR_NULL("room_location", LABEL_MAX),
    TEXT("user_id", USER_MAX),
    TEXT_OR_NULL("title", LABEL_MAX),
    TIME("starts_at"),
    TIME("ends_at"),
    CHOICE("state", states),
    NUMBER("version", 1, UINT32_MAX),
    TIME("created_at"),
    TIME("updated_at"),
};

/* render_history() */
static const struct rr_field event[] = {
    TEXT("reservation_id", UUID_LEN),
    NUMBER("version", 1, UINT32_MAX),
    CHOICE("kind", kinds),
    TIME("recorded_at"),
    TEXT("recorded_by", ACCOUNT_MAX),
    TEXT_OR_NULL("reason", 500),
    NUMBER("room_id", 1, INT64_MAX),
    TEXT_OR_NULL("room_name", LABEL_MAX),
    TEXT_OR_NULL("title", LABEL_MAX),
    TIME("starts_at"),
    TIME("ends_at"),
    CHOICE("state", states),
};

/* room_schedule.c */
static const struct rr_field taken[] = {
    TIME("starts_at"),
    TIME("ends_at"),
    TEXT_OR_NULL("reservation_id", UUID_LEN),
    TEXT_OR_NULL("user_id", USER_MAX),
    TEXT_OR_NULL("title", LABEL_MAX),
};

/* room_free.c */
static const struct rr_field gap[] = {
    TIME("starts_at"),
    TIME("ends_at"),
    NUMBER("minutes", 1, INT32_MAX),
};

/* rooms_popular.c */
static const struct rr_field rank[] = {
    NUMBER("room_id", 1, INT64_MAX),
    TEXT_OR_NULL("room_name", LABEL_MAX),
    NUMBER("rank", 1, INT64_MAX),
    NUMBER("reservations", 0, INT64_MAX),
    NUMBER("reserved_minutes", 0, INT64_MAX),
};

/* busy_hours.c */
static const struct rr_field busy_hours_fields[] = {
    TIME("as_of"),
    TEXT("tz", 64),
    {"busiest_weekday", RR_FIELD_UINT, RR_FIELD_NULLABLE, 1, 7, NULL},
    {"busiest_hour", RR_FIELD_UINT, RR_FIELD_NULLABLE, 0, 23, NULL},
};
static const struct rr_field busy_cell[] = {
    NUMBER("weekday", 1, 7),
    NUMBER("hour", 0, 23),
    NUMBER("reservations", 0, INT64_MAX),
    NUMBER("reserved_minutes", 0, INT64_MAX),
};

/* projection_get.c */
static const struct rr_field projection[] = {
    NUMBER("generation", 1, INT32_MAX),
    TIME("as_of"),
    NUMBER("parked", 0, INT32_MAX),
};
static const struct rr_field position[] = {
    TEXT("topic", 249),
    NUMBER("partition", 0, INT32_MAX),
    NUMBER("next_offset", 0, INT64_MAX),
    TIME("applied_at"),
};

/* calendar_link.c */
static const struct rr_field calendar_link_fields[] = {
    TEXT("url", URL_MAX),
};

/* readyz.c */
static const struct rr_field ready[] = {
    TEXT("status", 16),
};

const struct rr_schema answer_schemas[] = {
    {"Room", room, RR_LEN(room)},
    {"Reservation", reservation, RR_LEN(reservation)},
    {"Event", event, RR_LEN(event)},
    {"Taken", taken, RR_LEN(taken)},
    {"Gap", gap, RR_LEN(gap)},
    {"RoomRank", rank, RR_LEN(rank)},
    {"BusyHours", busy_hours_fields, RR_LEN(busy_hours_fields)},
    {"BusyCell", busy_cell, RR_LEN(busy_cell)},
    {"Projection", projection, RR_LEN(projection)},
    {"Position", position, RR_LEN(position)},
    {"CalendarLink", calendar_link_fields, RR_LEN(calendar_link_fields)},
    {"Ready", ready, RR_LEN(ready)},
    {0},
};

const struct rr_member answer_members[] = {
    {"Event", "changes", RR_MEMBER_OBJECT, NULL},
    {"RoomRank", "utilization", RR_MEMBER_NUMBER, NULL},
    {"BusyHours", "cells", RR_MEMBER_ARRAY, "BusyCell"},
    {"Projection", "lag_seconds", RR_MEMBER_NUMBER, NULL},
    {"Projection", "position", RR_MEMBER_OBJECT, "Position"},
    {0},
};
