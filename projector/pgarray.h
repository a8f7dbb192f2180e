/* pgarray: one-dimensional arrays in PostgreSQL's binary format (array_send), what UNNEST takes in.
 *
 *   pgarray_begin(&a, PG_INT8);
 *   pgarray_int8(&a, 1);
 *   pgarray_null(&a);
 *   pgarray_end(&a);         now a.buf.data and a.buf.len are the parameter
 *
 * The array's memory is used again by the next pgarray_begin(). Failure is sticky, as in buf.h. */
#pragma once

#include "buf.h"
#include "change.h"
#include "uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* Object ids of PostgreSQL's types: fixed in its catalogue. */
enum pg_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_DATE = 1082,
    PG_TIMESTAMPTZ = 1184,
    PG_UUID = 2950,
    PG_JSONB = 3802,
};

/* 2000-01-01, where PostgreSQL counts from, in µs and in days since 1970. */
#define PG_EPOCH_US   INT64_C(946684800000000)
#define PG_EPOCH_DAYS 10957

struct pgarray {
    struct rr_buf buf;
    uint32_t n;
};

void pgarray_begin(struct pgarray *a, enum pg_type type);
void pgarray_null(struct pgarray *a);
void pgarray_bool(struct pgarray *a, bool v);
void pgarray_int2(struct pgarray *a, int16_t v);
void pgarray_int4(struct pgarray *a, int32_t v);
void pgarray_int8(struct pgarray *a, int64_t v);
void pgarray_text(struct pgarray *a, struct text v); /* bytea too; null where v.s is NULL */
void pgarray_date(struct pgarray *a, int64_t days);  /* since 1970 */
void pgarray_time(struct pgarray *a, int64_t us);    /* since 1970 */
void pgarray_uuid(struct pgarray *a, const struct rr_uuid *v);
void pgarray_jsonb(struct pgarray *a, struct text json);
void pgarray_end(struct pgarray *a); /* now it can be sent */
void pgarray_fini(struct pgarray *a);

/* Reads an array without nulls that has exactly n elements, counted from 1; false if it is anything else. */
bool pgarray_read_int2(const char *data, size_t len, int32_t *out, size_t n);
bool pgarray_read_int4(const char *data, size_t len, int32_t *out, size_t n);
