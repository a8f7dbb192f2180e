#include "uuid.h"

#include "log.h"
#include "time.h"

#include <string.h>
#include <sys/random.h>

/* The counter of RFC 9562 section 6.2 method 1: the 12 bits of rand_a, begun at random in the lower half each
 * millisecond, so that at least 2,048 ids rise before it is full; then the millisecond is counted up ahead of
 * time. */
enum { COUNTER_MAX = 0xfff, COUNTER_START = 0x7ff };

struct rr_uuid rr_uuid_v7(void)
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local unsigned counter;
    struct rr_uuid u;
    uint64_t ms = (uint64_t)(rr_time_now() / 1000);

    if (getrandom(u.b, sizeof(u.b), 0) != (ssize_t)sizeof(u.b))
        RR_BUG("getrandom gave no random bytes");
    if (ms > last_ms) {
        last_ms = ms;
        counter = (unsigned)(u.b[6] << 8 | u.b[7]) & COUNTER_START;
    } else if (++counter > COUNTER_MAX) {
        last_ms++;
        counter = 0;
    }
    for (int i = 0; i < 6; i++)
        u.b[i] = (uint8_t)(last_ms >> (40 - 8 * i));
    u.b[6] = (uint8_t)(0x70 | counter >> 8);
    u.b[7] = (uint8_t)counter;
    u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3f));
    return u;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool hyphen_follows(int byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

bool rr_uuid_parse(const char *text, size_t len, struct rr_uuid *ret)
{
    const bool hyphens = len == RR_UUID_TEXT - 1;
    struct rr_uuid u;

    if (!hyphens && len != 32)
        return false;
    for (int i = 0; i < 16; i++) {
        int high = hex_digit(text[0]), low = hex_digit(text[1]);

        if (high < 0 || low < 0)
            return false;
        u.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (hyphens && hyphen_follows(i) && *text++ != '-')
            return false;
    }
    *ret = u;
    return true;
}

char *rr_uuid_format(const struct rr_uuid *u, char out[RR_UUID_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;

    for (int i = 0; i < 16; i++) {
        *p++ = hex[u->b[i] >> 4];
        *p++ = hex[u->b[i] & 15];
        if (hyphen_follows(i))
            *p++ = '-';
    }
    *p = '\0';
    return out;
}
