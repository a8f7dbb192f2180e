/* Keys are exchanged while several loops judge tokens by them. */
#include "http_client.h"
#include "signer.h"
#include "threads.h"

#include "http/http_internal.h"
#include "log.h"
#include "time.h"

#include <stdatomic.h>

enum { LOOPS = 3, ASKED = 60 };

static struct rr_http_conf conf;
static struct rr_http *http;
static char steady[1024], changing[1024];
static atomic_int at_work, taken, refused;

static enum rr_step hello(struct rr_req *r)
{
    return rr_reply_empty(r, 204);
}

static const struct rr_route routes[] = {{.method = "GET", .pattern = "/hello", .handle = hello}, {0}};
static const struct rr_http_service service = {.routes = routes};

static unsigned ask_with(const char *token, struct answer *a)
{
    char header[2048];

    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token);
    client_ask(rr_http_port(http), "GET /hello", header, "", a);
    return a->status;
}

static void *client(void *arg)
{
    struct answer *a = malloc(sizeof(*a));

    (void)arg;
    for (int i = 0; i < ASKED; i++) {
        assert_int_equal(204, ask_with(steady, a));
        if (ask_with(changing, a) == 204)
            taken++;
        else
            refused++;
    }
    free(a);
    at_work--;
    return NULL;
}

static void *reloader(void *arg)
{
    const struct signer hs = signer_new(AUTH_HS256);
    const char *folder = arg;

    for (int i = 0; at_work > 0; i++) {
        if (i % 2)
            folder_put(folder, "other.HS256.key", signer_public(&hs));
        else
            folder_remove(folder, "other.HS256.key");
        rr_auth_reload(http->auth);
    }
    return NULL;
}

static void nobody_is_refused_while_the_key_stays(void **state)
{
    const struct signer hs = signer_new(AUTH_HS256);
    char folder[64], claims[128];
    pthread_t thread;

    (void)state;
    rr_log_init("test", RR_LOG_ERROR);
    folder_new(folder);
    folder_put(folder, "hs.HS256.key", signer_public(&hs));
    folder_put(folder, "other.HS256.key", signer_public(&hs));
    snprintf(claims, sizeof(claims), "{\"sub\":\"ann\",\"exp\":%lld}",
             (long long)(rr_time_now() / RR_US_PER_SEC + 1000));
    snprintf(steady, sizeof(steady), "%s", sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"hs\"}", claims));
    snprintf(changing, sizeof(changing), "%s", sign(&hs, "{\"alg\":\"HS256\",\"kid\":\"other\"}", claims));
    conf = client_conf(LOOPS);
    conf.auth = RR_AUTH_JWT;
    conf.jwt_keys_dir = folder;
    conf.jwt_issuer = conf.jwt_audience = "";
    assert_int_equal(0, rr_http_start(&conf, &service, &http));
    at_work = THREADS;
    assert_int_equal(0, pthread_create(&thread, NULL, reloader, folder));
    in_threads(client);
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_int_equal(THREADS * ASKED, taken + refused);
    assert_true(taken > 0);
    assert_true(refused > 0);
    rr_http_stop(http);
    folder_free(folder);
}

UNIT_MAIN(cmocka_unit_test(nobody_is_refused_while_the_key_stays))
