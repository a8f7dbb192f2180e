#include "err.h"

#include <stddef.h>

static const struct row {
    enum rr_err err;
    unsigned status;
    const char *code, *title;
} rows[] = {
#define X(name, number, status, code, title) {RR_##name, status, code, title},
    RR_ERRORS(X)
#undef X
};

static const struct row *row_of(enum rr_err err)
{
    const size_t n = sizeof(rows) / sizeof(rows[0]);

    for (size_t i = 0; i < n; i++)
        if (rows[i].err == err)
            return &rows[i];
    return &rows[n - 1]; /* RR_INTERNAL, the table's last */
}

unsigned rr_err_status(enum rr_err err)
{
    return row_of(err)->status;
}

const char *rr_err_code(enum rr_err err)
{
    return row_of(err)->code;
}

const char *rr_err_title(enum rr_err err)
{
    return row_of(err)->title;
}

int rr_err_is_transient(enum rr_err err)
{
    return rr_err_status(err) == 503;
}
