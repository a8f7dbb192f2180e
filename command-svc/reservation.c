#include "reservation.h"

#include "app.h"
#include "time.h"

#include <string.h>

/* ---- parse ---- */

enum rr_err reservation_check_minutes(struct rr_req *r, enum rr_err so_far, const char *name,
                                      const struct rr_value *v)
{
    const char *wrong = v->set ? rules_check_minute(v->time) : NULL;

    if (!wrong || (so_far && so_far != RR_RULE_BROKEN && so_far != RR_JSON_INVALID))
        return so_far;
    rr_problem_param(r, name, "%s", wrong);
    return so_far ? so_far : RR_RULE_BROKEN;
}

enum rr_err reservation_parse_path(struct rr_req *r, struct command *c)
{
    if (!rr_uuid_parse(r->arg[0], strlen(r->arg[0]), &c->subject.reservation_id))
        return RR_NOT_FOUND;
    c->subject.kind = RR_TOKEN_RESERVATION;
    return RR_OK;
}

/* ---- locks ---- */

const struct locked_room *locked_room(const struct locked_rooms *rooms, uint64_t id)
{
    for (size_t i = 0; i < rooms->n; i++)
        if (rooms->rooms[i].id == id)
            return &rooms->rooms[i];
    return NULL;
}

enum rr_db reservation_lock_rooms(struct rr_mysql *db, const struct command *c, uint64_t new_room_id,
                                  struct locked_rooms *ret)
{
    uint64_t room_id;
    enum rr_db end = store_read_reservation_room(db, &c->subject.reservation_id, &room_id);

    ret->n = 0;
    if (end == RR_DB_NONE)
        return RR_DB_ONE; /* nothing to lock: it is a 404, which decide() says */
    STORE_TRY(end);
    return store_lock_rooms(db, room_id, new_room_id ? new_room_id : room_id, ret);
}

enum rr_db reservation_lock(struct rr_mysql *db, const struct command *c, const struct locked_rooms *rooms,
                            struct reservation *ret)
{
    const struct rr_req *r = c->work.r;

    STORE_TRY(store_lock_reservation(db, &c->subject.reservation_id, ret));
    if (!r->admin && strcmp(ret->user_id, r->user) != 0)
        return RR_DB_NONE;
    return locked_room(rooms, ret->room_id) ? RR_DB_ONE : RR_DB_RETRY;
}

/* ---- decisions ---- */

enum rr_db reservation_refuse_rules(struct command *c, const struct rule_breaks *breaks)
{
    answer_refuse_rules(&c->answer, breaks);
    return RR_DB_ONE;
}

enum rr_db reservation_refuse_retired(struct command *c)
{
    answer_refuse(&c->answer, RR_ROOM_RETIRED, NULL);
    answer_end(&c->answer);
    return RR_DB_ONE;
}

enum rr_db reservation_answer(struct command *c, unsigned status, const struct reservation *r)
{
    c->subject = (struct rr_token){.kind = RR_TOKEN_RESERVATION,
                                   .reservation_id = r->id,
                                   .room_id = r->room_id,
                                   .version = (uint32_t)r->version};
    answer_reservation(&c->answer, status, r, c->minimal);
    return RR_DB_ONE;
}

/* The triggers have the last word anyway, so nobody asks before: a free slot costs no statement more. */
static enum rr_db refuse_overlap(struct rr_mysql *db, struct command *c, const struct reservation *wanted)
{
    struct conflicts conflicts;
    enum rr_db end = store_read_conflicts(db, wanted, &conflicts);

    if (end == RR_DB_NONE)
        return RR_DB_RETRY; /* somebody who does not lock rooms has just removed it by hand */
    STORE_TRY(end);
    answer_refuse_conflicts(&c->answer, &conflicts);
    c->overlapped = wanted;
    c->overlapped_until = conflicts.items[conflicts.n - 1].ends_at;
    return RR_DB_ONE;
}

/* The refusal stands, whatever comes of this: what cannot be found out is left out. */
void reservation_explain(struct rr_mysql *db, struct command *c)
{
    const int64_t now = rr_time_now(), next_minute = (now / RR_US_PER_MIN + 1) * RR_US_PER_MIN;
    const int64_t latest = now + app_of(c->work.r)->conf.rules.horizon_days * RR_US_PER_DAY;
    const struct reservation *wanted = c->overlapped;
    struct alternatives other;
    struct next_free next;
    bool next_known, other_known;

    next_known = store_find_next_free(db, wanted, c->overlapped_until, next_minute, latest, &next) >= 0;
    other_known = store_find_alternatives(db, wanted, &other) >= 0;
    answer_suggestions(&c->answer, next_known ? &next : NULL, other_known ? &other : NULL);
    answer_end(&c->answer);
}

enum rr_db reservation_write(struct rr_mysql *db, struct command *c,
                             enum rr_db (*write)(struct rr_mysql *db, const struct reservation *r),
                             struct reservation *wanted, unsigned status)
{
    enum rr_db end = write(db, wanted);

    if (end == RR_DB_FATAL && store_slot_taken(db))
        return refuse_overlap(db, c, wanted);
    STORE_TRY(end);
    STORE_TRY(store_read_reservation(db, &wanted->id, wanted));
    c->written = true;
    return reservation_answer(c, status, wanted);
}
