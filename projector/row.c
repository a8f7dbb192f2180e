#include "row.h"
#include "time.h"
#include "uuid.h"

static int bad_column(struct failure *f, const struct column *c, const char *why)
{
    return fail(f, FAIL_MESSAGE, "column %s: %s", c->name, why);
}

static int read_int(struct scan *s, const struct column *c, int64_t min, int64_t max, void *at,
                    struct failure *f)
{
    int64_t v;

    if (!scan_int(s, &v))
        return bad_column(f, c, s->error);
    if (v < min || v > max)
        return fail(f, FAIL_MESSAGE, "column %s: %lld is out of range", c->name, (long long)v);
    *(int64_t *)at = v;
    return 0;
}

static int read_bool(struct scan *s, const struct column *c, void *at, struct failure *f)
{
    char next = scan_peek(s);
    int64_t v = 0;

    if (next == 't' || next == 'f')
        return scan_bool(s, at) ? 0 : bad_column(f, c, s->error);
    if (read_int(s, c, -128, 127, &v, f) != 0)
        return -1;
    *(bool *)at = v != 0;
    return 0;
}

static int read_choice(const struct text *t, const struct column *c, void *at, struct failure *f)
{
    struct span span = {.p = t->s, .n = t->n};

    for (int i = 0; c->choices[i]; i++)
        if (span_is(span, c->choices[i])) {
            *(int *)at = i;
            return 0;
        }
    return fail(f, FAIL_MESSAGE, "column %s: \"%.40s\" is not known", c->name, t->s);
}

static int read_text(struct scan *s, const struct column *c, struct arena *arena, void *at, struct failure *f)
{
    struct text t;

    if (!scan_text(s, arena, &t))
        return bad_column(f, c, s->error);
    switch (c->type) {
    case COLUMN_UUID:
        return rr_uuid_parse(t.s, t.n, at) ? 0 : bad_column(f, c, "32 hexadecimal digits are expected");
    case COLUMN_ENUM: return read_choice(&t, c, at, f);
    default: *(struct text *)at = t; return 0;
    }
}

static int read_column(struct scan *s, const struct column *c, struct arena *arena, char *row,
                       struct failure *f)
{
    void *at = row + c->offset;

    if (scan_null(s)) /* `row` is zeroed: a null text already */
        return c->type == COLUMN_TEXT_OR_NULL ? 0 : bad_column(f, c, "is null");
    switch (c->type) {
    case COLUMN_INT: return read_int(s, c, c->min, c->max, at, f);
    case COLUMN_TIME: return read_int(s, c, RR_TIME_MIN, RR_TIME_MAX, at, f);
    case COLUMN_BOOL: return read_bool(s, c, at, f);
    default: return read_text(s, c, arena, at, f);
    }
}

/* Debezium writes columns in the table's order, so the next one is nearly always the one after `at`. */
static size_t find_column(struct span name, const struct column *columns, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = (at + i) % n;

        if (span_is(name, columns[k].name))
            return k;
    }
    return n;
}

int row_read(struct span json, const struct column *columns, size_t n, struct arena *arena, void *row,
             struct failure *f)
{
    struct scan s;
    struct span name;
    bool first = true;
    uint32_t seen = 0;
    size_t at = 0;

    scan_init(&s, json.p, json.n);
    if (!scan_enter(&s))
        return fail(f, FAIL_MESSAGE, "the row: %s", s.error);
    while (scan_member(&s, &first, &name)) {
        size_t k = find_column(name, columns, n, at);

        if (k == n) {
            scan_skip(&s, NULL);
            continue;
        }
        if (read_column(&s, &columns[k], arena, row, f) != 0)
            return -1;
        seen |= UINT32_C(1) << k;
        at = k + 1;
    }
    if (s.error)
        return fail(f, FAIL_MESSAGE, "the row: %s", s.error);
    for (size_t i = 0; i < n; i++)
        if (!(seen >> i & 1))
            return bad_column(f, &columns[i], "is missing");
    return 0;
}
