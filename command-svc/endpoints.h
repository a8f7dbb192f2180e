/* The calls of this service, one file each, and what each keeps while its request lasts; main.c has the
 * routes. */
#pragma once

#include "command.h"
#include "fields.h"
#include "http/http.h"
#include "http/openapi.h"
#include "read.h"
#include "store/store.h"

#include <stdbool.h>

/* ---- commands: the context begins with the struct command ---- */
struct room_create {
    struct command c;
    struct rr_value values[3];
    struct room room;
};
struct room_patch {
    struct command c;
    struct rr_value values[4];
    bool found;
    struct room room; /* as locked, then as it shall be */
};
struct reservation_create {
    struct command c;
    struct rr_value values[5];
    struct locked_rooms rooms;
    struct reservation reservation;
};
struct reservation_patch {
    struct command c;
    struct rr_value values[4];
    struct locked_rooms rooms;
    struct reservation old, new;
};
struct reservation_cancel {
    struct command c;
    struct rr_value values[1];
    struct locked_rooms rooms;
    struct reservation reservation;
};

enum rr_step room_create(struct rr_req *r);
enum rr_step room_patch(struct rr_req *r);
enum rr_step reservation_create(struct rr_req *r);
enum rr_step reservation_patch(struct rr_req *r);
enum rr_step reservation_cancel(struct rr_req *r);

/* ---- reads: the context begins with the struct read ---- */
struct room_get {
    struct read read;
    uint64_t id;
    struct room room;
};
struct reservation_get {
    struct read read;
    struct rr_uuid id;
    struct reservation reservation;
};

enum rr_step room_get(struct rr_req *r);
enum rr_step reservation_get(struct rr_req *r);
enum rr_step readyz(struct rr_req *r);

/* ---- what /openapi.json says of each ---- */
extern const struct rr_operation room_create_operation, room_patch_operation, room_get_operation,
    reservation_create_operation, reservation_patch_operation, reservation_cancel_operation,
    reservation_get_operation, readyz_operation;
