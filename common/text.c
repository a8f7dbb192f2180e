#include "text.h"

#include <stdint.h>
#include <string.h>

/* The well-formed sequences, Unicode table 3-7: the second byte's range depends on the first. */
size_t rr_utf8_next(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (len == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (len < n)
        return 0;
    switch (u[0]) {
    case 0xe0: low = 0xa0; break;  /* below: overlong       */
    case 0xed: high = 0x9f; break; /* above: surrogates     */
    case 0xf0: low = 0x90; break;  /* below: overlong       */
    case 0xf4: high = 0x8f; break; /* above: after U+10FFFF */
    }
    if (u[1] < low || u[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (u[i] < 0x80 || u[i] > 0xbf)
            return 0;
    return n;
}

static bool is_control(const unsigned char *u, size_t n)
{
    if (n == 1)
        return u[0] < 0x20 || u[0] == 0x7f;
    return n == 2 && u[0] == 0xc2 && u[1] < 0xa0;
}

bool rr_text_valid(const char *s, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = rr_utf8_next(s + i, len - i);
        if (n == 0 || is_control((const unsigned char *)s + i, n))
            return false;
    }
    return true;
}

size_t rr_text_chars(const char *s, size_t len)
{
    size_t chars = 0;

    for (size_t i = 0; i < len; i++)
        chars += ((unsigned char)s[i] & 0xc0) != 0x80;
    return chars;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void rr_base64url_encode(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            *out++ = alphabet[bits >> (n_bits - 6) & 63];
    }
    if (n_bits)
        *out++ = alphabet[bits << (6 - n_bits) & 63];
    *out = '\0';
}

static int digit_of(char c)
{
    const char *p = c ? strchr(alphabet, c) : NULL;

    return p ? (int)(p - alphabet) : -1;
}

int rr_base64url_decode(const char *text, size_t len, void *out, size_t cap)
{
    uint8_t *to = out;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    if (len % 4 == 1 || len > INT32_MAX || len * 3 / 4 > cap)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(text[i]);

        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            *to++ = (uint8_t)(bits >> n_bits);
        }
    }
    if (bits & ((1u << n_bits) - 1)) /* another text would decode to the same bytes */
        return -1;
    return (int)(to - (uint8_t *)out);
}
