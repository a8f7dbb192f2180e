#include "list.h"

#include "sql.h"

#include "time.h"

#include <ctype.h>
#include <stdio.h>

enum { LIMIT_DEFAULT = 50 };

/* ---- the cursor's scope: this list with these filters ---- */

static uint64_t scope_of(const struct read *rd)
{
    return read_scope(rd, LIST_FILTERS);
}

enum rr_err list_parse(struct read *rd, struct cursor *c)
{
    const struct rr_value *cursor = &rd->v[LIST_CURSOR];

    rd->limit = rd->v[LIST_LIMIT].set ? (int64_t)rd->v[LIST_LIMIT].u : LIMIT_DEFAULT;
    if (cursor->set && !cursor_parse(cursor->text, cursor->len, scope_of(rd), c))
        return RR_CURSOR_INVALID;
    return RR_OK;
}

void list_param_limit(struct read *rd)
{
    read_param_int(rd, rd->limit + 1);
}

/* ---- the link ---- */

/* RFC 3986: everything that is not unreserved is escaped. */
static void put_escaped(struct rr_buf *b, const char *s)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || strchr("-._~", *s))
            rr_buf_put(b, s, 1);
        else
            rr_buf_printf(b, "%%%02X", (unsigned char)*s);
}

static void put_path(struct rr_buf *b, const struct rr_req *r)
{
    const char *p = r->route->pattern, *brace;

    for (int i = 0; (brace = strchr(p, '{')); i++) {
        rr_buf_put(b, p, (size_t)(brace - p));
        put_escaped(b, r->arg[i]);
        p = strchr(brace, '}') + 1;
    }
    rr_buf_puts(b, p);
}

static void put_parameter(struct rr_buf *b, const struct rr_field *f, const struct rr_value *v)
{
    char time[RR_TIME_TEXT];

    rr_buf_printf(b, "%s=", f->name);
    switch (f->type) {
    case RR_FIELD_TEXT: put_escaped(b, v->text); break;
    case RR_FIELD_UINT: rr_buf_printf(b, "%llu", (unsigned long long)v->u); break;
    case RR_FIELD_BOOL: rr_buf_puts(b, v->u ? "true" : "false"); break;
    case RR_FIELD_TIME: put_escaped(b, rr_time_format(v->time, time)); break;
    case RR_FIELD_ENUM: rr_buf_puts(b, f->choices[v->u]); break;
    }
    rr_buf_puts(b, "&");
}

static void write_link(const struct read *rd, const char *cursor)
{
    struct rr_buf *b = &rd->answer->link;

    rr_buf_puts(b, "<");
    put_path(b, rd->r);
    rr_buf_puts(b, "?");
    for (size_t i = 0; i < rd->kind->n_fields; i++)
        if (i != LIST_CURSOR && rd->v[i].set)
            put_parameter(b, &rd->kind->fields[i], &rd->v[i]);
    rr_buf_printf(b, "cursor=%s>; rel=\"next\"", cursor);
}

/* ---- the envelope ---- */

enum rr_err list_render(struct read *rd, const PGresult *res, const struct list_kind *kind)
{
    int rows = PQgetisnull(res, 0, COL_DATA) ? 0 : PQntuples(res);
    int shown = rows > rd->limit ? (int)rd->limit : rows;
    char cursor[CURSOR_TEXT];
    struct cursor key = {0};
    struct rr_json j;

    rr_json_init(&j, &rd->answer->body);
    rr_json_object(&j, NULL);
    rr_json_time(&j, "as_of", rd->answer->as_of);
    rr_json_array(&j, "items");
    for (int row = 0; row < shown; row++) {
        rr_json_object(&j, NULL);
        kind->item(rd, &j, res, row);
        rr_json_end_object(&j);
    }
    rr_json_end_array(&j);
    if (shown < rows) {
        kind->key(rd, res, shown - 1, &key);
        cursor_format(&key, scope_of(rd), cursor);
        write_link(rd, cursor);
    }
    rr_json_text(&j, "next_cursor", shown < rows ? cursor : NULL);
    rr_json_end_object(&j);
    return RR_OK;
}
