#include "failure.h"

#include <stdio.h>

const char *failure_kind_name(enum failure_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAILURES(X)
#undef X
    };

    return names[kind];
}

int fail(struct failure *f, enum failure_kind kind, const char *fmt, ...)
{
    va_list ap;

    f->kind = kind;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    return -1;
}
