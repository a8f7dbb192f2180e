#include "store.h"

struct reading {
    struct rr_uuid self;
    int64_t length, earliest;
    int64_t free_from; /* the end of what has been read */
    uint64_t page, n;
    int64_t starts_at, ends_at;
    bool found;
};

static int64_t candidate(const struct reading *rd)
{
    return rd->free_from > rd->earliest ? rd->free_from : rd->earliest;
}

static bool take_row(void *arg)
{
    struct reading *rd = arg;

    rd->n++;
    rd->found = rd->starts_at - candidate(rd) >= rd->length;
    if (!rd->found && rd->ends_at > rd->free_from)
        rd->free_from = rd->ends_at;
    return !rd->found;
}

/* Reservations of a room do not overlap, so those that matter start where the last one ended, or later. */
static enum rr_db read_page(struct rr_mysql *db, uint64_t room_id, struct reading *rd)
{
    const struct rr_sql_in in[] = {RR_IN_UINT(room_id), RR_IN_TIME(rd->free_from),
                                   RR_IN_BYTES(rd->self.b, sizeof(rd->self.b)), RR_IN_UINT(rd->page)};
    const struct rr_sql_out out[] = {{.type = RR_SQL_TIME, .p = &rd->starts_at},
                                     {.type = RR_SQL_TIME, .p = &rd->ends_at}};

    rd->n = 0;
    return rr_mysql_each(db,
                         "SELECT starts_at, ends_at FROM reservation FORCE INDEX (by_room)"
                         " WHERE room_id = ? AND state = 'confirmed' AND starts_at >= ? AND id <> ?"
                         " ORDER BY starts_at LIMIT ?",
                         in, RR_LEN(in), out, RR_LEN(out), take_row, rd);
}

/* Pages grow: mostly the gap is near, and a room without one is given up at a bounded cost. */
enum rr_db store_find_next_free(struct rr_mysql *db, const struct reservation *wanted, int64_t from,
                                int64_t earliest, int64_t latest, struct next_free *ret)
{
    enum { FIRST_PAGE = 16, GROWTH = 4, LAST_PAGE = 4096 };
    struct reading rd = {.self = wanted->id,
                         .length = wanted->ends_at - wanted->starts_at,
                         .earliest = earliest,
                         .free_from = from};

    ret->found = false;
    for (rd.page = FIRST_PAGE; rd.page <= LAST_PAGE && rd.free_from <= latest; rd.page *= GROWTH) {
        enum rr_db end = read_page(db, wanted->room_id, &rd);

        if (end != RR_DB_ONE && end != RR_DB_NONE)
            return end;
        if (!rd.found && rd.n == rd.page)
            continue;
        if (candidate(&rd) > latest)
            break;
        *ret = (struct next_free){true, candidate(&rd), candidate(&rd) + rd.length};
        return RR_DB_ONE;
    }
    return RR_DB_NONE;
}
