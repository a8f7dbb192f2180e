#include "idempotency.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

static bool visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

const char *idempotency_key_parse(const char *header, char ret[IDEMPOTENCY_KEY_MAX + 1])
{
    size_t len = strlen(header), n = 0, i = 0;
    bool quoted;

    while (len && (header[len - 1] == ' ' || header[len - 1] == '\t'))
        len--;
    while (i < len && (header[i] == ' ' || header[i] == '\t'))
        i++;
    quoted = i < len && header[i] == '"';
    if (quoted) {
        if (len - i < 2 || header[len - 1] != '"')
            return "begins with a quote and does not end with one";
        i++, len--;
    }
    for (; i < len; i++) {
        if (quoted && header[i] == '"')
            return "has an unescaped quote inside";
        if (quoted && header[i] == '\\' && (++i == len || (header[i] != '"' && header[i] != '\\')))
            return "has a backslash that escapes nothing";
        if (!visible(header[i]))
            return "may hold visible ASCII characters only";
        if (n == IDEMPOTENCY_KEY_MAX)
            return "may have 255 characters at most";
        ret[n++] = header[i];
    }
    ret[n] = '\0';
    return n ? NULL : "is empty";
}

/* FNV-1a with 128 bits. Keys are per user, so whoever made two requests collide on purpose would only mislead
 * themselves: chance is the only enemy. */
static void mix(u128 *h, const void *data, size_t len)
{
    const u128 prime = ((u128)1 << 88) + 0x13b;
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        *h = (*h ^ p[i]) * prime;
}

/* Each part goes in with its length before it: parts cannot run into each other. */
static void mix_part(u128 *h, const char *part, size_t len)
{
    uint64_t head = part ? len + 1 : 0;

    mix(h, &head, sizeof(head));
    if (part)
        mix(h, part, len);
}

struct fingerprint fingerprint_of(const char *method, const char *pattern, const char *path_arg,
                                  const char *if_match, const char *body, size_t body_len)
{
    const char *const parts[] = {method, pattern, path_arg, if_match};
    u128 h = ((u128)0x6c62272e07bb0142 << 64) | 0x62b821756295c58d;
    struct fingerprint f;

    for (size_t i = 0; i < RR_LEN(parts); i++)
        mix_part(&h, parts[i], parts[i] ? strlen(parts[i]) : 0);
    mix_part(&h, body, body_len);
    for (size_t i = 0; i < sizeof(f.b); i++, h >>= 8)
        f.b[sizeof(f.b) - 1 - i] = (uint8_t)h;
    return f;
}
