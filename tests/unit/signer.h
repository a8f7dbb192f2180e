/* signer: keys and tokens made in the test, by OpenSSL, apart from the code that reads them. */
#pragma once

#include "unit.h"

#include "auth_keys.h"
#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_BYTES = 16 * 1024 };

struct signer {
    enum auth_alg alg;
    EVP_PKEY *key; /* not AUTH_HS256 */
    const char *secret;
};

/* ---- keys ---- */

static inline struct signer signer_new(enum auth_alg alg)
{
    struct signer s = {.alg = alg, .secret = "a secret that is thirty-two or more bytes long"};

    if (alg == AUTH_RS256)
        s.key = EVP_RSA_gen(2048);
    else if (alg == AUTH_ES256)
        s.key = EVP_EC_gen("P-256");
    else if (alg == AUTH_EDDSA)
        s.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_true(s.key || alg == AUTH_HS256);
    return s;
}

static inline void signer_free(struct signer *s)
{
    EVP_PKEY_free(s->key);
}

/* What the service gets: the public key in PEM, or the secret. In a static buffer. */
static inline const char *signer_public(const struct signer *s)
{
    static char pem[4096];
    BIO *out;
    int len;

    if (s->alg == AUTH_HS256)
        return s->secret;
    out = BIO_new(BIO_s_mem());
    assert_int_equal(1, PEM_write_bio_PUBKEY(out, s->key));
    len = BIO_read(out, pem, sizeof(pem) - 1);
    assert_true(len > 0);
    pem[len] = '\0';
    BIO_free(out);
    return pem;
}

static inline const char *signer_private(const struct signer *s)
{
    static char pem[4096];
    BIO *out = BIO_new(BIO_s_mem());
    int len;

    assert_int_equal(1, PEM_write_bio_PrivateKey(out, s->key, NULL, NULL, 0, NULL, NULL));
    len = BIO_read(out, pem, sizeof(pem) - 1);
    assert_true(len > 0);
    pem[len] = '\0';
    BIO_free(out);
    return pem;
}

/* ---- tokens ---- */

static inline size_t sign_hs256(const char *secret, const char *msg, unsigned char *sig)
{
    unsigned len;

    assert_non_null(
        HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)msg, strlen(msg), sig, &len));
    return len;
}

static inline size_t es256_of_der(const unsigned char *der, size_t len, unsigned char sig[64])
{
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)len);

    assert_int_equal(32, BN_bn2binpad(ECDSA_SIG_get0_r(numbers), sig, 32));
    assert_int_equal(32, BN_bn2binpad(ECDSA_SIG_get0_s(numbers), sig + 32, 32));
    ECDSA_SIG_free(numbers);
    return 64;
}

static inline size_t sign_public(const struct signer *s, const char *msg, unsigned char sig[1024])
{
    unsigned char raw[1024];
    size_t len = sizeof(raw);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_int_equal(1,
                     EVP_DigestSignInit(ctx, NULL, s->alg == AUTH_EDDSA ? NULL : EVP_sha256(), NULL, s->key));
    assert_int_equal(1, EVP_DigestSign(ctx, raw, &len, (const unsigned char *)msg, strlen(msg)));
    EVP_MD_CTX_free(ctx);
    if (s->alg == AUTH_ES256)
        return es256_of_der(raw, len, sig);
    memcpy(sig, raw, len);
    return len;
}

/* Any texts as header and claims. In a static buffer. */
static inline const char *sign(const struct signer *s, const char *header, const char *claims)
{
    static char token[TOKEN_BYTES];
    unsigned char sig[1024];
    size_t len, n;

    rr_base64url_encode(header, strlen(header), token);
    len = strlen(token);
    token[len++] = '.';
    rr_base64url_encode(claims, strlen(claims), token + len);
    n = s->alg == AUTH_HS256 ? sign_hs256(s->secret, token, sig) : sign_public(s, token, sig);
    len = strlen(token);
    token[len++] = '.';
    rr_base64url_encode(sig, n, token + len);
    return token;
}

/* ---- folders of keys ---- */

static inline void folder_new(char path[64])
{
    strcpy(path, "/tmp/rr-test-keys-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static inline void folder_put(const char *folder, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(0, fclose(f));
}

static inline void folder_remove(const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(0, remove(path));
}

static inline void folder_free(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, NULL);

    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            folder_remove(folder, name);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(0, rmdir(folder));
}
