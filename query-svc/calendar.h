/* calendar: links to calendar feeds. Calendar programs cannot send a bearer token, so the link itself carries
 * the right to read: what it shows, of whom, an epoch, and a signature (HMAC-SHA-256, cut to 16 bytes) over
 * these. It is good until its subject's epoch is raised. The key lies in the database, outside the
 * generations, so that all instances take each other's links. Threads: struct calendar belongs to its loop.
 */
#pragma once

#include "pg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes; a user id has at most 128 characters. */
enum { CALENDAR_SECRET = 32, CALENDAR_ID = 128 * 4, CALENDAR_SUBJECT = CALENDAR_ID + 6, CALENDAR_LINK = 768 };

struct calendar { /* the key, asked once a loop */
    bool known;
    unsigned char secret[CALENDAR_SECRET];
};

extern const struct rr_pg_stmt calendar_stmt;
enum rr_err calendar_take(struct calendar *c, const PGresult *res) RR_MUST_CHECK;

enum calendar_kind {
    CALENDAR_USER = 'u',    /* a user's reservations */
    CALENDAR_ROOM = 'r',    /* when a room is taken */
    CALENDAR_DETAILS = 'd', /* the same, with titles and users; for admins */
};

struct calendar_link {
    enum calendar_kind kind;
    uint32_t epoch;
    char id[CALENDAR_ID + 1]; /* of the user or room */
};

/* user:<id> or room:<id>, as projection.calendar_link has it. */
char *calendar_subject(const struct calendar_link *l, char out[CALENDAR_SUBJECT]);
/* The last segment of the link's path. */
char *calendar_format(const struct calendar *c, const struct calendar_link *l, char out[CALENDAR_LINK]);
/* False: not one of ours. Whether its epoch still holds is for the caller to compare. */
bool calendar_parse(const struct calendar *c, const char *text, struct calendar_link *ret);
