/* Which folders of keys are taken. */
#include "signer.h"

static struct signer signers[AUTH_N_ALGS];
static char folder[64];

static const char *const file_of[AUTH_N_ALGS] = {"a.RS256.pem", "b.ES256.pem", "c.EdDSA.pem", "d.HS256.key"};

static struct auth_keys *load_good(void)
{
    rr_auto(buf) struct rr_buf wrong = {0};
    struct auth_keys *keys = auth_keys_load(folder, &wrong);

    if (!keys)
        fail_msg("%s", wrong.data);
    return keys;
}

static void assert_bad(const char *expected)
{
    rr_auto(buf) struct rr_buf wrong = {0};

    assert_null(auth_keys_load(folder, &wrong));
    if (!strstr(wrong.data, expected))
        fail_msg("expected \"%s\", got \"%s\"", expected, wrong.data);
}

static void put(enum auth_alg alg, const char *name)
{
    folder_put(folder, name, signer_public(&signers[alg]));
}

static void every_kind_of_key_is_found_by_its_kid(void **state)
{
    static const char *const kids[AUTH_N_ALGS] = {"a", "b", "c", "d"};
    struct auth_keys *keys;

    (void)state;
    for (int alg = 0; alg < AUTH_N_ALGS; alg++)
        put((enum auth_alg)alg, file_of[alg]);
    keys = load_good();
    assert_int_equal(4, auth_keys_n(keys));
    for (int alg = 0; alg < AUTH_N_ALGS; alg++)
        assert_int_equal(alg, auth_key_alg(auth_keys_find(keys, kids[alg])));
    assert_null(auth_keys_find(keys, "e"));
    assert_null(auth_keys_find(keys, ""));
    assert_null(auth_keys_find(keys, NULL));
    auth_keys_unref(keys);
}

static void a_lone_key_needs_no_name(void **state)
{
    struct auth_keys *keys;

    (void)state;
    put(AUTH_ES256, "2026-01.main.ES256.pem");
    keys = load_good();
    assert_non_null(auth_keys_find(keys, NULL));
    assert_non_null(auth_keys_find(keys, "2026-01.main"));
    assert_null(auth_keys_find(keys, "2026-01"));
    auth_keys_unref(keys);
}

static void hidden_files_and_folders_are_passed_over(void **state)
{
    char path[128];

    (void)state;
    put(AUTH_HS256, "d.HS256.key");
    folder_put(folder, ".a.RS256.pem", "not written to its end");
    snprintf(path, sizeof(path), "%s/private", folder);
    assert_int_equal(0, mkdir(path, 0700));
    auth_keys_unref(load_good());
}

static void keys_behind_symbolic_links_are_found(void **state)
{
    char path[128];

    (void)state;
    put(AUTH_EDDSA, ".real");
    snprintf(path, sizeof(path), "%s/c.EdDSA.pem", folder);
    assert_int_equal(0, symlink(".real", path));
    auth_keys_unref(load_good());
}

static void a_secret_is_the_file_without_its_last_newline(void **state)
{
    static const unsigned char msg[] = "msg";
    unsigned char sig[64];
    struct auth_keys *keys;

    (void)state;
    folder_put(folder, "d.HS256.key", "0123456789abcdef0123456789abcde\n\n");
    keys = load_good();
    assert_int_equal(32, sign_hs256("0123456789abcdef0123456789abcde\n", (const char *)msg, sig));
    assert_true(auth_key_verify(auth_keys_find(keys, "d"), msg, 3, sig, 32));
    auth_keys_unref(keys);
}

static void a_folder_without_keys_is_wrong(void **state)
{
    (void)state;
    assert_bad("holds no key");
    folder_put(folder, ".hidden", "");
    assert_bad("holds no key");
}

static void a_folder_that_is_not_there_is_wrong(void **state)
{
    rr_auto(buf) struct rr_buf wrong = {0};

    (void)state;
    assert_null(auth_keys_load("/nonexistent", &wrong));
    assert_non_null(strstr(wrong.data, "No such file"));
    rr_buf_reset(&wrong);
    assert_null(auth_keys_load("/dev/null", &wrong));
    assert_non_null(strstr(wrong.data, "Not a directory"));
}

static void a_name_that_is_not_understood_is_wrong(void **state)
{
    static const char *const names[] = {
        "a.pem",         "a.rs256.pem",           "a.RS256.key",     "d.HS256.pem",
        "RS256.pem",     "a.RS384.pem",           "a.RS256.pem.bak", "a.none.key",
        "a b.RS256.pem", "caf\xC3\xA9.RS256.pem", "README",
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(names); i++) {
        put(AUTH_RS256, names[i]);
        assert_bad("is not named <kid>.RS256.pem");
        assert_bad(names[i]);
        folder_remove(folder, names[i]);
    }
}

static void a_kid_is_at_most_64_characters_long(void **state)
{
    char name[128];

    (void)state;
    snprintf(name, sizeof(name), "%064d.HS256.key", 1);
    put(AUTH_HS256, name);
    auth_keys_unref(load_good());
    snprintf(name, sizeof(name), "%065d.HS256.key", 1);
    put(AUTH_HS256, name);
    assert_bad("is not named");
}

static void one_kid_is_one_key(void **state)
{
    (void)state;
    put(AUTH_RS256, "a.RS256.pem");
    put(AUTH_HS256, "a.HS256.key");
    assert_bad("is a second key of this kid");
}

static void a_key_of_another_kind_than_its_name_says_is_wrong(void **state)
{
    (void)state;
    for (int key = 0; key < AUTH_HS256; key++)
        for (int name = 0; name < AUTH_HS256; name++) {
            if (key == name)
                continue;
            put((enum auth_alg)key, file_of[name]);
            assert_bad(file_of[name]);
            folder_remove(folder, file_of[name]);
        }
}

static void weak_keys_are_wrong(void **state)
{
    struct signer weak = {.alg = AUTH_RS256, .key = EVP_RSA_gen(1024)};

    (void)state;
    folder_put(folder, "a.RS256.pem", signer_public(&weak));
    assert_bad("less than 2048 bits");
    signer_free(&weak);
    folder_remove(folder, "a.RS256.pem");
    weak = (struct signer){.alg = AUTH_ES256, .key = EVP_EC_gen("P-384")};
    folder_put(folder, "b.ES256.pem", signer_public(&weak));
    assert_bad("no key on the curve P-256");
    signer_free(&weak);
    folder_remove(folder, "b.ES256.pem");
    folder_put(folder, "d.HS256.key", "0123456789abcdef0123456789abcde\n");
    assert_bad("shorter than the 32 bytes");
}

static void a_private_key_is_wrong(void **state)
{
    (void)state;
    folder_put(folder, "a.RS256.pem", signer_private(&signers[AUTH_RS256]));
    assert_bad("a.RS256.pem holds a private key");
}

static void what_is_no_key_is_wrong(void **state)
{
    static char large[20000];

    (void)state;
    folder_put(folder, "a.RS256.pem", "");
    assert_bad("holds no public key in PEM");
    folder_put(folder, "a.RS256.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    assert_bad("holds no public key in PEM");
    memset(large, 'x', sizeof(large) - 1);
    folder_put(folder, "a.RS256.pem", large);
    assert_bad("is larger than a key");
}

static void a_file_that_cannot_be_read_is_wrong(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/a.RS256.pem", folder);
    assert_int_equal(0, symlink("nowhere", path));
    assert_bad("a.RS256.pem cannot be read");
}

static void more_than_64_keys_are_wrong(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < AUTH_KEYS_MAX; i++) {
        snprintf(name, sizeof(name), "%d.HS256.key", i);
        put(AUTH_HS256, name);
    }
    auth_keys_unref(load_good());
    put(AUTH_HS256, "more.HS256.key");
    assert_bad("64 keys");
}

static int folder_set_up(void **state)
{
    (void)state;
    folder_new(folder);
    return 0;
}

static int folder_tear_down(void **state)
{
    (void)state;
    folder_free(folder);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    for (int alg = 0; alg < AUTH_N_ALGS; alg++)
        signers[alg] = signer_new((enum auth_alg)alg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int alg = 0; alg < AUTH_N_ALGS; alg++)
        signer_free(&signers[alg]);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_key_is_found_by_its_kid),
        TEST(a_lone_key_needs_no_name),
        TEST(hidden_files_and_folders_are_passed_over),
        TEST(keys_behind_symbolic_links_are_found),
        TEST(a_secret_is_the_file_without_its_last_newline),
        TEST(a_folder_without_keys_is_wrong),
        TEST(a_folder_that_is_not_there_is_wrong),
        TEST(a_name_that_is_not_understood_is_wrong),
        TEST(a_kid_is_at_most_64_characters_long),
        TEST(one_kid_is_one_key),
        TEST(a_key_of_another_kind_than_its_name_says_is_wrong),
        TEST(weak_keys_are_wrong),
        TEST(a_private_key_is_wrong),
        TEST(what_is_no_key_is_wrong),
        TEST(a_file_that_cannot_be_read_is_wrong),
        TEST(more_than_64_keys_are_wrong),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
