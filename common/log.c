#include "log.h"

#include "log_writer.h"
#include "text.h"
#include "time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    LINE_BYTES = 4096, /* PIPE_BUF: a line that is a write by itself is not torn in a pipe */
    QUOTE_BYTES = 512,
    QUOTE_CUT = 480,
    QUOTES = 8
};

const char *const rr_log_level_names[] = {"error", "warn", "info", "debug", NULL};

/* Set once, before there are threads. */
static const char *log_svc = "-";
static enum rr_log_level log_level = RR_LOG_INFO;

/* A line under way; what does not fit is cut, and the line says so. */
struct line {
    size_t len;
    char text[LINE_BYTES];
};

static const char cut_mark[] = " cut=yes\n";

static void add_va(struct line *l, const char *fmt, va_list ap) RR_PRINTF(2, 0);
static void add_va(struct line *l, const char *fmt, va_list ap)
{
    int n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);

    if (n > 0)
        l->len += (size_t)n < sizeof(l->text) - l->len ? (size_t)n : sizeof(l->text) - l->len;
}

static void add(struct line *l, const char *fmt, ...) RR_PRINTF(2, 3);
static void add(struct line *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_va(l, fmt, ap);
    va_end(ap);
}

/* Whole lines only, so that those of several threads do not mix; nor do those of several processes in a pipe,
 * as long as each line is a write by itself. `urgent`: before this returns. */
static void emit(struct line *l, bool urgent)
{
    const size_t room = sizeof(l->text) - sizeof(cut_mark);

    if (l->len > room) {
        l->len = room;
        while (l->len > 0 && ((unsigned char)l->text[l->len] & 0xc0) == 0x80)
            l->len--; /* not inside a code point */
        memcpy(l->text + l->len, cut_mark, sizeof(cut_mark) - 1);
        l->len += sizeof(cut_mark) - 1;
    } else {
        l->text[l->len++] = '\n';
    }
    if (!log_writer_put(l->text, l->len, urgent))
        log_write(l->text, l->len);
}

/* rr_time_format() leaves a fraction of zero out; the lines of a log are easier to compare with one width. */
static void add_timestamp(struct line *l)
{
    char text[RR_TIME_TEXT];
    int64_t now = rr_time_now();

    rr_time_format(now - now % RR_US_PER_SEC, text);
    add(l, "ts=%.19s.%06dZ", text, (int)(now % RR_US_PER_SEC));
}

void rr_log_init(const char *svc, enum rr_log_level level)
{
    log_svc = svc;
    log_level = level;
}

void rr_log(enum rr_log_level level, const struct rr_log_ctx *ctx, const char *msg, const char *fmt, ...)
{
    const int saved_errno = errno;
    struct line l;
    va_list ap;

    if (level > log_level)
        return;
    l.len = 0;
    add_timestamp(&l);
    add(&l, " lvl=%s svc=%s", rr_log_level_names[level], log_svc);
    if (ctx && ctx->req)
        add(&l, " req=%s", ctx->req);
    if (ctx && ctx->trace)
        add(&l, " trace=%s", ctx->trace);
    add(&l, " msg=\"%s\"", msg);
    if (*fmt) {
        add(&l, " ");
        va_start(ap, fmt);
        add_va(&l, fmt, ap);
        va_end(ap);
    }
    emit(&l, level <= RR_LOG_WARN);
    errno = saved_errno;
}

/* Writes the escaped form of the first byte or code point of `s`, 1 to 8 bytes; returns what it took of `s`.
 */
static size_t quote_one(const char *s, size_t len, char *out, size_t *ret_out)
{
    const size_t n = rr_utf8_next(s, len);
    char c = *s;

    if (n > 0 && c != '"' && c != '\\' && rr_text_valid(s, n)) {
        memcpy(out, s, n);
        *ret_out = n;
        return n;
    }
    out[0] = '\\';
    out[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
    *ret_out = 2;
    if (c != '"' && c != '\\' && out[1] == c)
        *ret_out = (size_t)sprintf(out, "\\x%02x", (unsigned char)c);
    return 1;
}

const char *rr_log_quote(const char *s)
{
    static _Thread_local char quotes[QUOTES][QUOTE_BYTES];
    static _Thread_local unsigned turn;
    char *const out = quotes[turn++ % QUOTES];
    size_t len = s ? strnlen(s, QUOTE_CUT + 4) : 0; /* enough to see the end, and no code point cut short */
    size_t to = 0, n;

    out[to++] = '"';
    for (size_t at = 0; at < len; to += n) {
        if (to >= QUOTE_CUT) {
            to += (size_t)sprintf(out + to, "…");
            break;
        }
        at += quote_one(s + at, len - at, out + to, &n);
    }
    out[to++] = '"';
    out[to] = '\0';
    return out;
}

_Noreturn void rr_bug(const char *file, int line, const char *why)
{
    struct line l = {0};

    add(&l, "BUG ");
    add_timestamp(&l);
    add(&l, " svc=%s msg=%s at=%s:%d", log_svc, rr_log_quote(why), file, line);
    emit(&l, true);
    abort();
}
