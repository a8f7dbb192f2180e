/* PATCH /v1/rooms/{id} */
#include "endpoints.h"

#include "room.h"

#include <stdio.h>

static const struct rr_field fields[] = {
    {"name", RR_FIELD_TEXT, 0, 1, 200, NULL},
    {"capacity", RR_FIELD_UINT, 0, 1, 100000, NULL},
    {"location", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
    {"active", RR_FIELD_BOOL, 0, 0, 0, NULL},
};
enum { NAME, CAPACITY, LOCATION, ACTIVE };

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    struct room_patch *x = (struct room_patch *)c;
    enum rr_err err;

    if (!rr_path_id(r->arg[0], &c->subject.room_id))
        return RR_NOT_FOUND;
    c->subject.kind = RR_TOKEN_ROOM;
    err = command_require_if_match(r, c);
    return err ? err : rr_body_fields(r, fields, RR_LEN(fields), x->values);
}

/* Without the room there is nothing to lock; decide() says so. */
static enum rr_db lock(struct rr_mysql *db, struct command *c)
{
    struct room_patch *x = (struct room_patch *)c;
    enum rr_db end = store_lock_room(db, c->subject.room_id, &x->room);

    x->found = end == RR_DB_ONE;
    return end == RR_DB_NONE ? RR_DB_ONE : end;
}

/* Puts the wanted values into `room`; whether that changes anything. */
static bool apply(struct room *room, const struct rr_value values[])
{
    bool changed = false;

    if (values[NAME].set && strcmp(room->name, values[NAME].text) != 0) {
        snprintf(room->name, sizeof(room->name), "%s", values[NAME].text);
        changed = true;
    }
    if (values[CAPACITY].set && room->capacity != values[CAPACITY].u) {
        room->capacity = values[CAPACITY].u;
        changed = true;
    }
    if (values[LOCATION].set &&
        (room->no_location != values[LOCATION].null ||
         (!room->no_location && strcmp(room->location, values[LOCATION].text) != 0))) {
        room->no_location = values[LOCATION].null;
        snprintf(room->location, sizeof(room->location), "%s",
                 room->no_location ? "" : values[LOCATION].text);
        changed = true;
    }
    if (values[ACTIVE].set && room->active != values[ACTIVE].u) {
        room->active = values[ACTIVE].u;
        changed = true;
    }
    return changed;
}

static enum rr_db decide(struct rr_mysql *db, struct command *c)
{
    struct room_patch *x = (struct room_patch *)c;

    if (!x->found)
        return command_not_found(c, "room");
    if (!command_matches(c, x->room.version))
        return command_stale(c, x->room.version);
    if (!apply(&x->room, x->values))
        return room_answer(c, 200, &x->room);
    return room_written(db, c, store_update_room(db, &x->room), &x->room, 200);
}

const struct rr_operation room_patch_operation = {
    .method = "PATCH",
    .pattern = "/v1/rooms/{id}",
    .id = "changeRoom",
    .summary = "Rename, resize, move or retire a room",
    .status = 200,
    .answer = "Room",
    .flags = RR_OP_WRITE | RR_OP_ETAG | RR_OP_IF_MATCH | RR_OP_NEEDS_IF_MATCH,
    .body = fields,
    .n_body = RR_LEN(fields),
    .errors = {RR_ROOM_NAME_TAKEN},
};

enum rr_step room_patch(struct rr_req *r)
{
    static const struct command_kind kind = {
        .done = "room changed", .parse = parse, .lock = lock, .decide = decide};

    return command_handle(r, &kind);
}
