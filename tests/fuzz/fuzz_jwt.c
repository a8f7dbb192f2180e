/* Any bytes as a bearer token, and, rightly signed, as the claims of one. */
#include "fuzz.h"

#include "auth_jwt.h"
#include "macros.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char secret[] = "a secret that is thirty-two or more bytes long";
static const struct auth_rules rules = {.issuer = "", .audience = "", .skew_us = 0};
static struct auth_keys *keys;

static struct auth_keys *keys_made(void)
{
    rr_auto(buf) struct rr_buf wrong = {0};
    char folder[] = "/tmp/rr-fuzz-keys-XXXXXX", path[64];
    struct auth_keys *made;
    FILE *f;

    REQUIRE(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/hs.HS256.key", folder);
    f = fopen(path, "we");
    REQUIRE(f && fputs(secret, f) >= 0 && fclose(f) == 0);
    made = auth_keys_load(folder, &wrong);
    REQUIRE(made);
    REQUIRE(unlink(path) == 0 && rmdir(folder) == 0);
    return made;
}

static void token_fuzzed(const char *token, size_t len)
{
    struct auth_claims claims = {.user = ""};

    /* A moment of which the claims can be right; what is taken names a user and a time. */
    if (!auth_jwt_read(keys, &rules, token, len, INT64_C(1800000000000000), &claims))
        REQUIRE(claims.user[0] != '\0' && claims.from < claims.until);
}

static void claims_fuzzed(const uint8_t *claims, size_t len)
{
    static char token[AUTH_TOKEN_MAX * 2];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len;
    char *at = token;

    if (len > AUTH_TOKEN_MAX)
        return;
    rr_base64url_encode("{\"alg\":\"HS256\"}", 15, at);
    at += strlen(at);
    *at++ = '.';
    rr_base64url_encode(claims, len, at);
    at += strlen(at);
    REQUIRE(HMAC(EVP_sha256(), secret, sizeof(secret) - 1, (unsigned char *)token, (size_t)(at - token), mac,
                 &mac_len));
    *at++ = '.';
    rr_base64url_encode(mac, mac_len, at);
    token_fuzzed(token, strlen(token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!keys)
        keys = keys_made();
    token_fuzzed((const char *)data, len);
    claims_fuzzed(data, len);
    return 0;
}
