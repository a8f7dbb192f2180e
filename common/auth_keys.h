/* auth_keys: the keys that tokens may be signed with, from a folder.
 *
 * One file a key, named <kid>.<alg>: `kid` is what tokens call the key (1 to 64 of [A-Za-z0-9._-]), the rest
 * says what the key is for and is its only algorithm:
 *
 *     <kid>.RS256.pem  <kid>.ES256.pem  <kid>.EdDSA.pem    the public key
 *     <kid>.HS256.key                                      the secret
 *
 * Hidden files and folders are passed over; any other name is an error, for a key that is misspelt would be
 * missed only when somebody is refused. A set is read-only and counted: a loop may still hold the old one. */
#pragma once

#include "auth_key.h"
#include "buf.h"

enum { AUTH_KEYS_MAX = 64 };

struct auth_keys;

/* Returns the set, with one reference; or NULL, and says in `wrong` what is wrong, naming the file. A folder
 * without a key is wrong. */
struct auth_keys *auth_keys_load(const char *dir, struct rr_buf *wrong) RR_MUST_CHECK;
struct auth_keys *auth_keys_ref(struct auth_keys *keys);
void auth_keys_unref(struct auth_keys *keys); /* NULL is fine */
size_t auth_keys_n(const struct auth_keys *keys);
/* `kid` NULL: the token names none, which is enough where there is one key only. NULL: no such key. */
const struct auth_key *auth_keys_find(const struct auth_keys *keys, const char *kid);
