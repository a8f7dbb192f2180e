#include "scan.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64 /* Debezium nests 4 deep, with schemas 8 */

static bool wrong(struct scan *s, const char *why)
{
    if (!s->error)
        s->error = why;
    s->end = s->p; /* so that every later call fails as well */
    return false;
}

void scan_init(struct scan *s, const char *json, size_t len)
{
    *s = (struct scan){.p = json, .end = json + len};
}

char scan_peek(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
    return s->p < s->end ? *s->p : '\0';
}

bool scan_end(struct scan *s)
{
    return !s->error &&
           (scan_peek(s) == '\0' && s->p == s->end ? true : wrong(s, "more text after the value"));
}

bool span_is(struct span span, const char *s)
{
    return strlen(s) == span.n && memcmp(span.p, s, span.n) == 0;
}

static bool take(struct scan *s, char c, const char *why)
{
    if (scan_peek(s) != c || s->p == s->end)
        return wrong(s, why);
    s->p++;
    return true;
}

/* ---- texts ---- */

static int hex4(struct scan *s)
{
    int v = 0;

    if (s->end - s->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *s->p++;

        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* After "\u". Returns the code point, or -1. */
static int escaped_code_point(struct scan *s)
{
    int high = hex4(s), low;

    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
        return -1;
    s->p += 2;
    low = hex4(s);
    return low < 0xDC00 || low > 0xDFFF ? -1 : 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static char *put_utf8(char *out, int c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* One escape, s->p after the backslash. `out` may be NULL: only checked. Returns where the text goes on, or
 * NULL. */
static char *take_escape(struct scan *s, char *out, char scratch[4])
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;
    int c;

    if (s->p == s->end)
        return NULL;
    if (*s->p == 'u') {
        s->p++;
        c = escaped_code_point(s);
        return c < 0 ? NULL : put_utf8(out ? out : scratch, c);
    }
    at = *s->p ? strchr(from, *s->p) : NULL;
    if (!at)
        return NULL;
    s->p++;
    out = out ? out : scratch;
    *out++ = to[at - from];
    return out;
}

/* A text, s->p at its first quote. With `out` its content is written there, which is never longer than its
 * written form. */
static bool take_text(struct scan *s, char *out, char **ret_end)
{
    char scratch[4];

    if (!take(s, '"', "a text is expected"))
        return false;
    for (;;) {
        unsigned char c = s->p < s->end ? (unsigned char)*s->p : 0;
        size_t n = 1;

        if (c < 0x20)
            return wrong(s, s->p < s->end ? "a control character in a text" : "a text does not end");
        if (c == '"')
            break;
        if (c == '\\') {
            s->p++;
            char *next = take_escape(s, out, scratch);

            if (!next)
                return wrong(s, "a broken escape in a text");
            out = out ? next : NULL;
            continue;
        }
        if (c >= 0x80 && !(n = rr_utf8_next(s->p, (size_t)(s->end - s->p))))
            return wrong(s, "a text that is not UTF-8");
        if (out) {
            memcpy(out, s->p, n);
            out += n;
        }
        s->p += n;
    }
    s->p++;
    if (ret_end)
        *ret_end = out;
    return true;
}

bool scan_text(struct scan *s, struct arena *a, struct text *ret)
{
    struct scan ahead = *s;
    char *copy, *end;

    if (!take_text(&ahead, NULL, NULL)) {
        *s = ahead;
        return false;
    }
    copy = arena_alloc(a, (size_t)(ahead.p - s->p));
    if (!take_text(s, copy, &end))
        return false;
    if (memchr(copy, '\0', (size_t)(end - copy)))
        return wrong(s, "a text with U+0000, which PostgreSQL cannot hold");
    *end = '\0'; /* the quotes left room for it */
    *ret = (struct text){.s = copy, .n = (size_t)(end - copy)};
    return true;
}

/* ---- numbers and words ---- */

static bool take_digits(struct scan *s)
{
    const char *from = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from;
}

static bool take_number(struct scan *s)
{
    if (s->p < s->end && *s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!take_digits(s))
        return wrong(s, "a broken number");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!take_digits(s))
            return wrong(s, "a broken number");
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!take_digits(s))
            return wrong(s, "a broken number");
    }
    return true;
}

bool scan_int(struct scan *s, int64_t *ret)
{
    char first = scan_peek(s);
    const char *from = s->p;
    uint64_t v = 0;
    uint64_t limit = first == '-' ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

    if (first != '-' && (first < '0' || first > '9'))
        return wrong(s, "a number is expected");
    if (!take_number(s))
        return false;
    for (const char *p = from + (first == '-'); p < s->p; p++) {
        if (*p < '0' || *p > '9')
            return wrong(s, "a whole number is expected");
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) ||
            v > limit)
            return wrong(s, "a number that is too large");
    }
    *ret = (int64_t)(first == '-' ? 0 - v : v);
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

bool scan_null(struct scan *s)
{
    return scan_peek(s) == 'n' && take_word(s, "null");
}

bool scan_bool(struct scan *s, bool *ret)
{
    scan_peek(s);
    if (take_word(s, "true"))
        *ret = true;
    else if (take_word(s, "false"))
        *ret = false;
    else
        return wrong(s, "true or false is expected");
    return true;
}

/* ---- objects ---- */

bool scan_enter(struct scan *s)
{
    return take(s, '{', "an object is expected");
}

bool scan_member(struct scan *s, bool *first, struct span *ret_name)
{
    bool is_first = *first;
    const char *from;

    *first = false;
    if (s->error)
        return false;
    if (scan_peek(s) == '}') {
        s->p++;
        return false;
    }
    if (!is_first && !take(s, ',', "a comma or the object's end is expected"))
        return false;
    scan_peek(s);
    from = s->p + 1;
    if (!take_text(s, NULL, NULL))
        return false;
    *ret_name = (struct span){.p = from, .n = (size_t)(s->p - 1 - from)};
    return take(s, ':', "a colon is expected");
}

static bool skip(struct scan *s, int depth);

static bool skip_array(struct scan *s, int depth)
{
    s->p++;
    if (scan_peek(s) == ']') {
        s->p++;
        return true;
    }
    for (;;) {
        if (!skip(s, depth + 1))
            return false;
        if (scan_peek(s) == ']') {
            s->p++;
            return true;
        }
        if (!take(s, ',', "a comma or the array's end is expected"))
            return false;
    }
}

static bool skip(struct scan *s, int depth)
{
    struct span name;
    bool first = true, flag;
    char c = scan_peek(s);

    if (depth > MAX_DEPTH)
        return wrong(s, "nested too deeply");
    switch (c) {
    case '{':
        s->p++;
        while (scan_member(s, &first, &name))
            if (!skip(s, depth + 1))
                return false;
        return !s->error;
    case '[': return skip_array(s, depth);
    case '"': return take_text(s, NULL, NULL);
    case 't':
    case 'f': return scan_bool(s, &flag);
    case 'n': return scan_null(s) || wrong(s, "null is expected");
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return wrong(s, "a value is expected");
        return take_number(s);
    }
}

bool scan_skip(struct scan *s, struct span *ret)
{
    const char *from;

    scan_peek(s);
    from = s->p;
    if (s->error || !skip(s, 0))
        return false;
    if (ret)
        *ret = (struct span){.p = from, .n = (size_t)(s->p - from)};
    return true;
}
