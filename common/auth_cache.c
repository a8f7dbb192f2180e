#include "auth_cache.h"

#include <openssl/sha.h>

enum { SETS = 256, WAYS = 4 }; /* 1024 tokens, 600 KiB */

struct known {
    struct auth_digest digest;
    uint64_t used; /* 0: empty */
    struct auth_claims claims;
};

struct auth_cache {
    uint64_t clock;
    struct known sets[SETS][WAYS];
};

struct auth_cache *auth_cache_new(void)
{
    return calloc(1, sizeof(struct auth_cache));
}

void auth_cache_free(struct auth_cache *c)
{
    free(c);
}

void auth_cache_clear(struct auth_cache *c)
{
    memset(c, 0, sizeof(*c));
}

struct auth_digest auth_cache_digest(const char *token, size_t len)
{
    struct auth_digest digest;

    SHA256((const unsigned char *)token, len, digest.bytes);
    return digest;
}

static struct known *set_of(struct auth_cache *c, const struct auth_digest *digest)
{
    return c->sets[digest->bytes[0] % SETS];
}

const struct auth_claims *auth_cache_find(struct auth_cache *c, const struct auth_digest *digest)
{
    struct known *set = set_of(c, digest);

    for (int i = 0; i < WAYS; i++)
        if (set[i].used && memcmp(&set[i].digest, digest, sizeof(*digest)) == 0) {
            set[i].used = ++c->clock;
            return &set[i].claims;
        }
    return NULL;
}

const struct auth_claims *auth_cache_put(struct auth_cache *c, const struct auth_digest *digest,
                                         const struct auth_claims *claims)
{
    struct known *set = set_of(c, digest), *oldest = set;

    for (int i = 1; i < WAYS; i++)
        if (set[i].used < oldest->used)
            oldest = &set[i];
    *oldest = (struct known){*digest, ++c->clock, *claims};
    return &oldest->claims;
}
