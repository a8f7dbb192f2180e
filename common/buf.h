/* rr_buf: a growing byte buffer for answers and log lines.
 *
 * Failure is sticky: after one failed allocation all further calls do nothing and `failed` says so, so that a
 * writer checks once, at the end. Zero-initialised is empty. Not shared between threads. */
#pragma once

#include "macros.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct rr_buf {
    char *data; /* always NUL-terminated when not NULL */
    size_t len, cap;
    bool failed;
};

void rr_buf_fini(struct rr_buf *b);
void rr_buf_reset(struct rr_buf *b); /* empties it and keeps the memory */
void rr_buf_put(struct rr_buf *b, const void *data, size_t len);
void rr_buf_puts(struct rr_buf *b, const char *s);
void rr_buf_printf(struct rr_buf *b, const char *fmt, ...) RR_PRINTF(2, 3);
void rr_buf_vprintf(struct rr_buf *b, const char *fmt, va_list ap) RR_PRINTF(2, 0);
/* A finite number in the shortest form that reads back as the same double. */
void rr_buf_real(struct rr_buf *b, double v);
/* Moves the bytes out (malloc'ed, NUL-terminated, free() them); NULL if the buffer has failed. `b` is empty
 * after. */
char *rr_buf_steal(struct rr_buf *b, size_t *ret_len);

static inline void rr_auto_buf(struct rr_buf *b) /* rr_auto(buf) struct rr_buf b = {0}; */
{
    rr_buf_fini(b);
}
