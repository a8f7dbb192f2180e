#include "copy.h"
#include "log.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_BYTES ((size_t)64 * 1024)

struct copy {
    struct store *store;
    bool own;           /* the store, and the transaction */
    struct pgarray out; /* headless */
};

static int start(struct copy *c, const char *table, const char *columns, const char *options,
                 struct failure *f)
{
    static const char signature[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* no flags, no extension */
    char sql[400];

    snprintf(sql, sizeof(sql), "COPY %s (%s) FROM STDIN (FORMAT binary%s)", table, columns, options);
    rr_buf_put(&c->out.buf, signature, sizeof(signature));
    return store_copy_begin(c->store, sql, f);
}

static int start_own(struct copy *c, const struct store_conf *conf, int32_t generation, const char *table,
                     const char *columns, struct failure *f)
{
    char truncate[120], schema[16];

    if (store_open(conf, &c->store, f) != 0)
        return -1;
    snprintf(schema, sizeof(schema), "g%d", generation);
    snprintf(truncate, sizeof(truncate), "TRUNCATE %s", table);
    store_use_schema(c->store, schema);
    store_add(c->store, &(struct statement){.sql = "BEGIN"}, NULL);
    store_add(c->store, &(struct statement){.sql = truncate}, NULL);
    return store_trip(c->store, f) == 0 ? start(c, table, columns, ", FREEZE", f) : -1;
}

int copy_begin(const struct store_conf *conf, int32_t generation, const char *table, const char *columns,
               struct copy **ret, struct failure *f)
{
    struct copy *c = calloc(1, sizeof(*c));

    if (!c)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: out of memory");
    c->own = true;
    if (start_own(c, conf, generation, table, columns, f) == 0) {
        *ret = c;
        return 0;
    }
    copy_free(c);
    return -1;
}

int copy_into(struct store *store, const char *table, const char *columns, struct copy **ret,
              struct failure *f)
{
    struct copy *c = calloc(1, sizeof(*c));

    if (!c)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: out of memory");
    c->store = store;
    if (start(c, table, columns, "", f) == 0) {
        *ret = c;
        return 0;
    }
    copy_free(c);
    return -1;
}

struct pgarray *copy_row(struct copy *c, int n_fields)
{
    rr_buf_put(&c->out.buf, &(uint16_t){htobe16((uint16_t)n_fields)}, 2);
    return &c->out;
}

void copy_array(struct copy *c, struct pgarray *a)
{
    pgarray_end(a);
    pgarray_text(&c->out, (struct text){.s = a->buf.data, .n = a->buf.len});
    c->out.buf.failed |= a->buf.failed;
}

static int send_out(struct copy *c, struct failure *f)
{
    if (c->out.buf.failed) {
        rr_error("out of memory", "bytes=%zu", c->out.buf.len);
        abort();
    }
    if (store_copy_put(c->store, c->out.buf.data, c->out.buf.len, f) != 0)
        return -1;
    rr_buf_reset(&c->out.buf);
    return 0;
}

int copy_flush(struct copy *c, struct failure *f)
{
    return c->out.buf.len < FLUSH_BYTES ? 0 : send_out(c, f);
}

int copy_end(struct copy *c, struct failure *f)
{
    rr_buf_put(&c->out.buf, "\377\377", 2);
    if (send_out(c, f) != 0 || store_copy_end(c->store, f) != 0)
        return -1;
    if (!c->own)
        return 0;
    store_add(c->store, &(struct statement){.sql = "COMMIT"}, NULL);
    return store_trip(c->store, f);
}

void copy_free(struct copy *c)
{
    if (!c)
        return;
    if (c->own)
        store_close(c->store);
    pgarray_fini(&c->out);
    free(c);
}

/* ---- rows ---- */

const char copy_event_columns[] = "reservation_id, version, kind, recorded_at, recorded_by, reason, trace_id,"
                                  " changes, room_id, user_id, title, starts_at, ends_at, state";
const char copy_reservation_columns[] =
    "id, room_id, room_name, room_location, user_id, title, starts_at, ends_at, state, version, deleted,"
    " created_at, updated_at";

static struct text word(const char *s)
{
    return (struct text){.s = s, .n = strlen(s)};
}

int copy_event(struct copy *c, const struct event *e, struct text changes, struct failure *f)
{
    const struct reservation *r = &e->after;
    struct pgarray *row = copy_row(c, 14);

    pgarray_uuid(row, &r->id);
    pgarray_int4(row, (int32_t)r->version);
    pgarray_text(row, word(event_kind_names[e->kind]));
    pgarray_time(row, r->updated_at);
    pgarray_text(row, e->recorded_by);
    pgarray_text(row, e->reason);
    pgarray_text(row, e->trace_id);
    pgarray_jsonb(row, changes);
    pgarray_int8(row, r->room_id);
    pgarray_text(row, r->user_id);
    pgarray_text(row, r->title);
    pgarray_time(row, r->starts_at);
    pgarray_time(row, r->ends_at);
    pgarray_text(row, word(reservation_state_names[r->state]));
    return copy_flush(c, f);
}

int copy_reservation(struct copy *c, const struct reservation *r, struct text room_name,
                     struct text room_location, struct failure *f)
{
    struct pgarray *row = copy_row(c, 13);

    pgarray_uuid(row, &r->id);
    pgarray_int8(row, r->room_id);
    pgarray_text(row, room_name);
    pgarray_text(row, room_location);
    pgarray_text(row, r->user_id);
    pgarray_text(row, r->title);
    pgarray_time(row, r->starts_at);
    pgarray_time(row, r->ends_at);
    pgarray_text(row, word(reservation_state_names[r->state]));
    pgarray_int4(row, (int32_t)r->version);
    pgarray_bool(row, r->deleted);
    pgarray_time(row, r->created_at);
    pgarray_time(row, r->updated_at);
    return copy_flush(c, f);
}
