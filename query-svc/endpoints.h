/* The calls of query-svc; one file each. All are read_step() with a kind of their own, see read.h. */
#pragma once

#include "http/http.h"

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
