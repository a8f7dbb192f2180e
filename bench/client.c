#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 65536

struct connection {
    struct client *client;
    struct connection *next_free;
    client_done done; /* not NULL: a request is under way */
    void *arg;
    int fd;
    unsigned len;
    char data[ANSWER_BYTES];
};

struct client {
    struct connection *free;
    unsigned n;
    struct connection connections[];
};

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct client *client_new(int epoll, uint16_t port, unsigned connections)
{
    struct client *c = calloc(1, sizeof(*c) + connections * sizeof(c->connections[0]));

    if (!c)
        return NULL;
    for (unsigned i = 0; i < connections; i++) {
        struct connection *conn = &c->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

        conn->client = c;
        conn->fd = connect_to(port);
        if (conn->fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0) {
            fprintf(stderr, "cannot connect to port %u: %s\n", port, strerrordesc_np(errno));
            c->n = i + 1;
            client_free(c);
            return NULL;
        }
        conn->next_free = c->free;
        c->free = conn;
    }
    c->n = connections;
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->n; i++)
        if (c->connections[i].fd >= 0)
            close(c->connections[i].fd);
    free(c);
}

bool client_send(struct client *c, const char *request, client_done done, void *arg)
{
    struct connection *conn = c->free;
    size_t len = strlen(request);

    /* A request is far smaller than a socket's buffer. */
    if (!conn || send(conn->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        return false;
    c->free = conn->next_free;
    conn->done = done;
    conn->arg = arg;
    conn->len = 0;
    return true;
}

static void finish(struct connection *conn, const struct answer *answer)
{
    client_done done = conn->done;

    conn->done = NULL;
    if (answer) {
        conn->next_free = conn->client->free;
        conn->client->free = conn;
    } else {
        close(conn->fd); /* and it is never free again */
        conn->fd = -1;
    }
    if (done)
        done(conn->arg, answer);
}

/* Splits what has come into head and body; false while some of it is missing. */
static bool complete(struct connection *conn, struct answer *ret)
{
    char length[16], *end;

    conn->data[conn->len] = '\0';
    end = strstr(conn->data, "\r\n\r\n");
    if (!end)
        return false;
    end[2] = '\0';
    *ret = (struct answer){.status = (unsigned)strtoul(conn->data + strlen("HTTP/1.1 "), NULL, 10),
                           .head = conn->data,
                           .body = end + 4};
    if (answer_header(ret, "Content-Length", length, sizeof(length)) &&
        strtoul(length, NULL, 10) == conn->len - (size_t)(ret->body - conn->data))
        return true;
    end[2] = '\r';
    return false;
}

void client_ready(void *ptr)
{
    struct connection *conn = ptr;
    struct answer answer;
    ssize_t n = recv(conn->fd, conn->data + conn->len, sizeof(conn->data) - 1 - conn->len, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        finish(conn, NULL);
        return;
    }
    conn->len += (unsigned)n;
    if (complete(conn, &answer))
        finish(conn, &answer);
}

bool answer_header(const struct answer *a, const char *name, char *out, unsigned size)
{
    size_t name_len = strlen(name);

    for (const char *line = strchr(a->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1 + strspn(line + name_len + 1, " ");
            size_t len = strcspn(value, "\r\n");

            if (len >= size)
                return false;
            memcpy(out, value, len);
            out[len] = '\0';
            return true;
        }
    }
    return false;
}
