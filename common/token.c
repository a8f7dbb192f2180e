/* The bytes: format (4 bits) and kind (4 bits), id (16 or 8), version (4), CRC-32 (4), all big-endian, in
 * base64url. */
#include "token.h"

#include "text.h"

#include <string.h>

enum { FORMAT = 0, BYTES_MAX = 1 + 16 + 4 + 4, CRC_BYTES = 4 };

static size_t id_bytes(unsigned kind)
{
    switch (kind) {
    case RR_TOKEN_RESERVATION: return 16;
    case RR_TOKEN_ROOM: return 8;
    default: return 0;
    }
}

/* CRC-32 as in ISO-HDLC: any error within 32 bits is found. */
static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

static uint8_t *put_number(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return out + n;
}

static uint64_t get_number(const uint8_t *in, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | in[i];
    return v;
}

char *rr_token_format(const struct rr_token *t, char out[RR_TOKEN_TEXT])
{
    uint8_t bytes[BYTES_MAX], *p = bytes;

    *p++ = (uint8_t)(FORMAT << 4 | t->kind);
    if (t->kind == RR_TOKEN_ROOM) {
        p = put_number(p, t->room_id, 8);
    } else {
        memcpy(p, t->reservation_id.b, 16);
        p += 16;
    }
    p = put_number(p, t->version, 4);
    p = put_number(p, crc32_of(bytes, (size_t)(p - bytes)), CRC_BYTES);
    rr_base64url_encode(bytes, (size_t)(p - bytes), out);
    return out;
}

bool rr_token_parse(const char *text, size_t len, struct rr_token *ret)
{
    uint8_t bytes[BYTES_MAX];
    struct rr_token t = {0};
    int n = rr_base64url_decode(text, len, bytes, sizeof(bytes));
    size_t id_len, body_len;

    if (n < 1 || bytes[0] >> 4 != FORMAT)
        return false;
    id_len = id_bytes(bytes[0] & 15);
    body_len = 1 + id_len + 4;
    if (id_len == 0 || (size_t)n != body_len + CRC_BYTES)
        return false;
    if (get_number(bytes + body_len, CRC_BYTES) != crc32_of(bytes, body_len))
        return false;
    t.kind = (enum rr_token_kind)(bytes[0] & 15);
    if (t.kind == RR_TOKEN_ROOM)
        t.room_id = get_number(bytes + 1, 8);
    else
        memcpy(t.reservation_id.b, bytes + 1, 16);
    t.version = (uint32_t)get_number(bytes + 1 + id_len, 4);
    if (t.version == 0)
        return false;
    *ret = t;
    return true;
}

const char *rr_token_parse_list(const char *header, struct rr_token ret[RR_TOKENS_MAX], size_t *ret_n)
{
    size_t n = 0;

    for (const char *p = header + strspn(header, " \t,"); *p; p += strspn(p, " \t,")) {
        size_t len = strcspn(p, " \t,");
        const char *after = p + len + strspn(p + len, " \t");

        if (n == RR_TOKENS_MAX)
            return "more than 8 tokens";
        if (!rr_token_parse(p, len, &ret[n++]) || (*after && *after != ','))
            return "a token is cut, mistyped, or none of this service";
        p = after;
    }
    if (n == 0)
        return "no token";
    *ret_n = n;
    return NULL;
}
