/* The calls of query-svc; one file each. All are read_step() with a kind of their own, see read.h. */
#pragma once

#include "http/http.h"
#include "http/openapi.h"

enum rr_step readyz(struct rr_req *r);
enum rr_step rooms_list(struct rr_req *r);
enum rr_step room_get(struct rr_req *r);
enum rr_step rooms_available(struct rr_req *r);
enum rr_step room_schedule(struct rr_req *r);
enum rr_step room_free(struct rr_req *r);
enum rr_step rooms_popular(struct rr_req *r);
enum rr_step busy_hours(struct rr_req *r);
enum rr_step reservation_get(struct rr_req *r);
enum rr_step reservation_history(struct rr_req *r);
enum rr_step user_reservations(struct rr_req *r);
enum rr_step user_history(struct rr_req *r);
enum rr_step projection_get(struct rr_req *r);
enum rr_step events(struct rr_req *r);
enum rr_step calendar_link(struct rr_req *r);
enum rr_step calendar_feed(struct rr_req *r);

/* ---- what /openapi.json says of each ---- */
extern const struct rr_operation readyz_operation, rooms_list_operation, room_get_operation,
    rooms_available_operation, room_schedule_operation, room_free_operation, rooms_popular_operation,
    busy_hours_operation, reservation_get_operation, reservation_history_operation,
    user_reservations_operation, user_history_operation, projection_get_operation, events_operation,
    user_calendar_link_operation, user_calendar_revoke_operation, room_calendar_link_operation,
    room_calendar_revoke_operation, calendar_feed_operation;
extern const struct rr_schema answer_schemas[];
extern const struct rr_member answer_members[];
