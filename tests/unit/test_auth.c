/* What callers with and without tokens get of a service, and what becomes of its keys. */
#include "capture.h"
#include "http_client.h"
#include "signer.h"

#include "http/http_internal.h"
#include "time.h"

static struct signer hs, es;
static char folder[64];
static struct rr_http_conf conf;
static struct rr_http *http;
static struct answer a;

/* ---- the service ---- */

static enum rr_step whoami(struct rr_req *r)
{
    struct rr_buf body = {0};
    struct rr_json j;

    rr_json_init(&j, &body);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "user", r->user);
    rr_json_bool(&j, "admin", r->admin);
    rr_json_end_object(&j);
    return rr_reply_json(r, 200, &body);
}

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/users", .handle = whoami, .may = RR_USERS},
    {.method = "POST", .pattern = "/users", .handle = whoami, .may = RR_USERS},
    {.method = "GET", .pattern = "/admins", .handle = whoami, .may = RR_ADMINS},
    {.method = "GET", .pattern = "/everybody", .handle = whoami, .may = RR_EVERYBODY},
    {0},
};

static const struct rr_http_service service = {.routes = routes};

static int64_t now_s(void)
{
    return rr_time_now() / RR_US_PER_SEC;
}

static const char *token_until(const struct signer *s, const char *header, const char *user, int64_t exp)
{
    char claims[256];

    snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"exp\":%lld,\"roles\":[%s]}", user, (long long)exp,
             strcmp(user, "root") == 0 ? "\"admin\"" : "");
    return sign(s, header, claims);
}

static const char *token_of(const char *user)
{
    return token_until(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\"}", user, now_s() + 1000);
}

static const char *es_token(void)
{
    return token_until(&es, "{\"alg\":\"ES256\",\"kid\":\"es\"}", "eve", now_s() + 1000);
}

static void ask(const char *line, const char *headers)
{
    client_ask(rr_http_port(http), line, headers, "", &a);
}

static unsigned ask_with(const char *token)
{
    char header[4096];

    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token);
    ask("GET /users", header);
    return a.status;
}

static void assert_problem(unsigned status, const char *code, const char *challenge)
{
    char text[64];

    assert_int_equal(status, a.status);
    snprintf(text, sizeof(text), "\"code\":\"%s\"", code);
    assert_non_null(strstr(a.body, text));
    assert_string_equal(challenge, answer_header(&a, "WWW-Authenticate"));
}

#define INVALID_TOKEN(why) "Bearer error=\"invalid_token\", error_description=\"" why "\""

/* ---- callers ---- */

static void a_caller_is_who_the_token_says(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* at first it is verified, then known */
        assert_int_equal(200, ask_with(token_of("ann")));
        assert_string_equal("{\"user\":\"ann\",\"admin\":false}", a.body);
        assert_int_equal(200, ask_with(token_of("root")));
        assert_string_equal("{\"user\":\"root\",\"admin\":true}", a.body);
    }
}

static void the_scheme_is_written_in_any_case(void **state)
{
    char header[1024];

    (void)state;
    snprintf(header, sizeof(header), "authorization: bEARER  %s\r\n", token_of("ann"));
    ask("GET /users", header);
    assert_int_equal(200, a.status);
}

static void without_a_token_the_answer_is_401_and_says_only_what_is_asked_for(void **state)
{
    static const char *const headers[] = {"", "Authorization: Basic YW5uOnB3\r\n",
                                          "Authorization: Bearertoken\r\n", "Authorization: \r\n"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(headers); i++) {
        ask("GET /users", headers[i]);
        assert_problem(401, "unauthenticated", "Bearer");
    }
    ask("HEAD /users", "");
    assert_int_equal(401, a.status);
    ask("POST /users", "Content-Type: application/json\r\nContent-Length: 0\r\n");
    assert_problem(401, "unauthenticated", "Bearer");
}

static void a_bad_token_is_401_with_the_reason(void **state)
{
    const char *expired = token_until(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\"}", "ann", now_s() - 1);

    (void)state;
    ask_with(expired);
    assert_problem(401, "unauthenticated", INVALID_TOKEN("the token has expired"));
    assert_non_null(strstr(a.body, "\"detail\":\"the token has expired\""));
    ask_with("");
    assert_problem(401, "unauthenticated", INVALID_TOKEN("the token is not three parts with dots between"));
    ask_with("a.b.c d");
    assert_int_equal(401, a.status);
    ask_with(es_token());
    assert_problem(401, "unauthenticated", INVALID_TOKEN("the token is signed with an unknown key"));
}

static void a_known_token_expires_too(void **state)
{
    const int64_t exp = now_s() + 2;
    char token[1024];

    (void)state;
    snprintf(token, sizeof(token), "%s", token_until(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\"}", "ann", exp));
    assert_int_equal(200, ask_with(token));
    while (rr_time_now() < exp * RR_US_PER_SEC)
        usleep(20000);
    assert_int_equal(401, ask_with(token));
    assert_int_equal(401, ask_with(token));
}

static void two_authorizations_are_one_too_many(void **state)
{
    char headers[2048];

    (void)state;
    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nauthorization: Bearer x\r\n",
             token_of("ann"));
    ask("GET /users", headers);
    assert_problem(400, "bad-request",
                   "Bearer error=\"invalid_request\", "
                   "error_description=\"there is more than one Authorization header\"");
}

static void what_is_for_admins_names_the_role_that_is_missing(void **state)
{
    char header[1024];

    (void)state;
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token_of("ann"));
    ask("GET /admins", header);
    assert_int_equal(403, a.status);
    assert_non_null(strstr(a.body, "\"code\":\"forbidden\""));
    assert_non_null(strstr(a.body, "needs the role admin"));
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token_of("root"));
    ask("GET /admins", header);
    assert_int_equal(200, a.status);
    ask("GET /admins", "");
    assert_int_equal(401, a.status);
}

static void what_is_for_everybody_asks_nobody(void **state)
{
    static const char *const lines[] = {"GET /everybody", "GET /livez", "GET /metrics"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(lines); i++) {
        ask(lines[i], "");
        assert_int_equal(200, a.status);
        ask(lines[i], "Authorization: Bearer rubbish\r\n");
        assert_int_equal(200, a.status);
    }
    ask("OPTIONS /users", "");
    assert_int_equal(204, a.status);
}

/* ---- keys ---- */

static void new_keys_count_from_the_next_request_on(void **state)
{
    (void)state;
    assert_int_equal(200, ask_with(token_of("ann")));
    assert_int_equal(401, ask_with(es_token()));
    folder_put(folder, "es.ES256.pem", signer_public(&es));
    folder_remove(folder, "hs.HS256.key");
    assert_int_equal(200, ask_with(token_of("ann")));
    rr_auth_reload(http->auth);
    assert_int_equal(401, ask_with(token_of("ann")));
    assert_int_equal(200, ask_with(es_token()));
}

static void broken_keys_leave_the_old_ones_in_use(void **state)
{
    char log[2048];
    struct capture c;

    (void)state;
    folder_put(folder, "es.ES256.pem", "no key");
    folder_put(folder, "hs.HS256.key", "another secret that is thirty-two or more bytes long");
    c = capture_begin(STDERR_FILENO);
    rr_auth_reload(http->auth);
    capture_end(&c, log, sizeof(log));
    assert_non_null(strstr(log, "stay in use"));
    assert_non_null(strstr(log, "es.ES256.pem holds no public key in PEM"));
    assert_int_equal(200, ask_with(token_of("ann")));
}

static void assert_no_start(const struct rr_http_conf *wrong, const char *expected)
{
    struct rr_http *h;
    char log[2048];
    struct capture c = capture_begin(STDERR_FILENO);
    int rc = rr_http_start(wrong, &service, &h);

    capture_end(&c, log, sizeof(log));
    assert_int_equal(-EINVAL, rc);
    assert_non_null(strstr(log, "RR_JWT_KEYS_DIR"));
    assert_non_null(strstr(log, expected));
}

static void without_keys_there_is_no_service(void **state)
{
    struct rr_http_conf wrong = conf;

    (void)state;
    wrong.jwt_keys_dir = "";
    assert_no_start(&wrong, "RR_AUTH=jwt needs RR_JWT_KEYS_DIR");
    wrong.jwt_keys_dir = "/nonexistent";
    assert_no_start(&wrong, "/nonexistent");
    folder_remove(folder, "hs.HS256.key");
    assert_no_start(&conf, "holds no key");
}

static void a_service_for_everybody_needs_no_keys(void **state)
{
    const struct rr_http_service open = {.routes = &routes[3]};
    struct rr_http_conf keyless = conf;
    struct rr_http *h;

    (void)state;
    keyless.jwt_keys_dir = "";
    assert_int_equal(0, rr_http_start(&keyless, &open, &h));
    rr_auth_reload(h->auth);
    client_ask(rr_http_port(h), "GET /everybody", "", "", &a);
    assert_int_equal(200, a.status);
    rr_http_stop(h);
}

static int service_set_up(void **state)
{
    (void)state;
    folder_new(folder);
    folder_put(folder, "hs.HS256.key", signer_public(&hs));
    conf = client_conf(1);
    conf.auth = RR_AUTH_JWT;
    conf.jwt_keys_dir = folder;
    conf.jwt_issuer = conf.jwt_audience = "";
    return rr_http_start(&conf, &service, &http);
}

static int service_tear_down(void **state)
{
    (void)state;
    rr_http_stop(http);
    folder_free(folder);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    rr_signal_init();
    hs = signer_new(AUTH_HS256);
    es = signer_new(AUTH_ES256);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signer_free(&es);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, service_set_up, service_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_caller_is_who_the_token_says),
        TEST(the_scheme_is_written_in_any_case),
        TEST(without_a_token_the_answer_is_401_and_says_only_what_is_asked_for),
        TEST(a_bad_token_is_401_with_the_reason),
        TEST(a_known_token_expires_too),
        TEST(two_authorizations_are_one_too_many),
        TEST(what_is_for_admins_names_the_role_that_is_missing),
        TEST(what_is_for_everybody_asks_nobody),
        TEST(new_keys_count_from_the_next_request_on),
        TEST(broken_keys_leave_the_old_ones_in_use),
        TEST(without_keys_there_is_no_service),
        TEST(a_service_for_everybody_needs_no_keys),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
