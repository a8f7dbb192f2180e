#include "zones.h"

#include <stdlib.h>
#include <string.h>

/* Debian's tzdata also has the files of the system itself and a second copy of every zone. */
const struct rr_pg_stmt zones_stmt = {
    "zones",
    "SELECT name FROM pg_timezone_names "
    "WHERE name NOT LIKE 'posix%' AND name NOT LIKE 'right/%' AND name NOT IN ('localtime', 'Factory') "
    "ORDER BY name COLLATE \"C\"",
};

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
    *z = new;
    return n ? RR_OK : RR_INTERNAL;
}

void zones_fini(struct zones *z)
{
    free(z->text);
    free(z->name);
    *z = (struct zones){0};
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
