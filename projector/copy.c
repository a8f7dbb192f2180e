#include "copy.h"
#include "log.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_BYTES ((size_t)256 * 1024)

struct copy {
    PGconn *conn;
    struct pgarray out; /* headless */
};

static int failed(const struct copy *c, const PGresult *res, struct failure *f)
{
    const char *why = res ? PQresultErrorMessage(res) : "";

    fail(f, FAIL_POSTGRES, "PostgreSQL: %s", *why ? why : PQerrorMessage(c->conn));
    f->text[strcspn(f->text, "\n")] = '\0';
    return -1;
}

static int exec(struct copy *c, const char *sql, ExecStatusType expected, struct failure *f)
{
    PGresult *res = PQexec(c->conn, sql);
    int end = PQresultStatus(res) == expected ? 0 : failed(c, res, f);

    PQclear(res);
    return end;
}

static int start(struct copy *c, int32_t generation, const char *table, const char *columns,
                 struct failure *f)
{
    static const char signature[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* no flags, no extension */
    char sql[400];

    snprintf(sql, sizeof(sql), "BEGIN; TRUNCATE g%d.%s", generation, table);
    if (exec(c, sql, PGRES_COMMAND_OK, f) != 0)
        return -1;
    snprintf(sql, sizeof(sql), "COPY g%d.%s (%s) FROM STDIN (FORMAT binary, FREEZE)", generation, table,
             columns);
    rr_buf_put(&c->out.buf, signature, sizeof(signature));
    return exec(c, sql, PGRES_COPY_IN, f);
}

int copy_begin(const struct store_conf *conf, int32_t generation, const char *table, const char *columns,
               struct copy **ret, struct failure *f)
{
    struct copy *c = calloc(1, sizeof(*c));

    if (!c)
        return fail(f, FAIL_POSTGRES, "PostgreSQL: out of memory");
    c->conn = store_connect(conf);
    if (PQstatus(c->conn) != CONNECTION_OK) {
        failed(c, NULL, f);
    } else if (start(c, generation, table, columns, f) == 0) {
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
    if (PQputCopyData(c->conn, c->out.buf.data, (int)c->out.buf.len) != 1)
        return failed(c, NULL, f);
    rr_buf_reset(&c->out.buf);
    return 0;
}

int copy_flush(struct copy *c, struct failure *f)
{
    return c->out.buf.len < FLUSH_BYTES ? 0 : send_out(c, f);
}

int copy_end(struct copy *c, struct failure *f)
{
    PGresult *res, *end;
    int ok;

    rr_buf_put(&c->out.buf, "\377\377", 2);
    if (send_out(c, f) != 0)
        return -1;
    if (PQputCopyEnd(c->conn, NULL) != 1)
        return failed(c, NULL, f);
    res = PQgetResult(c->conn);
    ok = PQresultStatus(res) == PGRES_COMMAND_OK ? 0 : failed(c, res, f);
    PQclear(res);
    while ((end = PQgetResult(c->conn)) != NULL)
        PQclear(end);
    return ok == 0 ? exec(c, "COMMIT", PGRES_COMMAND_OK, f) : -1;
}

void copy_free(struct copy *c)
{
    if (!c)
        return;
    PQfinish(c->conn);
    pgarray_fini(&c->out);
    free(c);
}
