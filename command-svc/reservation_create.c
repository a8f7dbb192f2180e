/* POST /v1/reservations */
#include "endpoints.h"

#include "app.h"
#include "reservation.h"
#include "time.h"

#include <stdio.h>

static const struct rr_field fields[] = {
    {"room_id", RR_FIELD_UINT, RR_FIELD_REQUIRED, 1, INT64_MAX, NULL},
    {"starts_at", RR_FIELD_TIME, RR_FIELD_REQUIRED, 0, 0, NULL},
    {"ends_at", RR_FIELD_TIME, RR_FIELD_REQUIRED, 0, 0, NULL},
    {"title", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
    {"user_id", RR_FIELD_TEXT, 0, 1, 128, NULL},
};
enum { ROOM_ID, STARTS_AT, ENDS_AT, TITLE, USER_ID };

static void fill(struct reservation *new, const struct rr_value values[], const char *caller)
{
    new->room_id = values[ROOM_ID].u;
    new->starts_at = values[STARTS_AT].time;
    new->ends_at = values[ENDS_AT].time;
    new->no_title = !values[TITLE].text;
    snprintf(new->title, sizeof(new->title), "%s", new->no_title ? "" : values[TITLE].text);
    snprintf(new->user_id, sizeof(new->user_id), "%s", values[USER_ID].set ? values[USER_ID].text : caller);
}

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    struct reservation_create *x = (struct reservation_create *)c;
    enum rr_err err = rr_body_fields(r, fields, RR_LEN(fields), x->values);

    err = reservation_check_minutes(r, err, "starts_at", &x->values[STARTS_AT]);
    err = reservation_check_minutes(r, err, "ends_at", &x->values[ENDS_AT]);
    if (err)
        return err;
    if (!r->admin && x->values[USER_ID].set && strcmp(x->values[USER_ID].text, r->user) != 0) {
        rr_problem_detail(r, "only an admin may reserve for somebody else");
        return RR_FORBIDDEN;
    }
    fill(&x->reservation, x->values, r->user);
    /* The id is made before the transaction: it is known also when nobody knows whether the commit happened.
     * With a key the reservation may have been made already, under another id, which only the transaction
     * finds out: who is given up before looks with the key. */
    x->reservation.id = rr_uuid_v7();
    if (!c->has_key)
        c->subject = (struct rr_token){.kind = RR_TOKEN_RESERVATION, .reservation_id = x->reservation.id};
    return RR_OK;
}

static enum rr_db lock(struct rr_mysql *db, struct command *c)
{
    struct reservation_create *x = (struct reservation_create *)c;

    return store_lock_rooms(db, x->reservation.room_id, x->reservation.room_id, &x->rooms);
}

static enum rr_db decide(struct rr_mysql *db, struct command *c)
{
    struct reservation_create *x = (struct reservation_create *)c;
    struct reservation *new = &x->reservation;
    const struct locked_room *room = locked_room(&x->rooms, new->room_id);
    struct rule_breaks breaks = {0};

    if (!room)
        rule_break(&breaks, "room_id", "there is no such room");
    rules_check_times(&app_of(c->work.r)->conf.rules, rr_time_now(), new->starts_at, new->ends_at, true,
                      &breaks);
    if (breaks.n)
        return reservation_refuse_rules(c, &breaks);
    if (room && !room->active)
        return reservation_refuse_retired(c);
    return reservation_write(db, c, store_insert_reservation, new, 201);
}

const struct rr_operation reservation_create_operation = {
    .method = "POST",
    .pattern = "/v1/reservations",
    .id = "createReservation",
    .summary = "Reserve a room from a start to an end",
    .status = 201,
    .answer = "Reservation",
    .flags = RR_OP_WRITE | RR_OP_ETAG,
    .body = fields,
    .n_body = RR_LEN(fields),
    .errors = {RR_SLOT_TAKEN, RR_ROOM_RETIRED, RR_FORBIDDEN},
};

enum rr_step reservation_create(struct rr_req *r)
{
    static const struct command_kind kind = {.done = "reservation created",
                                             .parse = parse,
                                             .lock = lock,
                                             .decide = decide,
                                             .explain = reservation_explain};

    return command_handle(r, &kind);
}
