/* scan: reads JSON (RFC 8259) front to back without building a tree.
 *
 * The caller walks the text and asks for what it expects; everything that is passed over is checked for
 * syntax all the same. The first error stays: all later calls fail, s->error says what is wrong in words,
 * s->p where. Texts have to be valid UTF-8. Member names are compared as they are written, so a name written
 * with escapes is an unknown one. */
#pragma once

#include "arena.h"
#include "change.h"

#include <stdbool.h>
#include <stdint.h>

struct scan {
    const char *p, *end;
    const char *error;
};

struct span {
    const char *p; /* NULL: not there */
    size_t n;
};

void scan_init(struct scan *s, const char *json, size_t len);
char scan_peek(struct scan *s);  /* first byte of the next value; 0 at the end */
bool scan_enter(struct scan *s); /* an object begins */
/* The next member's name, with s at its value; false at the end of the object, or on an error. *first is true
 * before the first call. */
bool scan_member(struct scan *s, bool *first, struct span *ret_name);
bool scan_null(struct scan *s); /* takes a null if it comes next; else false, and no error */
bool scan_bool(struct scan *s, bool *ret);
bool scan_int(struct scan *s, int64_t *ret);                       /* without fraction and exponent */
bool scan_text(struct scan *s, struct arena *a, struct text *ret); /* copied; no U+0000 */
bool scan_skip(struct scan *s, struct span *ret); /* any value; where it stood, if ret is not NULL */
bool scan_end(struct scan *s);                    /* nothing but white space is left */
bool span_is(struct span span, const char *s);
