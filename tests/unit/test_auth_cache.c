#include "unit.h"

#include "auth_cache.h"

#include <stdio.h>
#include <string.h>

static struct auth_cache *cache;

static struct auth_digest digest_of(int i)
{
    char token[32];
    int len = snprintf(token, sizeof(token), "token %d", i);

    return auth_cache_digest(token, (size_t)len);
}

static void put(int i)
{
    struct auth_digest digest = digest_of(i);
    struct auth_claims claims = {.until = i};

    snprintf(claims.user, sizeof(claims.user), "user %d", i);
    assert_int_equal(i, auth_cache_put(cache, &digest, &claims)->until);
}

static const struct auth_claims *find(int i)
{
    struct auth_digest digest = digest_of(i);

    return auth_cache_find(cache, &digest);
}

static void a_token_is_found_with_its_own_claims(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_null(find(i));
        put(i);
    }
    for (int i = 0; i < 100; i++) {
        char user[32];

        snprintf(user, sizeof(user), "user %d", i);
        assert_string_equal(user, find(i)->user);
    }
}

static void nothing_is_known_after_a_clear(void **state)
{
    (void)state;
    put(1);
    auth_cache_clear(cache);
    assert_null(find(1));
}

static void a_token_in_use_stays_and_the_memory_is_bounded(void **state)
{
    int known = 0;

    (void)state;
    put(0);
    for (int i = 1; i < 20000; i++) {
        put(i);
        assert_non_null(find(0));
    }
    for (int i = 0; i < 20000; i++)
        known += find(i) != NULL;
    assert_true(known <= 1024);
    assert_non_null(find(19999));
}

static int set_up(void **state)
{
    (void)state;
    cache = auth_cache_new();
    return cache ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    auth_cache_free(cache);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

UNIT_MAIN(TEST(a_token_is_found_with_its_own_claims), TEST(nothing_is_known_after_a_clear),
          TEST(a_token_in_use_stays_and_the_memory_is_bounded))
