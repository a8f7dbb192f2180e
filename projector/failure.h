/* failure: why something did not work, for whoever decides what happens next: run.c logs it, counts it, waits
 * and begins again. */
#pragma once

#include "macros.h"

#include <stdarg.h>

#define FAILURES(X)                                                                                            \
    X(NONE, "none")         /* nothing is wrong */                                                             \
    X(KAFKA, "kafka")       /* brokers, topic or partition are not what is needed */                           \
    X(MYSQL, "mysql")       /* the truth cannot be read */                                                     \
    X(POSTGRES, "postgres") /* connection lost, serialization, disk full …: the same again may go through */ \
    X(CUT, "cut")           /* the connection to Kafka was lost: the next one may lead to another log */       \
    X(REPLACED, "replaced") /* the log is not the one that the position counts in */                           \
    X(REWOUND, "rewound")   /* the truth was set back: a known version has come with other content */          \
    X(MOVED, "moved")       /* another projector has moved the position, or the generation has retired */      \
    X(HALTED, "halted")     /* nothing more is applied until an operator acts */                               \
    X(MESSAGE, "message")   /* a message cannot be read or applied for its content */

enum failure_kind {
#define X(name, text) FAIL_##name,
    FAILURES(X)
#undef X
        FAIL_KINDS
};

struct failure {
    enum failure_kind kind;
    char text[600];
};

const char *failure_kind_name(enum failure_kind kind);
/* Fills *f and returns -1. What is not UTF-8 in the text becomes '?'. */
int fail(struct failure *f, enum failure_kind kind, const char *fmt, ...) RR_PRINTF(3, 4);
