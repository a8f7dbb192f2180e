#include "rename.h"
#include "macros.h"

/* Where one piece ends and the next begins: 50 places at most, since a store's answers are kept. */
static const struct statement sql_bounds = {
    "rename_bounds",
    "SELECT room_id, starts_at FROM"
    " (SELECT v.room_id, v.starts_at, row_number() OVER (ORDER BY v.room_id, v.starts_at) AS n,"
    "         count(*) OVER () AS total FROM reservation v WHERE v.room_id = ANY ($1::bigint[])) k"
    " WHERE n % greatest(50000, total / 50) = 0 ORDER BY n"};
static const struct statement sql_piece = {
    "rename_piece", "UPDATE reservation v SET room_name = r.name, room_location = r.location"
                    " FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r(id, name, location)"
                    " WHERE v.room_id = r.id AND (v.room_id, v.starts_at) > ($4::bigint, $5::timestamptz)"
                    "   AND (v.room_id, v.starts_at) <= ($6::bigint, $7::timestamptz)"
                    "   AND (v.room_name, v.room_location) IS DISTINCT FROM (r.name, r.location)"};
const struct statement *const rename_statements[] = {&sql_bounds, &sql_piece};
const size_t rename_n_statements = RR_LEN(rename_statements);

struct names {
    struct pgarray ids, names, locations;
};

/* (room, start), in the order of both. */
struct bound {
    int64_t room_id, starts_at;
};

static void put_names(const struct batch *b, struct names *n)
{
    pgarray_begin(&n->ids, PG_INT8);
    pgarray_begin(&n->names, PG_TEXT);
    pgarray_begin(&n->locations, PG_TEXT);
    for (const struct batch_room *r = b->rooms; r; r = r->next)
        if (r->is_renamed) {
            pgarray_int8(&n->ids, r->room.id);
            pgarray_text(&n->names, r->room.name);
            pgarray_text(&n->locations, r->room.location);
        }
}

static void add_piece(struct store *s, struct names *n, const struct bound *after, const struct bound *upto)
{
    struct params p = {.n = 0};

    params_array(&p, &n->ids);
    params_array(&p, &n->names);
    params_array(&p, &n->locations);
    params_int8(&p, after->room_id);
    params_time(&p, after->starts_at);
    params_int8(&p, upto->room_id);
    params_time(&p, upto->starts_at);
    store_add(s, &sql_piece, &p);
}

static int rename_pieces(struct store *s, struct names *n, struct failure *f)
{
    struct bound after = {.room_id = 0}, upto = {.room_id = INT64_MAX};
    struct params p = {.n = 0};
    const PGresult *bounds;
    int number;

    params_array(&p, &n->ids);
    number = store_add(s, &sql_bounds, &p);
    if (store_trip(s, f) != 0)
        return -1;
    bounds = store_result(s, number);
    for (int i = 0; i < PQntuples(bounds); i++) {
        const struct bound next = {.room_id = store_int8(bounds, i, 0),
                                   .starts_at = store_time(bounds, i, 1)};

        add_piece(s, n, &after, &next);
        if (store_trip(s, f) != 0)
            return -1;
        after = next;
    }
    add_piece(s, n, &after, &upto);
    return 0;
}

int rename_reservations(struct store *s, const struct batch *b, struct failure *f)
{
    struct names n = {.ids = {.n = 0}};
    int end = 0;

    put_names(b, &n);
    if (n.ids.n > 0)
        end = rename_pieces(s, &n, f);
    pgarray_fini(&n.ids);
    pgarray_fini(&n.names);
    pgarray_fini(&n.locations);
    return end;
}
