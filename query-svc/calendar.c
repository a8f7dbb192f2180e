#include "calendar.h"

#include "log.h"
#include "text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { SIGNATURE = 16, HEAD = 5, BYTES = CALENDAR_LINK / 4 * 3 };
#define SUFFIX ".ics"

const struct rr_pg_stmt calendar_stmt = {"calendar_secret",
                                         "SELECT encode(secret, 'hex') FROM projection.calendar_secret"};

static int hex_digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

enum rr_err calendar_take(struct calendar *c, const PGresult *res)
{
    const char *hex;

    if (PQntuples(res) != 1 || PQgetlength(res, 0, 0) != 2 * CALENDAR_SECRET)
        return RR_INTERNAL;
    hex = PQgetvalue(res, 0, 0);
    for (int i = 0; i < CALENDAR_SECRET; i++)
        c->secret[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    c->known = true;
    return RR_OK;
}

char *calendar_subject(const struct calendar_link *l, char out[CALENDAR_SUBJECT])
{
    snprintf(out, CALENDAR_SUBJECT, "%s:%s", l->kind == CALENDAR_USER ? "user" : "room", l->id);
    return out;
}

/* The bytes of a link: kind, epoch (big endian), id, signature over all before it. */
static void sign(const struct calendar *c, const unsigned char *data, size_t len, unsigned char *to)
{
    unsigned char mac[EVP_MAX_MD_SIZE];

    if (!HMAC(EVP_sha256(), c->secret, CALENDAR_SECRET, data, len, mac, NULL))
        RR_BUG("HMAC-SHA-256 cannot be computed");
    memcpy(to, mac, SIGNATURE);
}

char *calendar_format(const struct calendar *c, const struct calendar_link *l, char out[CALENDAR_LINK])
{
    size_t len = strlen(l->id);
    unsigned char data[BYTES] = {(unsigned char)l->kind, (unsigned char)(l->epoch >> 24),
                                 (unsigned char)(l->epoch >> 16), (unsigned char)(l->epoch >> 8),
                                 (unsigned char)l->epoch};

    memcpy(data + HEAD, l->id, len);
    sign(c, data, HEAD + len, data + HEAD + len);
    rr_base64url_encode(data, HEAD + len + SIGNATURE, out);
    memcpy(out + strlen(out), SUFFIX, sizeof(SUFFIX));
    return out;
}

bool calendar_parse(const struct calendar *c, const char *text, struct calendar_link *ret)
{
    size_t text_len = strlen(text), suffix = sizeof(SUFFIX) - 1, len;
    unsigned char data[BYTES], expected[SIGNATURE];
    int n;

    if (text_len <= suffix || strcmp(text + text_len - suffix, SUFFIX) != 0)
        return false;
    n = rr_base64url_decode(text, text_len - suffix, data, sizeof(data));
    if (n <= HEAD + SIGNATURE || n - HEAD - SIGNATURE >= (int)sizeof(ret->id))
        return false;
    len = (size_t)n - SIGNATURE;
    sign(c, data, len, expected);
    if (CRYPTO_memcmp(expected, data + len, SIGNATURE) != 0)
        return false;
    *ret = (struct calendar_link){.kind = (enum calendar_kind)data[0],
                                  .epoch = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 |
                                           (uint32_t)data[3] << 8 | data[4]};
    memcpy(ret->id, data + HEAD, len - HEAD);
    return true;
}
