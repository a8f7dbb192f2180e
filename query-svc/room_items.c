#include "room_items.h"
#include "list.h"
#include "render.h"

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    (void)rd;
    render_room(j, res, row, COL_DATA);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    (void)rd;
    ret->minor = (uint64_t)render_int(res, row, COL_DATA + ROOM_ID);
}

enum rr_err room_items_render(struct read *rd, const PGresult *res)
{
    static const struct list_kind list = {item, key};

    return list_render(rd, res, &list);
}
