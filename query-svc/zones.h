/* zones: the IANA time zones that PostgreSQL knows, asked once a loop.
 *
 * AT TIME ZONE takes more than names: abbreviations, POSIX rules ("EST5EDT4", "foo+3"), any letter case.
 * Those would make an answer for a zone that nobody meant, so only what pg_timezone_names lists, as it is
 * listed there, is taken. New zones of a later tzdata are known after the next start. Threads: belongs to its
 * loop. */
#pragma once

#include "pg.h"

#include <stdbool.h>
#include <stddef.h>

struct zones {
    char *text; /* the names, each with its NUL */
    const char **name;
    size_t n; /* 0: not asked yet */
};

extern const struct rr_pg_stmt zones_stmt;
enum rr_err zones_fill(struct zones *z, const PGresult *res) RR_MUST_CHECK;
void zones_fini(struct zones *z);

bool zones_has(const struct zones *z, const char *name);
/* What to write into SQL for a zone that is there. */
const char *zones_sql_name(const char *name);
