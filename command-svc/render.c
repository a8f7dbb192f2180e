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
