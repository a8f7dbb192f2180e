/* GET /v1/statistics/busy-hours: when reservations start and rooms are occupied, by local weekday and hour.
 *
 * A day is a row of 96 quarter-hours in UTC. All offsets of time zones in use are multiples of a
 * quarter-hour, so each belongs to one local hour, also across a clock change. PostgreSQL tells the local
 * time at each day's begin, and only where a day has not 24 hours the one at every quarter-hour (a zone's
 * changes lie more than a day apart); the sums are made here: that costs a hundredth of what 96 conversions a
 * day would. */
#include "busy_fold.h"
#include "endpoints.h"
#include "range.h"
#include "read.h"
#include "render.h"

enum { FROM, TO, TZ, ROOM, BY, N_FIELDS };
enum { BY_RESERVATIONS, BY_MINUTES };

static const char *const measures[] = {"reservations", "minutes", NULL};

static const struct rr_field fields[N_FIELDS] = {
    [FROM] = RANGE_FIELD("from"),
    [TO] = RANGE_FIELD("to"),
    [TZ] = {"tz", RR_FIELD_TEXT, 0, 1, 64, NULL},
    [ROOM] = {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    [BY] = {"by", RR_FIELD_ENUM, 0, 0, 0, measures},
};

/* $1, $2: first and last day; $3: zone. Between the two parts stands which rows. Local times are read as if
 * they were UTC's, in seconds since 1970. */
#define BEFORE_DAYS                                                                                          \
    SQL_META                                                                                                 \
    "SELECT m.*, i.day - date '1970-01-01', i.starts, i.minutes, extract(epoch FROM i.begins)::bigint, "     \
    "CASE WHEN i.ends - i.begins <> interval '24 hours' THEN ARRAY("                                         \
    "SELECT extract(epoch FROM "                                                                             \
    "(i.day + q * interval '15 minutes') AT TIME ZONE 'UTC' AT TIME ZONE $3)::bigint "                       \
    "FROM generate_series(0, 95) q ORDER BY q) END FROM meta m LEFT JOIN ("                                  \
    "SELECT day, starts, minutes, day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE $3::text AS begins, "       \
    "(day + 1)::timestamp AT TIME ZONE 'UTC' AT TIME ZONE $3 AS ends FROM "
#define AFTER_DAYS ") i ON true"

static const struct rr_pg_stmt stmt_all = {
    "busy_hours",
    BEFORE_DAYS "total_day WHERE day BETWEEN $1::date AND $2::date" AFTER_DAYS,
};
/* The key is (day, room_id): a list of days is one look-up each, a range of days would be all rooms of those
 * days. */
static const struct rr_pg_stmt stmt_room = {
    "busy_hours_room",
    BEFORE_DAYS "room_day WHERE room_id = $4::bigint AND day = ANY (ARRAY("
                "SELECT $1::date + n FROM generate_series(0, $2::date - $1::date) n))" AFTER_DAYS,
};
enum { COL_DAY = COL_DATA, COL_STARTS, COL_MINUTES, COL_LOCAL, COL_LOCALS };

static const char *zone(const struct read *rd)
{
    return rd->v[TZ].set ? rd->v[TZ].text : "UTC";
}

static enum rr_err parse(struct read *rd)
{
    struct range range;
    struct range_cut cut;
    enum rr_err err = range_take_quarters(rd->r, &rd->v[FROM], &rd->v[TO], &range);

    if (err)
        return err;
    range_cut(&range, &cut);
    read_statement(rd, rd->v[ROOM].set ? &stmt_room : &stmt_all);
    rd->question.query.slow = true;
    read_param_day(rd, cut.head.day);
    read_param_day(rd, cut.tail.day);
    read_param_text(rd, zones_sql_name(zone(rd)));
    if (rd->v[ROOM].set)
        read_param_filter(rd, &rd->v[ROOM]);
    return RR_OK;
}

static const struct rr_pg_stmt *first(struct read *rd)
{
    const struct zones *zones = &rd->loop->zones;

    if (!rd->v[TZ].set || zones_has(zones, rd->v[TZ].text))
        return NULL;
    if (zones_outdated(zones, rr_time_monotonic()))
        return &zones_stmt;
    rr_problem_param(rd->r, "tz", "is not an IANA time zone");
    rd->err = RR_RULE_BROKEN;
    return NULL;
}

static enum rr_err first_answered(struct read *rd, const PGresult *res)
{
    return zones_fill(&rd->loop->zones, res);
}

/* ---- the answer ---- */

static bool take_local(struct busy_day *day, const PGresult *res, int row)
{
    int64_t begin = render_int(res, row, COL_LOCAL);

    if (!PQgetisnull(res, row, COL_LOCALS))
        return busy_parse_array(PQgetvalue(res, row, COL_LOCALS), day->local, BUSY_QUARTERS);
    for (int q = 0; q < BUSY_QUARTERS; q++)
        day->local[q] = begin + q * (QUARTER_US / RR_US_PER_SEC);
    return true;
}

static bool take_day(struct busy_day *day, const PGresult *res, int row)
{
    return busy_parse_array(PQgetvalue(res, row, COL_STARTS), day->starts, BUSY_QUARTERS) &&
           busy_parse_array(PQgetvalue(res, row, COL_MINUTES), day->minutes, BUSY_QUARTERS) &&
           take_local(day, res, row);
}

static bool fold(struct busy *b, const struct read *rd, const PGresult *res)
{
    struct busy_day day;

    for (int row = 0; row < PQntuples(res); row++) {
        int64_t begin = render_int(res, row, COL_DAY) * RR_US_PER_DAY;
        int64_t lo = (rd->v[FROM].time - begin) / QUARTER_US, hi = (rd->v[TO].time - begin) / QUARTER_US;

        if (!take_day(&day, res, row))
            return false;
        busy_add(b, &day, lo < 0 ? 0 : (int)lo, hi > BUSY_QUARTERS ? BUSY_QUARTERS : (int)hi);
    }
    return true;
}

static void render_cells(struct rr_json *j, const struct busy *b)
{
    rr_json_array(j, "cells");
    for (int w = 0; w < BUSY_WEEKDAYS; w++)
        for (int h = 0; h < BUSY_HOURS; h++) {
            rr_json_object(j, NULL);
            rr_json_int(j, "weekday", w + 1);
            rr_json_int(j, "hour", h);
            rr_json_int(j, "reservations", b->cell[w][h].reservations);
            rr_json_int(j, "reserved_minutes", b->cell[w][h].minutes);
            rr_json_end_object(j);
        }
    rr_json_end_array(j);
}

static void render_busiest(struct rr_json *j, const char *name, int v)
{
    if (v < 0)
        rr_json_null(j, name);
    else
        rr_json_int(j, name, v);
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    bool by_minutes = rd->v[BY].u == BY_MINUTES;
    struct busy b = {0};
    struct rr_json j;

    if (!PQgetisnull(res, 0, COL_DATA) && !fold(&b, rd, res)) {
        rr_log(RR_LOG_ERROR, &rd->r->log, "a day of the read model has not 96 quarter-hours", "");
        return RR_INTERNAL;
    }
    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    rr_json_time(&j, "as_of", rd->answer->as_of);
    rr_json_text(&j, "tz", zone(rd));
    render_cells(&j, &b);
    render_busiest(&j, "busiest_weekday", busy_weekday(&b, by_minutes));
    render_busiest(&j, "busiest_hour", busy_hour(&b, by_minutes));
    rr_json_end_object(&j);
    return RR_OK;
}

const struct rr_operation busy_hours_operation = {
    .method = "GET",
    .pattern = "/v1/statistics/busy-hours",
    .id = "getBusyHours",
    .summary = "When reservations start and rooms are occupied, by local weekday and hour",
    .status = 200,
    .answer = "BusyHours",
    .flags = RR_OP_READ,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_RULE_BROKEN},
};

enum rr_step busy_hours(struct rr_req *r)
{
    static const struct read_kind kind = {.fields = fields,
                                          .n_fields = N_FIELDS,
                                          .parse = parse,
                                          .first = first,
                                          .first_answered = first_answered,
                                          .render = render,
                                          .shared = BY_ALL};

    return read_step(r, &kind);
}
