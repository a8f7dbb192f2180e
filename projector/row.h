/* row: the columns of a captured table, as a table: what each is called, its type, its range, and where it
 * goes. */
#pragma once

#include "arena.h"
#include "failure.h"
#include "scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_type {
    COLUMN_INT,  /* int64_t, min..max                                     */
    COLUMN_BOOL, /* bool; MySQL's TINYINT(1) comes as 0 and 1 or as a word */
    COLUMN_TEXT, /* struct text                                           */
    COLUMN_TEXT_OR_NULL,
    COLUMN_UUID, /* struct rr_uuid, 32 hexadecimal digits                 */
    COLUMN_TIME, /* int64_t, µs since 1970                                */
    COLUMN_ENUM, /* int, the index in `choices`                           */
};

struct column {
    const char *name;
    enum column_type type;
    size_t offset;
    int64_t min, max;
    const char *const *choices; /* NULL-terminated */
};

/* Reads the object `json` into `row` (zeroed by the caller). Columns come in any order; unknown ones are
 * passed over. */
int row_read(struct span json, const struct column *columns, size_t n, struct arena *arena, void *row,
             struct failure *f) RR_MUST_CHECK;
