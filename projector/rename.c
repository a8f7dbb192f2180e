#include "rename.h"
#include "macros.h"
#include "time.h"

#define COLUMNS 5

/* Where one piece ends and the next begins. */
static const struct statement sql_bounds = {
    "rename_bounds",
    "SELECT room_id, starts_at FROM"
    " (SELECT v.room_id, v.starts_at, row_number() OVER (ORDER BY v.room_id, v.starts_at) AS n"
    "    FROM reservation v WHERE v.room_id = ANY ($1::bigint[])) k"
    " WHERE n % 50000 = 0 ORDER BY n"};
static const struct statement sql_piece = {
    "rename_piece",
    "UPDATE reservation v SET room_name = r.name, room_location = r.location"
    " FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::text[]) AS name, unnest($3::text[]) AS location,"
    "              unnest($4::timestamptz[]) AS after, unnest($5::timestamptz[]) AS upto) r"
    " WHERE v.room_id = r.id AND v.starts_at > r.after AND v.starts_at <= r.upto"
    "   AND (v.room_name, v.room_location) IS DISTINCT FROM (r.name, r.location)"};
const struct statement *const rename_statements[] = {&sql_bounds, &sql_piece};
const size_t rename_n_statements = RR_LEN(rename_statements);

/* (room, start), in the order of both. */
struct bound {
    int64_t room_id, starts_at;
};

static bool put_ids(struct pgarray *ids, const struct batch *b)
{
    pgarray_begin(ids, PG_INT8);
    for (const struct batch_room *r = b->rooms; r; r = r->next)
        if (r->is_renamed)
            pgarray_int8(ids, r->room.id);
    return ids->n > 0;
}

/* Of each room the reservations that are behind `after`, up to `upto`. Returns the number of the result. */
static int add_piece(struct store *s, const struct batch *b, struct pgarray c[COLUMNS],
                     const struct bound *after, const struct bound *upto)
{
    static const enum pg_type types[COLUMNS] = {PG_INT8, PG_TEXT, PG_TEXT, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ};
    struct params p = {.n = 0};

    for (int i = 0; i < COLUMNS; i++)
        pgarray_begin(&c[i], types[i]);
    for (const struct batch_room *r = b->rooms; r; r = r->next) {
        int64_t id = r->room.id;

        if (!r->is_renamed || id < after->room_id || id > upto->room_id)
            continue;
        pgarray_int8(&c[0], id);
        pgarray_text(&c[1], r->room.name);
        pgarray_text(&c[2], r->room.location);
        pgarray_time(&c[3], id == after->room_id ? after->starts_at : RR_TIME_MIN - 1);
        pgarray_time(&c[4], id == upto->room_id ? upto->starts_at : RR_TIME_MAX);
    }
    for (int i = 0; i < COLUMNS; i++)
        params_array(&p, &c[i]);
    return store_add(s, &sql_piece, &p);
}

static int rename_pieces(struct store *s, const struct batch *b, struct pgarray c[COLUMNS], struct failure *f)
{
    struct bound after = {.room_id = 0}, last = {.room_id = INT64_MAX};
    struct params p = {.n = 0};
    const PGresult *bounds;
    int number;

    params_array(&p, &c[0]);
    number = store_add(s, &sql_bounds, &p);
    if (store_trip(s, f) != 0)
        return -1;
    bounds = store_result(s, number);
    for (int i = 0; i < PQntuples(bounds); i++) {
        const struct bound upto = {.room_id = store_int8(bounds, i, 0),
                                   .starts_at = store_time(bounds, i, 1)};

        number = add_piece(s, b, c, &after, &upto);
        if (store_trip(s, f) != 0)
            return -1;
        store_clear_from(s, number); /* a store keeps only so many */
        after = upto;
    }
    add_piece(s, b, c, &after, &last);
    return 0;
}

int rename_reservations(struct store *s, const struct batch *b, struct failure *f)
{
    struct pgarray column[COLUMNS] = {{.n = 0}};
    int end = put_ids(&column[0], b) ? rename_pieces(s, b, column, f) : 0;

    for (int i = 0; i < COLUMNS; i++)
        pgarray_fini(&column[i]);
    return end;
}
