#include "buf.h"

#include <stdint.h>
#include <stdio.h>

enum { FIRST_CAP = 256 };

/* Room for `more` bytes and the NUL. */
static bool reserve(struct rr_buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    char *data;

    if (b->failed)
        return false;
    if (more < b->cap - b->len)
        return true;
    if (more > SIZE_MAX / 2 - b->len - 1)
        goto fail;
    while (cap <= b->len + more)
        cap *= 2;
    data = realloc(b->data, cap);
    if (!data)
        goto fail;
    b->data = data;
    b->cap = cap;
    return true;
fail:
    b->failed = true;
    return false;
}

void rr_buf_fini(struct rr_buf *b)
{
    free(b->data);
    *b = (struct rr_buf){0};
}

void rr_buf_reset(struct rr_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

void rr_buf_put(struct rr_buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void rr_buf_puts(struct rr_buf *b, const char *s)
{
    rr_buf_put(b, s, strlen(s));
}

void rr_buf_printf(struct rr_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    rr_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void rr_buf_vprintf(struct rr_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    if (!reserve(b, 0))
        return;
    va_copy(again, ap);
    n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
    if (n < 0)
        b->failed = true;
    else if ((size_t)n >= b->cap - b->len && reserve(b, (size_t)n))
        vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
    va_end(again);
    if (b->failed)
        b->data[b->len] = '\0';
    else
        b->len += (size_t)n;
}

void rr_buf_real(struct rr_buf *b, double v)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    rr_buf_puts(b, text);
}

char *rr_buf_steal(struct rr_buf *b, size_t *ret_len)
{
    char *data = NULL;

    if (reserve(b, 0)) {
        b->data[b->len] = '\0';
        if (ret_len)
            *ret_len = b->len;
        data = rr_take(b->data);
    }
    rr_buf_fini(b);
    return data;
}
