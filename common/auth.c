#include "auth.h"

#include "auth_cache.h"
#include "http/http.h"
#include "http/request.h"
#include "time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>

enum { NO, YES };

const char *const rr_auth_choices[] = {[RR_AUTH_JWT] = "jwt", [RR_AUTH_OFF] = "off", NULL};
const char *const rr_no_yes[] = {[NO] = "no", [YES] = "yes", NULL};

struct rr_auth {
    const struct rr_http_conf *conf;
    struct auth_rules rules;
    struct auth_keys *keys; /* NULL: nobody is asked who they are */
    struct rr_auth_loop *loops;
};

struct rr_auth_loop {
    const struct rr_auth *auth;
    struct rr_auth_loop *next;
    _Atomic(struct auth_keys *) new_keys; /* from the main thread, with a reference; NULL: none */
    /* the loop's own */
    struct auth_keys *keys;
    struct auth_cache *cache;
};

/* ---- the keys ---- */

static struct auth_keys *load_keys(const struct rr_http_conf *conf, const char *failure)
{
    rr_auto(buf) struct rr_buf wrong = {0};
    struct auth_keys *keys = auth_keys_load(conf->jwt_keys_dir, &wrong);

    if (!keys)
        rr_error(failure, "RR_JWT_KEYS_DIR=%s reason=%s", RR_Q(conf->jwt_keys_dir), RR_Q(wrong.data));
    return keys;
}

/* When they are in force: whoever reads this may use a new token, and can no longer use an old one. */
static void tell_keys(const struct rr_auth *a)
{
    rr_info("keys of tokens read", "keys=%zu RR_JWT_KEYS_DIR=%s", auth_keys_n(a->keys),
            RR_Q(a->conf->jwt_keys_dir));
}

int rr_auth_new(const struct rr_http_conf *conf, bool needed, struct rr_auth **ret)
{
    struct rr_auth *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->conf = conf;
    if (needed && conf->auth == RR_AUTH_JWT) {
        if (!*conf->jwt_keys_dir)
            rr_error("RR_AUTH=jwt needs RR_JWT_KEYS_DIR, the folder of the keys that tokens are signed with",
                     "");
        else
            a->keys = load_keys(conf, "the keys of tokens cannot be used");
        if (!a->keys) {
            free(a);
            return -EINVAL;
        }
        tell_keys(a);
        a->rules =
            (struct auth_rules){conf->jwt_issuer, conf->jwt_audience, conf->jwt_skew_s * RR_US_PER_SEC};
    }
    *ret = a;
    return 0;
}

void rr_auth_free(struct rr_auth *a)
{
    if (a)
        auth_keys_unref(a->keys);
    free(a);
}

void rr_auth_reload(struct rr_auth *a)
{
    struct auth_keys *keys;

    if (!a->keys)
        return;
    keys = load_keys(a->conf, "the new keys of tokens cannot be used; all that were read before stay in use");
    if (!keys)
        return;
    for (struct rr_auth_loop *l = a->loops; l; l = l->next)
        auth_keys_unref(atomic_exchange(&l->new_keys, auth_keys_ref(keys)));
    auth_keys_unref(a->keys);
    a->keys = keys;
    tell_keys(a);
}

struct rr_auth_loop *rr_auth_loop_new(struct rr_auth *a)
{
    struct rr_auth_loop *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->auth = a;
    if (a->keys) {
        l->cache = auth_cache_new();
        if (!l->cache) {
            free(l);
            return NULL;
        }
        l->keys = auth_keys_ref(a->keys);
    }
    l->next = a->loops;
    a->loops = l;
    return l;
}

void rr_auth_loop_free(struct rr_auth_loop *l)
{
    if (!l)
        return;
    auth_keys_unref(atomic_load(&l->new_keys));
    auth_keys_unref(l->keys);
    auth_cache_free(l->cache);
    free(l);
}

/* What an old key has signed is unknown again. */
static void take_new_keys(struct rr_auth_loop *l)
{
    if (!atomic_load_explicit(&l->new_keys, memory_order_relaxed))
        return;
    auth_keys_unref(l->keys);
    l->keys = atomic_exchange(&l->new_keys, NULL);
    auth_cache_clear(l->cache);
}

/* ---- a request ---- */

/* RFC 6750, 3: who has sent no token is told only which kind is asked for. */
static enum rr_err challenge(struct rr_req *r, enum rr_err err, const char *error, const char *why)
{
    char text[256] = "Bearer";

    if (error)
        snprintf(text, sizeof(text), "Bearer error=\"%s\", error_description=\"%s\"", error, why);
    rr_reply_header(r, "WWW-Authenticate", text);
    rr_problem_detail(r, "%s", why);
    return err;
}

/* The token of `Authorization: Bearer <token>`. */
static const char *token_of(const char *header)
{
    static const char scheme[] = "Bearer";
    const size_t n = sizeof(scheme) - 1;

    if (strncasecmp(header, scheme, n) != 0 || (header[n] != ' ' && header[n] != '\0'))
        return NULL;
    return header + n + strspn(header + n, " ");
}

/* NULL with the reason in *ret_wrong. */
static const struct auth_claims *claims_of(struct rr_auth_loop *l, const char *token, const char **ret_wrong)
{
    const size_t len = strlen(token);
    const int64_t now = rr_time_now();
    const struct auth_digest digest = auth_cache_digest(token, len);
    const struct auth_claims *known = auth_cache_find(l->cache, &digest);
    struct auth_claims claims = {0};

    if (known) {
        *ret_wrong = auth_claims_expired(known, now);
        return *ret_wrong ? NULL : known;
    }
    *ret_wrong = auth_jwt_read(l->keys, &l->auth->rules, token, len, now, &claims);
    return *ret_wrong ? NULL : auth_cache_put(l->cache, &digest, &claims);
}

enum rr_err rr_auth_request(struct rr_auth_loop *l, struct rr_req *r)
{
    const char *header, *token, *wrong;
    const struct auth_claims *claims;
    unsigned n;

    if (l->auth->conf->auth == RR_AUTH_OFF) {
        r->user = "admin";
        r->admin = true;
        return RR_OK;
    }
    take_new_keys(l);
    n = rr_header_values(r, "Authorization", &header);
    if (n > 1)
        return challenge(r, RR_BAD_REQUEST, "invalid_request", "there is more than one Authorization header");
    token = n ? token_of(header) : NULL;
    if (!token)
        return challenge(r, RR_UNAUTHENTICATED, NULL, "send Authorization: Bearer <token>");
    claims = claims_of(l, token, &wrong);
    if (!claims)
        return challenge(r, RR_UNAUTHENTICATED, "invalid_token", wrong);
    r->user = rr_req_strndup(r, claims->user, strlen(claims->user));
    r->admin = claims->admin;
    return r->user ? RR_OK : RR_NO_MEMORY;
}

/* ---- where without authentication ---- */

static bool is_loopback4(uint32_t addr)
{
    return addr >> 24 == IN_LOOPBACKNET;
}

static bool is_loopback(const struct sockaddr *addr)
{
    const struct in6_addr *a;

    if (addr->sa_family == AF_INET)
        return is_loopback4(ntohl(((const struct sockaddr_in *)(const void *)addr)->sin_addr.s_addr));
    if (addr->sa_family != AF_INET6)
        return false;
    a = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

bool rr_auth_may_listen(const struct rr_http_conf *conf, const struct sockaddr *addr)
{
    return conf->auth != RR_AUTH_OFF || conf->auth_off_beyond_loopback == YES || is_loopback(addr);
}
