#include "zones.h"

#include "log.h"
#include "time.h"

#include <stdlib.h>
#include <string.h>

/* Debian's tzdata also has the files of the system itself and a second copy of every zone. */
const struct rr_pg_stmt zones_stmt = {
    "zones",
    "SELECT name FROM pg_timezone_names "
    "WHERE name NOT LIKE 'posix%' AND name NOT LIKE 'right/%' AND name NOT IN ('localtime', 'Factory') "
    "ORDER BY name COLLATE \"C\"",
};

#define KEEP_US  (3600 * RR_US_PER_SEC)
#define RETRY_US RR_US_PER_SEC

enum rr_err zones_fill(struct zones *z, const PGresult *res)
{
    size_t n = (size_t)PQntuples(res), size = 1;
    struct zones new = {0};
    char *to;

    for (size_t i = 0; i < n; i++)
        size += (size_t)PQgetlength(res, (int)i, 0) + 1;
    new.text = to = malloc(size);
    new.name = calloc(n + 1, sizeof(*new.name));
    if (!new.text || !new.name) {
        zones_fini(&new);
        return RR_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        new.name[i] = to;
        to = stpcpy(to, PQgetvalue(res, (int)i, 0)) + 1;
    }
    new.n = n;
    zones_fini(z);
    z->text = new.text;
    z->name = new.name;
    z->n = n;
    z->asked = rr_time_monotonic();
    return n ? RR_OK : RR_INTERNAL;
}

void zones_fini(struct zones *z)
{
    free(z->text);
    free(z->name);
    z->text = NULL;
    z->name = NULL;
    z->n = 0;
}

/* After a failed try to connect the connection for this may come later than the one that made us ask. */
static void try_later(struct zones *z)
{
    if (z->loop && rr_timer_arm(z->loop, &z->retry, rr_time_monotonic() + RETRY_US))
        rr_warn("time zones are asked for when they are needed: no memory", "");
}

static void answered(struct rr_query *q)
{
    struct zones *z = q->arg;

    z->under_way = false;
    if (q->err || zones_fill(z, q->res))
        try_later(z);
}

void zones_ask(struct zones *z)
{
    if (z->under_way)
        return;
    z->query = (struct rr_query){
        .stmt = &zones_stmt, .timeout_ms = z->timeout_ms, .slow = true, .done = answered, .arg = z};
    z->under_way = rr_pg_submit(z->pg, &z->query) == RR_OK;
    if (!z->under_way)
        try_later(z);
}

static void ask_again(struct rr_timer *t)
{
    zones_ask(t->arg);
}

void zones_init(struct zones *z, struct rr_loop *l, struct rr_pg *pg, uint32_t timeout_ms)
{
    *z = (struct zones){.loop = l, .pg = pg, .timeout_ms = timeout_ms};
    z->retry = (struct rr_timer){.fire = ask_again, .arg = z};
}

void zones_end(struct zones *z)
{
    if (z->loop)
        rr_timer_cancel(z->loop, &z->retry);
    z->loop = NULL;
}

bool zones_outdated(const struct zones *z, int64_t now)
{
    return !z->n || now - z->asked > KEEP_US;
}

static int compare(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

bool zones_has(const struct zones *z, const char *name)
{
    return z->n && bsearch(name, z->name, z->n, sizeof(*z->name), compare);
}

/* AT TIME ZONE looks among abbreviations first, and there these four are fixed offsets without summer time.
 * As zones they are what tzdata itself has made them links to. */
const char *zones_sql_name(const char *name)
{
    static const char *const same[][2] = {
        {"CET", "Europe/Brussels"},
        {"MET", "Europe/Brussels"},
        {"EET", "Europe/Athens"},
        {"WET", "Europe/Lisbon"},
    };

    for (size_t i = 0; i < RR_LEN(same); i++)
        if (strcmp(name, same[i][0]) == 0)
            return same[i][1];
    return name;
}
