/* POST /v1/rooms */
#include "endpoints.h"

#include "room.h"

#include <stdio.h>

static const struct rr_field fields[] = {
    {"name", RR_FIELD_TEXT, RR_FIELD_REQUIRED, 1, 200, NULL},
    {"capacity", RR_FIELD_UINT, RR_FIELD_REQUIRED, 1, 100000, NULL},
    {"location", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
};
enum { NAME, CAPACITY, LOCATION };

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    struct room_create *x = (struct room_create *)c;

    return rr_body_fields(r, fields, RR_LEN(fields), x->values);
}

static enum rr_db decide(struct rr_mysql *db, struct command *c)
{
    struct room_create *x = (struct room_create *)c;

    snprintf(x->room.name, sizeof(x->room.name), "%s", x->values[NAME].text);
    x->room.capacity = x->values[CAPACITY].u;
    x->room.no_location = !x->values[LOCATION].text;
    snprintf(x->room.location, sizeof(x->room.location), "%s",
             x->room.no_location ? "" : x->values[LOCATION].text);
    return room_written(db, c, store_insert_room(db, &x->room), &x->room, 201);
}

const struct rr_operation room_create_operation = {
    .method = "POST",
    .pattern = "/v1/rooms",
    .id = "createRoom",
    .summary = "Make a room",
    .status = 201,
    .answer = "Room",
    .flags = RR_OP_WRITE | RR_OP_ETAG,
    .body = fields,
    .n_body = RR_LEN(fields),
    .errors = {RR_ROOM_NAME_TAKEN},
};

enum rr_step room_create(struct rr_req *r)
{
    /* No room to lock yet: two rooms of one name meet at the unique index. */
    static const struct command_kind kind = {.done = "room created", .parse = parse, .decide = decide};

    return command_handle(r, &kind);
}
