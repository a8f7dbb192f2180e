#include "cursor.h"

#include "text.h"

#include <string.h>

enum { FORMAT = 1, KEY = 1 + 8 + 16 + 8, SIZE = KEY + 8 };
_Static_assert(CURSOR_TEXT == (SIZE * 4 + 2) / 3 + 1, "base64url of SIZE bytes and a NUL");

/* FNV-1a. For texts of one length each step is a bijection of the state, so that no change of a single byte
 * goes unnoticed. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t cursor_scope_add(uint64_t scope, const void *part, size_t len)
{
    uint64_t n = len;

    return hash(hash(scope, &n, sizeof(n)), part, len);
}

static void put64(uint8_t *to, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | from[i];
    return v;
}

char *cursor_format(const struct cursor *c, uint64_t scope, char out[CURSOR_TEXT])
{
    uint8_t b[SIZE] = {FORMAT};

    put64(b + 1, (uint64_t)c->major);
    memcpy(b + 9, c->id.b, sizeof(c->id.b));
    put64(b + 25, c->minor);
    put64(b + KEY, hash(scope, b, KEY));
    rr_base64url_encode(b, sizeof(b), out);
    return out;
}

bool cursor_parse(const char *text, size_t len, uint64_t scope, struct cursor *ret)
{
    uint8_t b[SIZE];

    if (rr_base64url_decode(text, len, b, sizeof(b)) != SIZE || b[0] != FORMAT ||
        get64(b + KEY) != hash(scope, b, KEY))
        return false;
    ret->major = (int64_t)get64(b + 1);
    memcpy(ret->id.b, b + 9, sizeof(ret->id.b));
    ret->minor = get64(b + 25);
    return true;
}
