/* auth_key: one key that tokens are signed with, and the only algorithm it is good for.
 *
 * The algorithm comes from whoever installed the key, never from a token (RFC 8725, 3.1): so a public RSA key
 * cannot be taken for an HMAC secret, and `none` is no algorithm at all.
 *
 * Read-only once made; any number of threads may verify with it. */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>

enum auth_alg { AUTH_RS256, AUTH_ES256, AUTH_EDDSA, AUTH_HS256, AUTH_N_ALGS };

enum { AUTH_SECRET_MIN = 32, AUTH_RSA_BITS_MIN = 2048, AUTH_RSA_BITS_MAX = 8192 };

struct auth_key;

extern const char *const auth_alg_names[AUTH_N_ALGS]; /* as `alg` has them (RFC 7518, RFC 8037) */

/* `text` is a public key in PEM, of the kind that `alg` needs (RSA of 2048 to 8192 bits, P-256, Ed25519), or,
 * for HS256, the secret: all bytes without one last newline, at least 32. Returns NULL, or what is wrong. */
const char *auth_key_new(enum auth_alg alg, const char *text, size_t len,
                         struct auth_key **ret) RR_MUST_CHECK;
void auth_key_free(struct auth_key *k); /* NULL is fine */
enum auth_alg auth_key_alg(const struct auth_key *k);
bool auth_key_verify(const struct auth_key *k, const void *msg, size_t msg_len, const unsigned char *sig,
                     size_t sig_len) RR_MUST_CHECK;
