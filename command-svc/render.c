#include "render.h"

void render_room(struct rr_json *j, const struct room *room)
{
    rr_json_object(j, NULL);
    rr_json_uint(j, "id", room->id);
    rr_json_text(j, "name", room->name);
    rr_json_uint(j, "capacity", room->capacity);
    rr_json_text(j, "location", room->no_location ? NULL : room->location);
    rr_json_bool(j, "active", room->active);
    rr_json_uint(j, "version", room->version);
    rr_json_time(j, "created_at", room->created_at);
    rr_json_time(j, "updated_at", room->updated_at);
    rr_json_end_object(j);
}

void render_reservation(struct rr_json *j, const struct reservation *r)
{
    rr_json_object(j, NULL);
    rr_json_uuid(j, "id", &r->id);
    rr_json_uint(j, "room_id", r->room_id);
    rr_json_text(j, "user_id", r->user_id);
    rr_json_text(j, "title", r->no_title ? NULL : r->title);
    rr_json_time(j, "starts_at", r->starts_at);
    rr_json_time(j, "ends_at", r->ends_at);
    rr_json_text(j, "state", r->state);
    rr_json_uint(j, "version", r->version);
    rr_json_time(j, "created_at", r->created_at);
    rr_json_time(j, "updated_at", r->updated_at);
    rr_json_end_object(j);
}

/* ---- the same for /openapi.json ---- */

static const char *const states[] = {"confirmed", "cancelled", NULL};

static const struct rr_field room_fields[] = {
    {"id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    {"name", RR_FIELD_TEXT, 0, 1, 200, NULL},
    {"capacity", RR_FIELD_UINT, 0, 1, 100000, NULL},
    {"location", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
    {"active", RR_FIELD_BOOL, 0, 0, 0, NULL},
    {"version", RR_FIELD_UINT, 0, 1, UINT32_MAX, NULL},
    {"created_at", RR_FIELD_TIME, 0, 0, 0, NULL},
    {"updated_at", RR_FIELD_TIME, 0, 0, 0, NULL},
};

static const struct rr_field reservation_fields[] = {
    {"id", RR_FIELD_TEXT, 0, 36, 36, NULL},       {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    {"user_id", RR_FIELD_TEXT, 0, 1, 128, NULL},  {"title", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
    {"starts_at", RR_FIELD_TIME, 0, 0, 0, NULL},  {"ends_at", RR_FIELD_TIME, 0, 0, 0, NULL},
    {"state", RR_FIELD_ENUM, 0, 0, 0, states},    {"version", RR_FIELD_UINT, 0, 1, UINT32_MAX, NULL},
    {"created_at", RR_FIELD_TIME, 0, 0, 0, NULL}, {"updated_at", RR_FIELD_TIME, 0, 0, 0, NULL},
};

static const struct rr_field ready_fields[] = {
    {"status", RR_FIELD_TEXT, 0, 1, 16, NULL},
};

const struct rr_schema answer_schemas[] = {
    {"Room", room_fields, RR_LEN(room_fields)},
    {"Reservation", reservation_fields, RR_LEN(reservation_fields)},
    {"Ready", ready_fields, RR_LEN(ready_fields)},
    {0},
};
