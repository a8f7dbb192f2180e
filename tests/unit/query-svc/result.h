/* result: a PGresult as a server would have sent it, without a server. */
#pragma once

#include "unit.h"

#include <libpq-fe.h>
#include <string.h>

enum { RESULT_COLUMNS_MAX = 32 };

static inline PGresult *result_new(int columns)
{
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc attributes[RESULT_COLUMNS_MAX] = {0};

    for (int i = 0; i < columns; i++)
        attributes[i].name = (char *)(uintptr_t) "column";
    assert_true(PQsetResultAttrs(res, columns, attributes));
    return res;
}

/* NULL is SQL NULL. */
static inline void result_add(PGresult *res, const char *const *values)
{
    int row = PQntuples(res);

    for (int i = 0; i < PQnfields(res); i++) {
        char *value = (char *)(uintptr_t)values[i];

        assert_true(PQsetvalue(res, row, i, value, value ? (int)strlen(value) : -1));
    }
}
