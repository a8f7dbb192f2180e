#include "pgarray.h"

#include <endian.h>
#include <string.h>

#define HEADER_BYTES 20 /* dimensions, has nulls, element type, length, lower bound */

static void put32(char *at, uint32_t v)
{
    v = htobe32(v);
    memcpy(at, &v, sizeof(v));
}

static uint32_t get32(const char *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return be32toh(v);
}

void pgarray_begin(struct pgarray *a, enum pg_type type)
{
    char header[HEADER_BYTES] = {0};

    put32(header, 1);
    put32(header + 4, 1);
    put32(header + 8, type);
    put32(header + 16, 1);
    rr_buf_reset(&a->buf);
    rr_buf_put(&a->buf, header, sizeof(header));
    a->n = 0;
}

void pgarray_end(struct pgarray *a)
{
    if (!a->buf.failed)
        put32(a->buf.data + 12, a->n);
}

void pgarray_fini(struct pgarray *a)
{
    rr_buf_fini(&a->buf);
}

/* An element of at most 16 bytes in one go. */
static void put(struct pgarray *a, const void *data, uint32_t len)
{
    char element[4 + 16];

    put32(element, len);
    memcpy(element + 4, data, len);
    rr_buf_put(&a->buf, element, 4 + len);
    a->n++;
}

void pgarray_null(struct pgarray *a)
{
    static const char null[4] = {'\xff', '\xff', '\xff', '\xff'};

    rr_buf_put(&a->buf, null, sizeof(null));
    a->n++;
}

void pgarray_bool(struct pgarray *a, bool v)
{
    put(a, &(char){(char)v}, 1);
}

void pgarray_int2(struct pgarray *a, int16_t v)
{
    put(a, &(uint16_t){htobe16((uint16_t)v)}, 2);
}

void pgarray_int4(struct pgarray *a, int32_t v)
{
    put(a, &(uint32_t){htobe32((uint32_t)v)}, 4);
}

void pgarray_int8(struct pgarray *a, int64_t v)
{
    put(a, &(uint64_t){htobe64((uint64_t)v)}, 8);
}

void pgarray_date(struct pgarray *a, int64_t days)
{
    pgarray_int4(a, (int32_t)(days - PG_EPOCH_DAYS));
}

void pgarray_time(struct pgarray *a, int64_t us)
{
    pgarray_int8(a, us - PG_EPOCH_US);
}

void pgarray_uuid(struct pgarray *a, const struct rr_uuid *v)
{
    put(a, v->b, sizeof(v->b));
}

void pgarray_text(struct pgarray *a, struct text v)
{
    char len[4];

    if (!v.s) {
        pgarray_null(a);
        return;
    }
    put32(len, (uint32_t)v.n);
    rr_buf_put(&a->buf, len, sizeof(len));
    rr_buf_put(&a->buf, v.s, v.n);
    a->n++;
}

void pgarray_jsonb(struct pgarray *a, struct text json)
{
    char prefix[5];

    put32(prefix, (uint32_t)json.n + 1);
    prefix[4] = 1; /* jsonb_recv's version */
    rr_buf_put(&a->buf, prefix, sizeof(prefix));
    rr_buf_put(&a->buf, json.s, json.n);
    a->n++;
}

/* Whether `data` is an array of n elements of `size` bytes each, counted from 1; a null among them would make
 * it shorter. */
static bool is_plain(const char *data, size_t len, size_t n, size_t size)
{
    return len == HEADER_BYTES + n * (4 + size) && get32(data) == 1 && get32(data + 12) == n &&
           get32(data + 16) == 1;
}

bool pgarray_read_int2(const char *data, size_t len, int32_t *out, size_t n)
{
    if (!is_plain(data, len, n, 2))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint16_t v;

        memcpy(&v, data + HEADER_BYTES + i * 6 + 4, sizeof(v));
        out[i] = (int16_t)be16toh(v);
    }
    return true;
}

bool pgarray_read_int4(const char *data, size_t len, int32_t *out, size_t n)
{
    if (!is_plain(data, len, n, 4))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (int32_t)get32(data + HEADER_BYTES + i * 8 + 4);
    return true;
}
