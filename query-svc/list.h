/* list: what all lists share: limit and cursor, the envelope, the link to the next page.
 *
 * Pages are found by key, never by counting: a page costs the same wherever it is, and neither skips nor
 * repeats an item because others came or went. A statement is asked for one item more than the page holds:
 * that tells whether there is a next page. */
#pragma once

#include "cursor.h"
#include "read.h"

/* The first two rows of a list's fields; its filters follow. */
enum { LIST_LIMIT, LIST_CURSOR, LIST_FILTERS };
#define LIST_FIELDS                                                                                          \
    [LIST_LIMIT] = {"limit", RR_FIELD_UINT, 0, 1, 200, NULL}, [LIST_CURSOR] = {                              \
                                                                  "cursor", RR_FIELD_TEXT, 0, 1, 200, NULL}

/* Sets rd->limit. *c keeps what the caller put there, the place before the first item, unless there is a
 * cursor. RR_CURSOR_INVALID. */
enum rr_err list_parse(struct read *rd, struct cursor *c) RR_MUST_CHECK;
/* The statement's LIMIT, as its next parameter. */
void list_param_limit(struct read *rd);

struct list_kind {
    /* One item, as members of an object that is open; row's data begins at COL_DATA. */
    void (*item)(const struct read *rd, struct rr_json *j, const PGresult *res, int row);
    /* Where the next page begins when `row` is the last item of this one. */
    void (*key)(const struct read *rd, const PGresult *res, int row, struct cursor *ret);
};

/* {"as_of", "items", "next_cursor"} and the Link header. The first data column is never null in an item. */
enum rr_err list_render(struct read *rd, const PGresult *res, const struct list_kind *kind) RR_MUST_CHECK;
