#include "json.h"

#include "text.h"
#include "time.h"

#include <math.h>
#include <string.h>

/* What has to be escaped in a string (RFC 8259 section 7). */
static void put_escape(struct rr_buf *buf, unsigned char c)
{
    switch (c) {
    case '"': rr_buf_puts(buf, "\\\""); break;
    case '\\': rr_buf_puts(buf, "\\\\"); break;
    case '\b': rr_buf_puts(buf, "\\b"); break;
    case '\f': rr_buf_puts(buf, "\\f"); break;
    case '\n': rr_buf_puts(buf, "\\n"); break;
    case '\r': rr_buf_puts(buf, "\\r"); break;
    case '\t': rr_buf_puts(buf, "\\t"); break;
    default: rr_buf_printf(buf, "\\u%04x", c);
    }
}

static void put_string(struct rr_buf *buf, const char *s, size_t len)
{
    size_t done = 0, i = 0;

    rr_buf_put(buf, "\"", 1);
    while (i < len) {
        unsigned char c = (unsigned char)s[i];
        size_t n = rr_utf8_next(s + i, len - i);

        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        rr_buf_put(buf, s + done, i - done);
        if (n == 0)
            rr_buf_puts(buf, "\xef\xbf\xbd"); /* U+FFFD */
        else
            put_escape(buf, c);
        done = ++i;
    }
    rr_buf_put(buf, s + done, len - done);
    rr_buf_put(buf, "\"", 1);
}

/* What stands before each value; the next one at this level gets a comma. */
static void begin(struct rr_json *j, const char *name)
{
    size_t n = j->blanks ? 2 : 1;

    if (j->comma)
        rr_buf_put(j->buf, ", ", n);
    if (name) {
        put_string(j->buf, name, strlen(name));
        rr_buf_put(j->buf, ": ", n);
    }
    j->comma = true;
}

static void open_level(struct rr_json *j, const char *name, const char *bracket)
{
    begin(j, name);
    rr_buf_put(j->buf, bracket, 1);
    j->comma = false;
}

static void close_level(struct rr_json *j, const char *bracket)
{
    rr_buf_put(j->buf, bracket, 1);
    j->comma = true;
}

void rr_json_init(struct rr_json *j, struct rr_buf *buf)
{
    *j = (struct rr_json){.buf = buf};
}

void rr_json_object(struct rr_json *j, const char *name)
{
    open_level(j, name, "{");
}

void rr_json_end_object(struct rr_json *j)
{
    close_level(j, "}");
}

void rr_json_array(struct rr_json *j, const char *name)
{
    open_level(j, name, "[");
}

void rr_json_end_array(struct rr_json *j)
{
    close_level(j, "]");
}

void rr_json_text(struct rr_json *j, const char *name, const char *s)
{
    rr_json_textn(j, name, s, s ? strlen(s) : 0);
}

void rr_json_textn(struct rr_json *j, const char *name, const char *s, size_t len)
{
    if (!s) {
        rr_json_null(j, name);
        return;
    }
    begin(j, name);
    put_string(j->buf, s, len);
}

void rr_json_int(struct rr_json *j, const char *name, int64_t v)
{
    begin(j, name);
    rr_buf_printf(j->buf, "%lld", (long long)v);
}

void rr_json_uint(struct rr_json *j, const char *name, uint64_t v)
{
    begin(j, name);
    rr_buf_printf(j->buf, "%llu", (unsigned long long)v);
}

void rr_json_real(struct rr_json *j, const char *name, double v)
{
    if (!isfinite(v)) {
        rr_json_null(j, name);
        return;
    }
    begin(j, name);
    rr_buf_real(j->buf, v);
}

void rr_json_bool(struct rr_json *j, const char *name, bool v)
{
    begin(j, name);
    rr_buf_puts(j->buf, v ? "true" : "false");
}

void rr_json_null(struct rr_json *j, const char *name)
{
    begin(j, name);
    rr_buf_puts(j->buf, "null");
}

void rr_json_time(struct rr_json *j, const char *name, int64_t us)
{
    char text[RR_TIME_TEXT];

    begin(j, name);
    rr_buf_printf(j->buf, "\"%s\"", rr_time_format(us, text));
}

void rr_json_uuid(struct rr_json *j, const char *name, const struct rr_uuid *id)
{
    char text[RR_UUID_TEXT];

    begin(j, name);
    rr_buf_printf(j->buf, "\"%s\"", rr_uuid_format(id, text));
}

void rr_json_raw(struct rr_json *j, const char *name, const char *json, size_t len)
{
    begin(j, name);
    rr_buf_put(j->buf, json, len);
}
