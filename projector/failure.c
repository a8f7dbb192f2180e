#include "failure.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

const char *failure_kind_name(enum failure_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAILURES(X)
#undef X
    };

    return names[kind];
}

/* It is stored and shown as UTF-8, and may quote half a character of what somebody has sent. */
static void clean(char *s)
{
    size_t n = strlen(s), step;

    for (size_t at = 0; at < n; at += step ? step : 1) {
        step = (unsigned char)s[at] < 0x80 ? 1 : rr_utf8_next(s + at, n - at);
        if (!step)
            s[at] = '?';
    }
}

int fail(struct failure *f, enum failure_kind kind, const char *fmt, ...)
{
    va_list ap;

    f->kind = kind;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    clean(f->text);
    return -1;
}
