#include "prefer.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *s;
    size_t len;
};

/* From `s` up to `stop` outside of quotes, or to the end. */
static struct span until(const char *s, size_t len, char stop)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < len && s[n] && (quoted || s[n] != stop); n++) {
        if (s[n] == '"')
            quoted = !quoted;
        else if (s[n] == '\\' && quoted && n + 1 < len && s[n + 1])
            n++;
    }
    return (struct span){s, n};
}

static struct span trim(struct span t)
{
    while (t.len && (*t.s == ' ' || *t.s == '\t'))
        t.s++, t.len--;
    while (t.len && (t.s[t.len - 1] == ' ' || t.s[t.len - 1] == '\t'))
        t.len--;
    return t;
}

static bool is(struct span t, const char *word)
{
    return t.len == strlen(word) && strncasecmp(t.s, word, t.len) == 0;
}

/* What follows the preference's name: "" if it has no value. Quotes are taken off. */
static struct span value_of(struct span preference, struct span name)
{
    struct span value = {preference.s + name.len, preference.len - name.len};

    if (value.len)
        value.s++, value.len--;
    value = trim(value);
    if (value.len >= 2 && value.s[0] == '"' && value.s[value.len - 1] == '"')
        value.s++, value.len -= 2;
    return value;
}

static bool find(const char *header, const char *name, struct span *ret_value)
{
    for (const char *s = header; s && *s;) {
        struct span whole = until(s, SIZE_MAX, ','), preference = until(whole.s, whole.len, ';'),
                    its_name = until(preference.s, preference.len, '=');

        if (is(trim(its_name), name)) {
            *ret_value = value_of(preference, its_name);
            return true;
        }
        s += whole.len;
        s += *s == ',';
    }
    return false;
}

bool rr_prefer_minimal(const char *header)
{
    struct span value;

    return find(header, "return", &value) && is(value, "minimal");
}

bool rr_prefer_wait(const char *header, uint32_t *ret_seconds)
{
    struct span value;
    uint64_t seconds = 0;

    if (!find(header, "wait", &value) || !value.len)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!isdigit((unsigned char)value.s[i]))
            return false;
        if (seconds < UINT32_MAX)
            seconds = seconds * 10 + (uint64_t)(value.s[i] - '0');
    }
    *ret_seconds = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    return true;
}
