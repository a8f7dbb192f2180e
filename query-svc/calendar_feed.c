/* GET /v1/calendars/{link}: a calendar feed. The link says whose, and that its reader may read it. It holds
 * at most 1000 reservations, those nearest to now of each part, so that what is over or cancelled does not
 * take the place of what is to come. */
#include "calendar.h"
#include "endpoints.h"
#include "icalendar.h"
#include "range.h"
#include "read.h"
#include "render.h"

#include "log.h"
#include "time.h"

#include <openssl/evp.h>
#include <stdio.h>

#define PAST_US (30 * RR_US_PER_DAY)

/* $1: subject; $2: whose; $3: now; $4, $5: what ends after $5 starts after $4.
 * No index tells confirmed from cancelled, and anybody can book and cancel one slot any number of times: so
 * each part walks an index away from now until it has its number, or has seen 5000. `id` is in no order here,
 * since then all that start at one time would be sorted first. */
#define STMT(name, whose)                                                                                    \
    {                                                                                                        \
        name, SQL_META                                                                                       \
            ", next AS NOT MATERIALIZED (SELECT * FROM reservation WHERE " whose                             \
            " AND NOT deleted AND starts_at > $3::timestamptz ORDER BY starts_at LIMIT 5000), "              \
            "begun AS NOT MATERIALIZED (SELECT * FROM reservation WHERE " whose                              \
            " AND NOT deleted AND starts_at <= $3 AND starts_at > $4::timestamptz "                          \
            "ORDER BY starts_at DESC LIMIT 5000) "                                                           \
            "SELECT m.*, i.*, coalesce(l.epoch, 0) FROM meta m "                                             \
            "LEFT JOIN projection.calendar_link l ON l.subject = $1::text LEFT JOIN ("                       \
            "SELECT " RENDER_RESERVATION_COLUMNS " FROM ("                                                   \
            "(SELECT * FROM next WHERE state = 'confirmed' ORDER BY starts_at LIMIT 600) UNION ALL "         \
            "(SELECT * FROM begun WHERE state = 'confirmed' AND ends_at > $3 "                               \
            "ORDER BY starts_at DESC LIMIT 50) UNION ALL "                                                   \
            "(SELECT * FROM begun WHERE state = 'confirmed' AND ends_at <= $3 "                              \
            "AND ends_at > $5::timestamptz ORDER BY starts_at DESC LIMIT 250) UNION ALL "                    \
            "(SELECT * FROM next WHERE state <> 'confirmed' ORDER BY starts_at LIMIT 50) UNION ALL "         \
            "(SELECT * FROM begun WHERE state <> 'confirmed' AND ends_at > $5 "                              \
            "ORDER BY starts_at DESC LIMIT 50)) parts) i ON true ORDER BY i.starts_at, i.id"                 \
    }
static const struct rr_pg_stmt stmt_user = STMT("calendar_user", "user_id = $2::text");
static const struct rr_pg_stmt stmt_room = STMT("calendar_room", "room_id = $2::bigint");
enum { COL_EPOCH = COL_DATA + RESERVATION_END };

static bool parse_link(const struct read *rd, struct calendar_link *ret)
{
    return calendar_parse(&rd->loop->calendar, rd->r->arg[0], ret);
}

static enum rr_err parse(struct read *rd)
{
    (void)rd; /* the link can be read when the key is known */
    return RR_OK;
}

static const struct rr_pg_stmt *first(struct read *rd)
{
    int64_t now = rr_time_now();
    char subject[CALENDAR_SUBJECT];
    struct calendar_link l;

    if (!rd->loop->calendar.known)
        return &calendar_stmt;
    if (!parse_link(rd, &l)) {
        rd->err = RR_NOT_FOUND;
        return NULL;
    }
    read_statement(rd, l.kind == CALENDAR_USER ? &stmt_user : &stmt_room);
    rd->err = read_param_copy(rd, calendar_subject(&l, subject));
    if (!rd->err)
        rd->err = read_param_copy(rd, l.id);
    read_param_time(rd, now);
    read_param_time(rd, now - PAST_US - LONGEST_US);
    read_param_time(rd, now - PAST_US);
    return NULL;
}

static enum rr_err first_answered(struct read *rd, const PGresult *res)
{
    return calendar_take(&rd->loop->calendar, res);
}

/* A hash of all that the feed shows. */
static char *hash_of(const PGresult *res, char out[25])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
        RR_BUG("SHA-256 cannot be computed");
    for (int row = 0; row < PQntuples(res); row++)
        for (int col = COL_DATA; col < PQnfields(res); col++)
            EVP_DigestUpdate(ctx, PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col) + 1);
    EVP_DigestFinal_ex(ctx, md, NULL);
    EVP_MD_CTX_free(ctx);
    for (int i = 0; i < 12; i++)
        snprintf(out + 2 * i, 3, "%02x", md[i]);
    return out;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    struct calendar_link l;
    char hash[25];
    const char *name;

    if (!parse_link(rd, &l) || l.epoch != (uint32_t)render_int(res, 0, COL_EPOCH))
        return RR_NOT_FOUND;
    if (read_not_modified(rd, hash_of(res, hash), true))
        return RR_OK;
    name = l.kind == CALENDAR_USER || PQgetisnull(res, 0, COL_DATA)
               ? l.id
               : PQgetvalue(res, 0, COL_DATA + RESERVATION_ROOM_NAME);
    icalendar_write(&rd->answer->body, name, res, COL_DATA, l.kind != CALENDAR_ROOM);
    return RR_OK;
}

const struct rr_operation calendar_feed_operation = {
    .method = "GET",
    .pattern = "/v1/calendars/{link}",
    .id = "getCalendar",
    .summary = "A calendar feed (RFC 5545)",
    .status = 200,
    .media = "text/calendar",
    .flags = RR_OP_READ | RR_OP_TEXT | RR_OP_ETAG | RR_OP_CACHED,
};

enum rr_step calendar_feed(struct rr_req *r)
{
    static const struct read_kind kind = {.parse = parse,
                                          .first = first,
                                          .first_answered = first_answered,
                                          .render = render,
                                          .media = "text/calendar; charset=utf-8"};

    return read_step(r, &kind);
}
