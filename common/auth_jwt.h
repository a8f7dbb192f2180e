/* auth_jwt: is this token good, and whose is it? RFC 7519 with the cautions of RFC 8725.
 *
 * A token is a JWS in compact form of at most AUTH_TOKEN_MAX bytes, every part canonical base64url, so that
 * there is one text only for each token. Its header names `alg`, which has to be the key's own, and `kid`
 * where there are several keys; `typ`, if it is there, is JWT or at+jwt; `crit` is refused, for nothing that
 * it could name is understood here. Nothing of the claims is looked at before the signature has been found
 * good; names that come twice are refused in both.
 *
 *     exp      required: good before it, plus the skew
 *     nbf      good from it on, less the skew
 *     iss      has to be the expected one, if one is expected
 *     aud      a text or an array of texts, has to hold the expected one, if one is expected
 *     sub      required: the user, a text of 1 to 128 characters without control characters
 *     roles    an array of texts; "admin" in it makes an admin
 *
 * Thread-safe: pure, but for the memory it takes. */
#pragma once

#include "auth_keys.h"

#include <stdint.h>

enum {
    AUTH_TOKEN_MAX = 8192,
    AUTH_USER_CHARS = 128,
    AUTH_USER_TEXT = AUTH_USER_CHARS * 4 + 1, /* bytes for any user, NUL included */
};

struct auth_rules {
    const char *issuer, *audience; /* "": any */
    int64_t skew_us;
};

struct auth_claims {
    int64_t from, until; /* of rr_time_now(): good while from <= now < until; the skew is in them */
    bool admin;
    char user[AUTH_USER_TEXT];
};

/* Returns NULL, or why the token is refused, in words for its bearer (printable ASCII without quotes). */
const char *auth_jwt_read(const struct auth_keys *keys, const struct auth_rules *rules, const char *token,
                          size_t len, int64_t now, struct auth_claims *ret) RR_MUST_CHECK;
/* NULL while the claims hold, else what auth_jwt_read() says then. */
const char *auth_claims_expired(const struct auth_claims *claims, int64_t now);
