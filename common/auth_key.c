/* Signatures by OpenSSL's EVP. It keeps what went wrong in a queue of the thread, which libpq and MySQL's
 * client look at when they speak TLS in the same thread: each failure here is removed from it at once. */
#include "auth_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <string.h>

enum { ES256_HALF = 32, ES256_DER_MAX = 80 };

struct auth_key {
    enum auth_alg alg;
    EVP_PKEY *public; /* not AUTH_HS256 */
    size_t secret_len;
    unsigned char secret[];
};

const char *const auth_alg_names[AUTH_N_ALGS] = {
    [AUTH_RS256] = "RS256",
    [AUTH_ES256] = "ES256",
    [AUTH_EDDSA] = "EdDSA",
    [AUTH_HS256] = "HS256",
};

/* ---- making ---- */

static const char *rsa_is_fit(EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return "is no RSA key, which RS256 needs";
    if (EVP_PKEY_get_bits(key) < AUTH_RSA_BITS_MIN)
        return "is an RSA key of less than 2048 bits";
    if (EVP_PKEY_get_bits(key) > AUTH_RSA_BITS_MAX)
        return "is an RSA key of more than 8192 bits";
    return NULL;
}

static const char *ec_is_fit(EVP_PKEY *key)
{
    char group[32] = "";

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 || strcmp(group, "prime256v1") != 0)
        return "is no key on the curve P-256, which ES256 needs";
    return NULL;
}

static const char *is_fit(enum auth_alg alg, EVP_PKEY *key)
{
    switch (alg) {
    case AUTH_RS256: return rsa_is_fit(key);
    case AUTH_ES256: return ec_is_fit(key);
    default:
        return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : "is no Ed25519 key, which EdDSA needs";
    }
}

static const char *read_public(enum auth_alg alg, const char *text, size_t len, EVP_PKEY **ret)
{
    BIO *in = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    const char *wrong;

    BIO_free(in);
    if (!key)
        wrong = memmem(text, len, "PRIVATE KEY", 11) ? "holds a private key: the public one belongs here"
                                                     : "holds no public key in PEM";
    else
        wrong = is_fit(alg, key);
    if (wrong)
        EVP_PKEY_free(key);
    else
        *ret = key;
    ERR_clear_error();
    return wrong;
}

static struct auth_key *new_key(enum auth_alg alg, size_t secret_len)
{
    struct auth_key *k = calloc(1, sizeof(*k) + secret_len);

    if (k) {
        k->alg = alg;
        k->secret_len = secret_len;
    }
    return k;
}

const char *auth_key_new(enum auth_alg alg, const char *text, size_t len, struct auth_key **ret)
{
    EVP_PKEY *public = NULL;
    struct auth_key *k;
    const char *wrong = NULL;

    if (alg == AUTH_HS256) {
        len -= len && text[len - 1] == '\n';
        if (len < AUTH_SECRET_MIN)
            return "is shorter than the 32 bytes that HS256 needs";
    } else {
        wrong = read_public(alg, text, len, &public);
    }
    if (wrong)
        return wrong;
    k = new_key(alg, alg == AUTH_HS256 ? len : 0);
    if (!k) {
        EVP_PKEY_free(public);
        return "does not fit into memory";
    }
    k->public = public;
    memcpy(k->secret, text, k->secret_len);
    *ret = k;
    return NULL;
}

void auth_key_free(struct auth_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->public);
    OPENSSL_cleanse(k->secret, k->secret_len);
    free(k);
}

enum auth_alg auth_key_alg(const struct auth_key *k)
{
    return k->alg;
}

/* ---- verifying ---- */

static bool verify_public(EVP_PKEY *key, const EVP_MD *digest, const void *msg, size_t msg_len,
                          const unsigned char *sig, size_t sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, sig, sig_len, msg, msg_len) == 1;

    EVP_MD_CTX_free(ctx);
    if (!good)
        ERR_clear_error();
    return good;
}

/* A token has the two numbers of the signature side by side (RFC 7518, 3.4), OpenSSL wants them in DER. */
static int es256_der(const unsigned char *sig, size_t sig_len, unsigned char der[ES256_DER_MAX])
{
    ECDSA_SIG *numbers = sig_len == 2 * ES256_HALF ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = numbers ? BN_bin2bn(sig, ES256_HALF, NULL) : NULL;
    BIGNUM *s = numbers ? BN_bin2bn(sig + ES256_HALF, ES256_HALF, NULL) : NULL;
    int len = 0;

    if (r && s && ECDSA_SIG_set0(numbers, r, s)) {
        len = i2d_ECDSA_SIG(numbers, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(numbers);
    return len;
}

static bool verify_es256(EVP_PKEY *key, const void *msg, size_t msg_len, const unsigned char *sig,
                         size_t sig_len)
{
    unsigned char der[ES256_DER_MAX];
    int len = es256_der(sig, sig_len, der);

    return len > 0 && verify_public(key, EVP_sha256(), msg, msg_len, der, (size_t)len);
}

static bool verify_hs256(const struct auth_key *k, const void *msg, size_t msg_len, const unsigned char *sig,
                         size_t sig_len)
{
    unsigned char mac[SHA256_DIGEST_LENGTH];

    if (sig_len != sizeof(mac) || !HMAC(EVP_sha256(), k->secret, (int)k->secret_len, msg, msg_len, mac, NULL))
        return false;
    return CRYPTO_memcmp(mac, sig, sizeof(mac)) == 0; /* takes as long wherever they differ */
}

bool auth_key_verify(const struct auth_key *k, const void *msg, size_t msg_len, const unsigned char *sig,
                     size_t sig_len)
{
    switch (k->alg) {
    case AUTH_RS256: return verify_public(k->public, EVP_sha256(), msg, msg_len, sig, sig_len);
    case AUTH_ES256: return verify_es256(k->public, msg, msg_len, sig, sig_len);
    case AUTH_EDDSA: return verify_public(k->public, NULL, msg, msg_len, sig, sig_len);
    case AUTH_HS256: return verify_hs256(k, msg, msg_len, sig, sig_len);
    case AUTH_N_ALGS: break;
    }
    return false;
}
