#include "auth.h"

#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { AUTH_OFF };
enum { NO, YES };

const char *const rr_auth_choices[] = {[AUTH_OFF] = "off", NULL};
const char *const rr_no_yes[] = {[NO] = "no", [YES] = "yes", NULL};

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
    return conf->auth != AUTH_OFF || conf->auth_off_beyond_loopback == YES || is_loopback(addr);
}

enum rr_err rr_auth_request(const struct rr_http_conf *conf, struct rr_req *r)
{
    if (conf->auth != AUTH_OFF)
        return RR_INTERNAL;
    r->user = "admin";
    r->admin = true;
    return RR_OK;
}
