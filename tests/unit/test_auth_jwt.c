/* Which tokens are good, and the reason for which each other one is refused. */
#include "signer.h"

#include "auth_jwt.h"
#include "time.h"

#define NOW             1800000000
#define GOOD            "\"sub\":\"ann\",\"exp\":1800000100"
#define USER            "{" GOOD "}"
#define NAMED(alg, kid) "{\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
#define HS              NAMED("HS256", "hs")

static struct signer rs, es, ed, hs, stranger;
static struct auth_keys *all, *only_es;
static const struct auth_rules lax = {.issuer = "", .audience = ""};
static struct auth_claims claims;

static const char *read_at(const struct auth_rules *rules, const char *token, int64_t now_s)
{
    memset(&claims, 0, sizeof(claims));
    return auth_jwt_read(all, rules, token, strlen(token), now_s * RR_US_PER_SEC, &claims);
}

static const char *read_token(const char *token)
{
    return read_at(&lax, token, NOW);
}

static void assert_good(const char *wrong)
{
    if (wrong)
        fail_msg("refused: %s", wrong);
}

static void assert_refused(const char *expected, const char *wrong)
{
    if (!wrong)
        fail_msg("taken, but expected: %s", expected);
    if (!strstr(wrong, expected))
        fail_msg("expected: %s, got: %s", expected, wrong);
}

/* ---- algorithms and keys ---- */

static void each_algorithm_is_good_with_its_own_key(void **state)
{
    (void)state;
    assert_good(read_token(sign(&rs, NAMED("RS256", "rs"), USER)));
    assert_good(read_token(sign(&es, NAMED("ES256", "es"), USER)));
    assert_good(read_token(sign(&ed, NAMED("EdDSA", "ed"), USER)));
    assert_good(read_token(sign(&hs, HS, USER)));
    assert_string_equal("ann", claims.user);
    assert_false(claims.admin);
}

/* RFC 7515, appendix A.1: somebody else's signature over somebody else's notation. */
static void the_example_of_the_standard_is_verified(void **state)
{
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const char key[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const char *dot = strrchr(token, '.');
    unsigned char secret[64], sig[32];
    struct auth_key *k;

    (void)state;
    assert_int_equal(64, rr_base64url_decode(key, strlen(key), secret, sizeof(secret)));
    assert_int_equal(32, rr_base64url_decode(dot + 1, strlen(dot + 1), sig, sizeof(sig)));
    assert_null(auth_key_new(AUTH_HS256, (const char *)secret, sizeof(secret), &k));
    assert_true(auth_key_verify(k, token, (size_t)(dot - token), sig, sizeof(sig)));
    auth_key_free(k);
}

static void none_is_no_algorithm(void **state)
{
    static const char *const algs[] = {"none", "None", "NONE", ""};
    char header[64], token[512], claims_text[128];

    (void)state;
    rr_base64url_encode(USER, strlen(USER), claims_text);
    for (size_t i = 0; i < RR_LEN(algs); i++) {
        char part[128];

        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"hs\"}", algs[i]);
        assert_refused("another algorithm", read_token(sign(&hs, header, USER)));
        rr_base64url_encode(header, strlen(header), part);
        snprintf(token, sizeof(token), "%s.%s.AAAA", part, claims_text);
        assert_refused("another algorithm", read_token(token));
        token[strlen(token) - 4] = '\0';
        assert_refused("three parts", read_token(token));
    }
}

static void a_public_key_is_no_secret(void **state)
{
    struct signer forger = {.alg = AUTH_HS256, .secret = signer_public(&rs)};

    (void)state;
    assert_refused("another algorithm", read_token(sign(&forger, NAMED("HS256", "rs"), USER)));
    assert_refused("signature", read_token(sign(&forger, NAMED("RS256", "rs"), USER)));
}

static void the_algorithm_is_the_keys_own(void **state)
{
    static const char *const algs[] = {"RS256", "ES256", "EdDSA", "HS256", "RS384", "PS256", "rs256"};
    static const char *const kids[] = {"rs", "es", "ed", "hs"};
    const struct signer *const signers[] = {&rs, &es, &ed, &hs};
    char header[64];

    (void)state;
    for (size_t alg = 0; alg < RR_LEN(algs); alg++)
        for (size_t kid = 0; kid < RR_LEN(kids); kid++) {
            if (alg == kid)
                continue;
            snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", algs[alg], kids[kid]);
            assert_refused("another algorithm", read_token(sign(signers[kid], header, USER)));
        }
    assert_refused("another algorithm", read_token(sign(&hs, "{\"kid\":\"hs\"}", USER)));
    assert_refused("another algorithm", read_token(sign(&hs, "{\"alg\":1,\"kid\":\"hs\"}", USER)));
}

static void a_stranger_with_the_right_kid_is_refused(void **state)
{
    (void)state;
    assert_refused("signature", read_token(sign(&stranger, NAMED("ES256", "es"), USER)));
}

static void an_unknown_kid_is_refused(void **state)
{
    (void)state;
    assert_refused("unknown key", read_token(sign(&hs, NAMED("HS256", "other"), USER)));
    assert_refused("unknown key", read_token(sign(&hs, NAMED("HS256", ""), USER)));
    assert_refused("unknown key", read_token(sign(&hs, NAMED("HS256", "../hs"), USER)));
    assert_refused("no text", read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":[\"hs\"]}", USER)));
    assert_refused("no text", read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":null}", USER)));
}

static void without_a_kid_there_has_to_be_one_key_only(void **state)
{
    const char *token = sign(&es, "{\"alg\":\"ES256\"}", USER);

    (void)state;
    assert_refused("does not name its key", read_token(token));
    assert_null(auth_jwt_read(only_es, &lax, token, strlen(token), NOW * RR_US_PER_SEC, &claims));
    token = sign(&es, NAMED("ES256", "other"), USER);
    assert_refused("unknown key",
                   auth_jwt_read(only_es, &lax, token, strlen(token), NOW * RR_US_PER_SEC, &claims));
}

/* ---- notation ---- */

static void critical_parameters_are_refused(void **state)
{
    (void)state;
    assert_refused("critical",
                   read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\",\"crit\":[\"exp\"]}", USER)));
    assert_refused("critical",
                   read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\",\"crit\":null}", USER)));
    assert_refused(
        "critical",
        read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\",\"b64\":false,\"crit\":[\"b64\"]}", USER)));
}

static void names_that_come_twice_are_refused(void **state)
{
    (void)state;
    assert_refused("header",
                   read_token(sign(&hs, "{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"hs\"}", USER)));
    assert_refused("header",
                   read_token(sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"rs\",\"kid\":\"hs\"}", USER)));
    assert_refused("claims", read_token(sign(&hs, HS, "{" GOOD ",\"sub\":\"bob\"}")));
    assert_refused("claims", read_token(sign(&hs, HS, "{" GOOD ",\"roles\":[],\"roles\":[\"admin\"]}")));
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "[]", "null", "\"x\"", "{", "{}{}", "{\"a\":1,}", "{\"a\":\"\xFF\"}", "{\"a\":\"\\u0000\"}"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++) {
        assert_refused(*texts[i] ? "header" : "three parts", read_token(sign(&hs, texts[i], USER)));
        assert_refused(*texts[i] ? "claims" : "three parts", read_token(sign(&hs, HS, texts[i])));
    }
}

static void other_types_of_tokens_are_refused(void **state)
{
    static const char *const good[] = {"\"JWT\"", "\"jwt\"", "\"at+jwt\"", "\"application/at+jwt\""};
    static const char *const bad[] = {"\"logout+jwt\"", "\"secevent+jwt\"", "\"\"", "1", "null"};
    char header[128];

    (void)state;
    for (size_t i = 0; i < RR_LEN(good); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"hs\",\"typ\":%s}", good[i]);
        assert_good(read_token(sign(&hs, header, USER)));
    }
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"hs\",\"typ\":%s}", bad[i]);
        assert_refused("another type", read_token(sign(&hs, header, USER)));
    }
}

static void what_is_not_three_parts_is_refused(void **state)
{
    static const char *const texts[] = {"", ".", "..", "...", "a", "a.b", "a..b", ".a.b", "a.b."};

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++)
        assert_refused("three parts", read_token(texts[i]));
    assert_non_null(read_token("a.b.c.d"));
    assert_non_null(read_token("a.b.c.d.e"));
}

static void the_longest_token_is_8192_bytes(void **state)
{
    char padding[AUTH_TOKEN_MAX], text[AUTH_TOKEN_MAX + 128];
    const char *token;
    int n = 6000;

    (void)state;
    memset(padding, 'x', sizeof(padding));
    do {
        snprintf(text, sizeof(text), "{" GOOD ",\"x\":\"%.*s\"}", n++, padding);
        token = sign(&hs, HS, text);
    } while (strlen(token) < AUTH_TOKEN_MAX - 1);
    assert_good(read_token(token));
    snprintf(text, sizeof(text), "{" GOOD ",\"x\":\"%.*s\"}", n + 2, padding);
    token = sign(&hs, HS, text);
    assert_true(strlen(token) > AUTH_TOKEN_MAX);
    assert_refused("longer than 8192", read_token(token));
}

/* ES256 takes exactly two numbers of 32 bytes, and neither is 0. */
static void a_signature_of_another_length_is_refused(void **state)
{
    char token[TOKEN_BYTES];
    char *sig;

    (void)state;
    strcpy(token, sign(&es, NAMED("ES256", "es"), USER));
    sig = strrchr(token, '.') + 1;
    memset(sig, 'A', strlen(sig));
    assert_refused("signature", read_token(token));
    sig[strlen(sig) - 2] = '\0';
    assert_refused("signature", read_token(token));
    strcpy(sig, "AAAA");
    assert_refused("signature", read_token(token));
    sig[0] = '\0';
    assert_refused("three parts", read_token(token));
}

/* Each other text in place of each character, each character left out, each one doubled. */
static void assert_no_other_text_is_taken(const char *good)
{
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n";
    const size_t len = strlen(good);
    char token[TOKEN_BYTES];

    assert_good(read_token(good));
    for (size_t at = 0; at < len; at++) {
        strcpy(token, good);
        for (const char *c = others; *c; c++) {
            token[at] = *c;
            if (*c != good[at] && !read_token(token))
                fail_msg("taken with %c at %zu: %s", *c, at, token);
        }
        memmove(token + at, good + at + 1, len - at);
        assert_non_null(read_token(token));
        memcpy(token, good, at + 1);
        memcpy(token + at + 1, good + at, len - at + 1);
        assert_non_null(read_token(token));
    }
}

static void every_change_of_a_good_token_is_refused(void **state)
{
    char token[TOKEN_BYTES];

    (void)state;
    assert_no_other_text_is_taken(strcpy(token, sign(&rs, NAMED("RS256", "rs"), USER)));
    assert_no_other_text_is_taken(strcpy(token, sign(&es, NAMED("ES256", "es"), USER)));
    assert_no_other_text_is_taken(strcpy(token, sign(&ed, NAMED("EdDSA", "ed"), USER)));
    assert_no_other_text_is_taken(strcpy(token, sign(&hs, HS, USER)));
}

/* ---- times ---- */

static const char *with_claims(const struct auth_rules *rules, const char *text, int64_t now_s)
{
    return read_at(rules, sign(&hs, HS, text), now_s);
}

static void a_token_is_good_before_its_exp(void **state)
{
    (void)state;
    assert_good(with_claims(&lax, USER, NOW + 99));
    assert_refused("has expired", with_claims(&lax, USER, NOW + 100));
    assert_refused("has expired", with_claims(&lax, "{\"sub\":\"ann\",\"exp\":-5}", NOW));
    assert_refused("has expired", with_claims(&lax, "{\"sub\":\"ann\",\"exp\":0}", NOW));
    assert_good(with_claims(&lax, "{\"sub\":\"ann\",\"exp\":1800000000.5}", NOW));
    assert_refused("has expired", with_claims(&lax, "{\"sub\":\"ann\",\"exp\":1799999999.5}", NOW));
}

static void exp_is_required_and_a_number(void **state)
{
    static const char *const values[] = {"\"1800000100\"", "null",   "true",        "[1800000100]",
                                         "1e300",          "-1e300", "253402300800"};
    char text[128];

    (void)state;
    assert_refused("has no exp", with_claims(&lax, "{\"sub\":\"ann\"}", NOW));
    for (size_t i = 0; i < RR_LEN(values); i++) {
        snprintf(text, sizeof(text), "{\"sub\":\"ann\",\"exp\":%s}", values[i]);
        assert_refused("exp of the token is no time", with_claims(&lax, text, NOW));
    }
    assert_refused("claims", with_claims(&lax, "{\"sub\":\"ann\",\"exp\":99999999999999999999}", NOW));
}

static void a_token_is_good_from_its_nbf_on(void **state)
{
    const char *text = "{" GOOD ",\"nbf\":1800000010}";

    (void)state;
    assert_refused("not valid yet", with_claims(&lax, text, NOW + 9));
    assert_good(with_claims(&lax, text, NOW + 10));
    assert_refused("nbf of the token is no time", with_claims(&lax, "{" GOOD ",\"nbf\":\"now\"}", NOW));
    assert_refused("nbf of the token is no time", with_claims(&lax, "{" GOOD ",\"nbf\":null}", NOW));
}

static void the_skew_widens_both_ends(void **state)
{
    const struct auth_rules skewed = {.issuer = "", .audience = "", .skew_us = 30 * RR_US_PER_SEC};
    const char *text = "{" GOOD ",\"nbf\":1800000010}";

    (void)state;
    assert_refused("not valid yet", with_claims(&skewed, text, NOW - 21));
    assert_good(with_claims(&skewed, text, NOW - 20));
    assert_good(with_claims(&skewed, text, NOW + 129));
    assert_refused("has expired", with_claims(&skewed, text, NOW + 130));
    assert_null(auth_claims_expired(&claims, (NOW + 129) * RR_US_PER_SEC));
    assert_non_null(auth_claims_expired(&claims, (NOW + 130) * RR_US_PER_SEC));
    assert_non_null(auth_claims_expired(&claims, (NOW - 21) * RR_US_PER_SEC));
}

/* ---- parties ---- */

static void the_issuer_is_the_expected_one(void **state)
{
    const struct auth_rules rules = {.issuer = "https://id.example", .audience = ""};

    (void)state;
    assert_good(with_claims(&rules, "{" GOOD ",\"iss\":\"https://id.example\"}", NOW));
    assert_refused("another issuer", with_claims(&rules, "{" GOOD ",\"iss\":\"https://id.example/\"}", NOW));
    assert_refused("another issuer", with_claims(&rules, "{" GOOD ",\"iss\":[\"https://id.example\"]}", NOW));
    assert_refused("another issuer", with_claims(&rules, USER, NOW));
    assert_good(with_claims(&lax, "{" GOOD ",\"iss\":\"anybody\"}", NOW));
}

static void the_audience_is_or_holds_the_expected_one(void **state)
{
    const struct auth_rules rules = {.issuer = "", .audience = "rooms"};

    (void)state;
    assert_good(with_claims(&rules, "{" GOOD ",\"aud\":\"rooms\"}", NOW));
    assert_good(with_claims(&rules, "{" GOOD ",\"aud\":[\"mail\",\"rooms\"]}", NOW));
    assert_refused("another audience", with_claims(&rules, "{" GOOD ",\"aud\":\"mail\"}", NOW));
    assert_refused("another audience", with_claims(&rules, "{" GOOD ",\"aud\":[]}", NOW));
    assert_refused("another audience", with_claims(&rules, "{" GOOD ",\"aud\":[\"rooms\",1]}", NOW));
    assert_refused("another audience", with_claims(&rules, "{" GOOD ",\"aud\":{\"rooms\":true}}", NOW));
    assert_refused("another audience", with_claims(&rules, USER, NOW));
    assert_good(with_claims(&lax, "{" GOOD ",\"aud\":\"mail\"}", NOW));
}

/* ---- who ---- */

static const char *with_sub(const char *sub)
{
    char text[1024];

    snprintf(text, sizeof(text), "{\"exp\":1800000100,\"sub\":%s}", sub);
    return with_claims(&lax, text, NOW);
}

static void a_user_is_a_text_of_1_to_128_characters(void **state)
{
    char sub[600] = "\"";

    (void)state;
    for (int i = 0; i < 128; i++)
        strcat(sub, "\xF0\x9F\x98\x80");
    strcat(sub, "\"");
    assert_good(with_sub(sub));
    assert_int_equal(512, strlen(claims.user));
    sub[strlen(sub) - 1] = '\0';
    strcat(sub, "x\"");
    assert_refused("no user", with_sub(sub));
    assert_good(with_sub("\"a b/c\\\\\\\"%\""));
    assert_string_equal("a b/c\\\"%", claims.user);
    assert_refused("no user", with_sub("\"\""));
    assert_refused("no user", with_sub("\"a\\nb\""));
    assert_refused("no user", with_sub("\"a\\u0085b\""));
    assert_refused("claims", with_sub("\"a\\u0000b\""));
    assert_refused("no sub", with_sub("1"));
    assert_refused("no sub", with_sub("null"));
    assert_refused("no sub", with_claims(&lax, "{\"exp\":1800000100}", NOW));
}

static void the_role_admin_makes_an_admin(void **state)
{
    (void)state;
    assert_good(with_claims(&lax, "{" GOOD ",\"roles\":[\"staff\",\"admin\"]}", NOW));
    assert_true(claims.admin);
    assert_good(with_claims(&lax, "{" GOOD ",\"roles\":[\"Admin\",\"admin \",\"administrator\"]}", NOW));
    assert_false(claims.admin);
    assert_good(with_claims(&lax, "{" GOOD ",\"roles\":[]}", NOW));
    assert_false(claims.admin);
    assert_refused("roles", with_claims(&lax, "{" GOOD ",\"roles\":\"admin\"}", NOW));
    assert_refused("roles", with_claims(&lax, "{" GOOD ",\"roles\":[\"admin\",1]}", NOW));
    assert_refused("roles", with_claims(&lax, "{" GOOD ",\"roles\":null}", NOW));
    assert_refused("roles", with_claims(&lax, "{" GOOD ",\"roles\":{\"admin\":true}}", NOW));
}

static int set_up(void **state)
{
    rr_auto(buf) struct rr_buf wrong = {0};
    char folder[64];

    (void)state;
    rs = signer_new(AUTH_RS256);
    es = signer_new(AUTH_ES256);
    ed = signer_new(AUTH_EDDSA);
    hs = signer_new(AUTH_HS256);
    stranger = signer_new(AUTH_ES256);
    folder_new(folder);
    folder_put(folder, "es.ES256.pem", signer_public(&es));
    only_es = auth_keys_load(folder, &wrong);
    folder_put(folder, "rs.RS256.pem", signer_public(&rs));
    folder_put(folder, "ed.EdDSA.pem", signer_public(&ed));
    folder_put(folder, "hs.HS256.key", signer_public(&hs));
    all = auth_keys_load(folder, &wrong);
    folder_free(folder);
    return all && only_es ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    auth_keys_unref(all);
    auth_keys_unref(only_es);
    signer_free(&rs);
    signer_free(&es);
    signer_free(&ed);
    signer_free(&stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_is_good_with_its_own_key),
        cmocka_unit_test(the_example_of_the_standard_is_verified),
        cmocka_unit_test(none_is_no_algorithm),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(the_algorithm_is_the_keys_own),
        cmocka_unit_test(a_stranger_with_the_right_kid_is_refused),
        cmocka_unit_test(an_unknown_kid_is_refused),
        cmocka_unit_test(without_a_kid_there_has_to_be_one_key_only),
        cmocka_unit_test(critical_parameters_are_refused),
        cmocka_unit_test(names_that_come_twice_are_refused),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(other_types_of_tokens_are_refused),
        cmocka_unit_test(what_is_not_three_parts_is_refused),
        cmocka_unit_test(the_longest_token_is_8192_bytes),
        cmocka_unit_test(a_signature_of_another_length_is_refused),
        cmocka_unit_test(every_change_of_a_good_token_is_refused),
        cmocka_unit_test(a_token_is_good_before_its_exp),
        cmocka_unit_test(exp_is_required_and_a_number),
        cmocka_unit_test(a_token_is_good_from_its_nbf_on),
        cmocka_unit_test(the_skew_widens_both_ends),
        cmocka_unit_test(the_issuer_is_the_expected_one),
        cmocka_unit_test(the_audience_is_or_holds_the_expected_one),
        cmocka_unit_test(a_user_is_a_text_of_1_to_128_characters),
        cmocka_unit_test(the_role_admin_makes_an_admin),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
