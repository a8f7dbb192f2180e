#include "headers.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *skip_blank(const char *s)
{
    return s + strspn(s, " \t");
}

/* To the comma that ends this list element, or to the end; a quoted string may hold commas. */
static const char *element_end(const char *s)
{
    for (; *s && *s != ','; s++) {
        if (*s != '"')
            continue;
        for (s++; *s && *s != '"'; s++)
            if (*s == '\\' && s[1])
                s++;
        if (!*s)
            break;
    }
    return s;
}

/* `3`, `"3"`; then only parameters may follow. */
static bool seconds(const char *s, const char *end, uint32_t *ret)
{
    bool quoted = *s == '"';
    uint64_t v = 0;

    s += quoted;
    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s); s++)
        if (v < UINT32_MAX)
            v = v * 10 + (uint64_t)(*s - '0');
    if (quoted && *s++ != '"')
        return false;
    s = skip_blank(s);
    if (s < end && *s != ';')
        return false;
    *ret = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
    return true;
}

bool prefer_wait(const char *prefer, uint32_t *ret_seconds)
{
    const char *end;

    for (const char *s = prefer; *s; s = *end ? end + 1 : end) {
        s = skip_blank(s);
        end = element_end(s);
        if (strncasecmp(s, "wait", 4) != 0)
            continue;
        s = skip_blank(s + 4);
        if (*s == '=')
            return seconds(skip_blank(s + 1), end, ret_seconds);
    }
    return false;
}
