#include "listen.h"

#include "../auth.h"
#include "../log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int resolve(const struct rr_http_conf *conf, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char port[8];
    int rc;

    snprintf(port, sizeof(port), "%u", conf->port);
    rc = getaddrinfo(conf->host, port, &hints, ret);
    if (rc == 0)
        return 0;
    rr_error("the address to listen on is unknown", "host=%s reason=%s", RR_Q(conf->host),
             RR_Q(gai_strerror(rc)));
    return -EADDRNOTAVAIL;
}

static int bound_socket(const struct sockaddr *addr, socklen_t len, bool shared, int *ret_fd)
{
    const int on = 1;
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on))) || bind(fd, addr, len)) {
        rc = -errno;
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

/* SO_REUSEPORT would let a second instance share the port in silence; an ordinary socket is refused if
 * somebody listens there. */
static int check_free(const struct sockaddr *addr, socklen_t len)
{
    int fd = -1, rc = bound_socket(addr, len, false, &fd);

    if (rc == 0)
        close(fd);
    return rc;
}

static uint16_t *port_of(struct sockaddr_storage *addr)
{
    return addr->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)addr)->sin6_port
                                       : &((struct sockaddr_in *)(void *)addr)->sin_port;
}

static int bind_all(const struct addrinfo *ai, unsigned n, int *ret_fds, uint16_t *ret_port)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = ai->ai_addrlen;
    unsigned bound = 0;
    int rc;

    memcpy(&addr, ai->ai_addr, len);
    rc = check_free(ai->ai_addr, len);
    for (; rc == 0 && bound < n; bound++) {
        rc = bound_socket((struct sockaddr *)&addr, len, true, &ret_fds[bound]);
        if (rc)
            break;
        if (bound == 0 && getsockname(ret_fds[0], (struct sockaddr *)&addr, &len))
            rc = -errno;
    }
    if (rc) {
        while (bound > 0)
            close(ret_fds[--bound]);
        return rc;
    }
    *ret_port = ntohs(*port_of(&addr));
    return 0;
}

int rr_listen_bind(const struct rr_http_conf *conf, unsigned n, int *ret_fds, uint16_t *ret_port)
{
    struct addrinfo *ai;
    int rc = resolve(conf, &ai);

    if (rc)
        return rc;
    if (!rr_auth_may_listen(conf, ai->ai_addr)) {
        rr_error("RR_AUTH=off makes every caller an admin and is for loopback addresses only; "
                 "RR_AUTH_OFF_BEYOND_LOOPBACK=yes overrules this",
                 "host=%s", RR_Q(conf->host));
        rc = -EPERM;
    } else {
        rc = bind_all(ai, n, ret_fds, ret_port);
        if (rc)
            rr_error("cannot listen", "host=%s port=%u reason=%s", RR_Q(conf->host), conf->port,
                     RR_Q(strerrordesc_np(-rc)));
    }
    freeaddrinfo(ai);
    return rc;
}
