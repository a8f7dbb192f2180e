#include "auth_jwt.h"

#include "text.h"
#include "time.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <strings.h>

enum { PARTS = 3 };
enum { HEADER, CLAIMS, SIGNATURE };

struct part {
    const char *text;
    size_t len;
};

RR_AUTO(json, json_t, json_decref);

/* ---- notation ---- */

static bool cut(const char *token, size_t len, struct part parts[PARTS])
{
    const char *end = token + len;

    for (int i = 0; i < PARTS; i++) {
        const char *dot = i < PARTS - 1 ? memchr(token, '.', (size_t)(end - token)) : end;

        if (!dot || dot == token)
            return false;
        parts[i] = (struct part){token, (size_t)(dot - token)};
        token = dot + 1;
    }
    return true; /* a fourth part would have a dot in the third, which base64url has not */
}

/* A part that is a JSON object; NULL if it is none. */
static json_t *object_of(const struct part *part)
{
    char text[AUTH_TOKEN_MAX];
    int len = rr_base64url_decode(part->text, part->len, text, sizeof(text));
    json_t *json = len < 0 ? NULL : json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

/* ---- the header ---- */

static bool is_type_known(const json_t *typ)
{
    const char *text = json_string_value(typ);

    if (!text)
        return false;
    if (strncasecmp(text, "application/", 12) == 0)
        text += 12;
    return strcasecmp(text, "JWT") == 0 || strcasecmp(text, "at+jwt") == 0;
}

static const char *choose_key(const struct auth_keys *keys, const struct part *part,
                              const struct auth_key **ret)
{
    rr_auto(json) json_t *header = object_of(part);
    const json_t *kid = json_object_get(header, "kid"), *typ = json_object_get(header, "typ");
    const char *alg = json_string_value(json_object_get(header, "alg"));

    if (!header)
        return "the header of the token cannot be read";
    if (json_object_get(header, "crit"))
        return "the token has critical header parameters, which are not understood";
    if (typ && !is_type_known(typ))
        return "the token is of another type";
    if (kid && !json_is_string(kid))
        return "the kid of the token is no text";
    *ret = auth_keys_find(keys, json_string_value(kid));
    if (!*ret)
        return kid ? "the token is signed with an unknown key" : "the token does not name its key";
    if (!alg || strcmp(alg, auth_alg_names[auth_key_alg(*ret)]) != 0)
        return "the token is signed with another algorithm than its key is for";
    return NULL;
}

static const char *check_signature(const struct auth_keys *keys, const struct part parts[PARTS])
{
    const size_t signed_len = parts[HEADER].len + 1 + parts[CLAIMS].len;
    unsigned char sig[AUTH_RSA_BITS_MAX / 8];
    const struct auth_key *key = NULL;
    const char *wrong = choose_key(keys, &parts[HEADER], &key);
    int len;

    if (wrong)
        return wrong;
    len = rr_base64url_decode(parts[SIGNATURE].text, parts[SIGNATURE].len, sig, sizeof(sig));
    if (len < 0 || !auth_key_verify(key, parts[HEADER].text, signed_len, sig, (size_t)len))
        return "the signature of the token is wrong";
    return NULL;
}

/* ---- the claims ---- */

/* Seconds since 1970, with or without a fraction (RFC 7519, 2). */
static bool is_date(const json_t *json, int64_t *ret_us)
{
    const double seconds = json_number_value(json), limit = 253402300800.0; /* the year 10000 */

    if (!json_is_number(json) || !(fabs(seconds) < limit))
        return false;
    *ret_us = json_is_integer(json) ? json_integer_value(json) * RR_US_PER_SEC : (int64_t)(seconds * 1e6);
    return true;
}

static const char *read_times(const json_t *claims, int64_t skew_us, struct auth_claims *ret)
{
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");

    if (!exp)
        return "the token has no exp";
    if (!is_date(exp, &ret->until))
        return "the exp of the token is no time";
    ret->until += skew_us;
    ret->from = INT64_MIN;
    if (!nbf)
        return NULL;
    if (!is_date(nbf, &ret->from))
        return "the nbf of the token is no time";
    ret->from -= skew_us;
    return NULL;
}

static bool is_text(const json_t *json, const char *text)
{
    return json_is_string(json) && json_string_length(json) == strlen(text) &&
           strcmp(json_string_value(json), text) == 0;
}

static bool all_texts(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_string(json_array_get(array, i)))
            return false;
    return json_is_array(array);
}

static bool holds(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (is_text(json_array_get(array, i), text))
            return true;
    return false;
}

static const char *check_parties(const json_t *claims, const struct auth_rules *rules)
{
    const json_t *aud = json_object_get(claims, "aud");

    if (*rules->issuer && !is_text(json_object_get(claims, "iss"), rules->issuer))
        return "the token is from another issuer";
    if (*rules->audience && !is_text(aud, rules->audience) &&
        !(all_texts(aud) && holds(aud, rules->audience)))
        return "the token is for another audience";
    return NULL;
}

static const char *read_user(const json_t *claims, struct auth_claims *ret)
{
    const json_t *sub = json_object_get(claims, "sub"), *roles = json_object_get(claims, "roles");
    const char *user = json_string_value(sub);
    const size_t len = json_string_length(sub);

    if (!user)
        return "the token has no sub";
    if (!rr_text_valid(user, len) || len == 0 || rr_text_chars(user, len) > AUTH_USER_CHARS)
        return "the sub of the token is no user: 1 to 128 characters, no control characters";
    if (roles && !all_texts(roles))
        return "the roles of the token are no array of texts";
    memcpy(ret->user, user, len + 1);
    ret->admin = holds(roles, "admin");
    return NULL;
}

const char *auth_claims_expired(const struct auth_claims *claims, int64_t now)
{
    if (now >= claims->until)
        return "the token has expired";
    return now < claims->from ? "the token is not valid yet" : NULL;
}

const char *auth_jwt_read(const struct auth_keys *keys, const struct auth_rules *rules, const char *token,
                          size_t len, int64_t now, struct auth_claims *ret)
{
    rr_auto(json) json_t *claims = NULL;
    struct part parts[PARTS];
    const char *wrong;

    if (len > AUTH_TOKEN_MAX)
        return "the token is longer than 8192 bytes";
    if (!cut(token, len, parts))
        return "the token is not three parts with dots between";
    wrong = check_signature(keys, parts);
    if (wrong)
        return wrong;
    claims = object_of(&parts[CLAIMS]);
    if (!claims)
        return "the claims of the token cannot be read";
    wrong = read_times(claims, rules->skew_us, ret);
    if (!wrong)
        wrong = auth_claims_expired(ret, now);
    if (!wrong)
        wrong = check_parties(claims, rules);
    return wrong ? wrong : read_user(claims, ret);
}
