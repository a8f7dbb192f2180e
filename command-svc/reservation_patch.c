/* PATCH /v1/reservations/{id} */
#include "endpoints.h"

#include "app.h"
#include "reservation.h"
#include "time.h"

#include <stdio.h>

static const struct rr_field fields[] = {
    {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    {"starts_at", RR_FIELD_TIME, 0, 0, 0, NULL},
    {"ends_at", RR_FIELD_TIME, 0, 0, 0, NULL},
    {"title", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
};
enum { ROOM_ID, STARTS_AT, ENDS_AT, TITLE };

static enum rr_err parse(struct rr_req *r, struct command *c)
{
    struct reservation_patch *x = (struct reservation_patch *)c;
    enum rr_err err = reservation_parse_path(r, c);

    if (!err)
        err = command_require_if_match(r, c);
    if (err)
        return err;
    err = rr_body_fields(r, fields, RR_LEN(fields), x->values);
    err = reservation_check_minutes(r, err, "starts_at", &x->values[STARTS_AT]);
    return reservation_check_minutes(r, err, "ends_at", &x->values[ENDS_AT]);
}

static enum rr_db lock(struct rr_mysql *db, struct command *c)
{
    struct reservation_patch *x = (struct reservation_patch *)c;

    return reservation_lock_rooms(db, c, x->values[ROOM_ID].u, &x->rooms);
}

static void apply(struct reservation *new, const struct rr_value values[])
{
    if (values[ROOM_ID].set)
        new->room_id = values[ROOM_ID].u;
    if (values[STARTS_AT].set)
        new->starts_at = values[STARTS_AT].time;
    if (values[ENDS_AT].set)
        new->ends_at = values[ENDS_AT].time;
    if (values[TITLE].set) {
        new->no_title = values[TITLE].null;
        snprintf(new->title, sizeof(new->title), "%s", new->no_title ? "" : values[TITLE].text);
    }
}

static bool same_title(const struct reservation *a, const struct reservation *b)
{
    return a->no_title == b->no_title && (a->no_title || strcmp(a->title, b->title) == 0);
}

static bool same_place(const struct reservation *a, const struct reservation *b)
{
    return a->room_id == b->room_id && a->starts_at == b->starts_at && a->ends_at == b->ends_at;
}

/* Giving back a part of the time is fine in a retired room. */
static bool takes_more(const struct reservation *old, const struct reservation *new)
{
    return new->room_id != old->room_id || new->starts_at < old->starts_at || new->ends_at > old->ends_at;
}

/* Whether the new place breaks no rule; else the answer says which. */
static bool check_place(struct reservation_patch *x)
{
    const struct reservation *old = &x->old, *new = &x->new;
    const struct locked_room *room = locked_room(&x->rooms, new->room_id);
    struct rule_breaks breaks = {0};

    if (!room)
        rule_break(&breaks, "room_id", "there is no such room");
    rules_check_times(&app_of(x->c.work.r)->conf.rules, rr_time_now(), new->starts_at, new->ends_at,
                      new->starts_at != old->starts_at, &breaks);
    if (breaks.n)
        reservation_refuse_rules(&x->c, &breaks);
    else if (room && !room->active && takes_more(old, new))
        reservation_refuse_retired(&x->c);
    else
        return true;
    return false;
}

static enum rr_db decide(struct rr_mysql *db, struct command *c)
{
    struct reservation_patch *x = (struct reservation_patch *)c;
    enum rr_db end = reservation_lock(db, c, &x->rooms, &x->old);

    if (end == RR_DB_NONE)
        return command_not_found(c, "reservation");
    STORE_TRY(end);
    if (!command_matches(c, x->old.version))
        return command_stale(c, x->old.version);
    if (strcmp(x->old.state, "cancelled") == 0) {
        answer_refuse(&c->answer, RR_RESERVATION_CANCELLED, NULL);
        answer_end(&c->answer);
        return RR_DB_ONE;
    }
    x->new = x->old;
    apply(&x->new, x->values);
    if (same_place(&x->old, &x->new) && same_title(&x->old, &x->new))
        return reservation_answer(c, 200, &x->old);
    if (!same_place(&x->old, &x->new) && !check_place(x))
        return RR_DB_ONE;
    return reservation_write(db, c, store_update_reservation, &x->new, 200);
}

const struct rr_operation reservation_patch_operation = {
    .method = "PATCH",
    .pattern = "/v1/reservations/{id}",
    .id = "changeReservation",
    .summary = "Move or retitle a reservation",
    .status = 200,
    .answer = "Reservation",
    .flags = RR_OP_WRITE | RR_OP_ETAG | RR_OP_IF_MATCH | RR_OP_NEEDS_IF_MATCH | RR_OP_UUID,
    .body = fields,
    .n_body = RR_LEN(fields),
    .errors = {RR_SLOT_TAKEN, RR_ROOM_RETIRED, RR_RESERVATION_CANCELLED},
};

enum rr_step reservation_patch(struct rr_req *r)
{
    static const struct command_kind kind = {.done = "reservation changed",
                                             .parse = parse,
                                             .lock = lock,
                                             .decide = decide,
                                             .explain = reservation_explain};

    return command_handle(r, &kind);
}
