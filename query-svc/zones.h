/* zones: the IANA time zones that PostgreSQL knows.
 *
 * AT TIME ZONE takes more than names: abbreviations, POSIX rules ("EST5EDT4", "foo+3"), any letter case.
 * Those would make an answer for a zone that nobody meant, so only what pg_timezone_names lists, as it is
 * listed there, is taken.
 *
 * PostgreSQL opens every file of tzdata for that list, which takes a tenth of a second: it is asked as a slow
 * query, when the connection for notifications stands, before anybody needs it, and again when a name is not
 * in a list that is older than an hour: that is how the zones of a later tzdata become known. Threads:
 * belongs to its loop. */
#pragma once

#include "pg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zones {
    char *text; /* the names, each with its NUL */
    const char **name;
    size_t n;      /* 0: not known yet */
    int64_t asked; /* rr_time_monotonic() when the list came */
    struct rr_query query;
    struct rr_timer retry;
    struct rr_loop *loop;
    struct rr_pg *pg;
    uint32_t timeout_ms;
    bool under_way;
};

extern const struct rr_pg_stmt zones_stmt;
void zones_init(struct zones *z, struct rr_loop *l, struct rr_pg *pg, uint32_t timeout_ms);
/* Asks for the list without anybody waiting for it, until it comes; nothing if it is being asked for. */
void zones_ask(struct zones *z);
/* Nothing is asked any more. Then free the connections, then zones_fini(). */
void zones_end(struct zones *z);
enum rr_err zones_fill(struct zones *z, const PGresult *res) RR_MUST_CHECK;
/* Whether a name that is not there may be there by now. */
bool zones_outdated(const struct zones *z, int64_t now);
void zones_fini(struct zones *z);

bool zones_has(const struct zones *z, const char *name);
/* What to write into SQL for a zone that is there. */
const char *zones_sql_name(const char *name);
