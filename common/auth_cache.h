/* auth_cache: the tokens that a loop has found good, so that their signatures are not verified at each
 * request.
 *
 * Found by the SHA-256 of the whole token: nobody can make another token with the same one. Bounded: the one
 * that was not used for the longest time makes room among the few that share its place. Only what never
 * changes about a token is kept, so the caller looks at the time at each use, and empties the cache with new
 * keys. Belongs to the loop's thread. */
#pragma once

#include "auth_jwt.h"

struct auth_cache;

struct auth_digest {
    unsigned char bytes[32];
};

struct auth_cache *auth_cache_new(void); /* NULL: no memory */
void auth_cache_free(struct auth_cache *c);
void auth_cache_clear(struct auth_cache *c);

struct auth_digest auth_cache_digest(const char *token, size_t len);
/* NULL: not known. Stays until the next call of the two below or of auth_cache_clear(). */
const struct auth_claims *auth_cache_find(struct auth_cache *c, const struct auth_digest *digest);
const struct auth_claims *auth_cache_put(struct auth_cache *c, const struct auth_digest *digest,
                                         const struct auth_claims *claims);
