#include "prefer.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The length of one preference: up to the next comma outside of quotes. */
static size_t preference_len(const char *s)
{
    bool quoted = false;
    size_t n = 0;

    for (; s[n] && (quoted || s[n] != ','); n++) {
        if (s[n] == '"')
            quoted = !quoted;
        else if (s[n] == '\\' && quoted && s[n + 1])
            n++;
    }
    return n;
}

static const char *trim(const char *s, size_t *len)
{
    while (*len && (*s == ' ' || *s == '\t'))
        s++, --*len;
    while (*len && (s[*len - 1] == ' ' || s[*len - 1] == '\t'))
        --*len;
    return s;
}

static bool is(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

/* Whether the preference is `return`; then *ret_minimal says if its value is `minimal`. */
static bool read_return(const char *s, size_t len, bool *ret_minimal)
{
    const char *end = memchr(s, ';', len), *eq;
    size_t name_len, value_len;
    const char *name, *value;

    if (end)
        len = (size_t)(end - s);
    eq = memchr(s, '=', len);
    name_len = eq ? (size_t)(eq - s) : len;
    name = trim(s, &name_len);
    if (!is(name, name_len, "return"))
        return false;
    *ret_minimal = false;
    if (eq) {
        value_len = len - (size_t)(eq + 1 - s);
        value = trim(eq + 1, &value_len);
        if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"')
            value++, value_len -= 2;
        *ret_minimal = is(value, value_len, "minimal");
    }
    return true;
}

bool prefers_minimal(const char *header)
{
    bool minimal = false;

    for (const char *s = header; s && *s;) {
        size_t len = preference_len(s);

        if (read_return(s, len, &minimal))
            return minimal;
        s += len;
        s += *s == ',';
    }
    return false;
}
