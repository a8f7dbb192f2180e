/* A client on a bare socket, so that a test can send exactly the bytes it means, and a service to send them
 * to. */
#pragma once

#include "unit.h"

#include "auth.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 64 * 1024 };

struct answer {
    unsigned status; /* 0: the connection was closed instead */
    size_t body_len;
    char head[4096];
    char body[ANSWER_BYTES];
};

static inline int client_connect(uint16_t port)
{
    const struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
    assert_int_equal(0, connect(fd, (const struct sockaddr *)&addr, sizeof(addr)));
    return fd;
}

static inline void client_send(int fd, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal((ssize_t)len, send(fd, text, len, MSG_NOSIGNAL));
}

/* The value of a header of the answer, to the end of its line; NULL without. In a buffer of the thread. */
static inline const char *answer_header(const struct answer *a, const char *name)
{
    static _Thread_local char value[512];
    size_t len = strlen(name);

    for (const char *line = strstr(a->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && strncmp(line + 2 + len, ": ", 2) == 0) {
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + len + 4, "\r"), line + len + 4);
            return value;
        }
    return NULL;
}

/* Reads byte by byte up to the end of the header, so that nothing of a following answer is taken. */
static inline bool client_read_head(int fd, struct answer *a)
{
    size_t n = 0;

    while (n < 4 || memcmp(a->head + n - 4, "\r\n\r\n", 4) != 0) {
        ssize_t got = recv(fd, a->head + n, 1, 0);

        assert_true(got >= 0 || errno == ECONNRESET);
        assert_true(n < sizeof(a->head) - 2);
        if (got <= 0)
            return false;
        n++;
    }
    a->head[n] = '\0';
    return true;
}

static inline void client_read(int fd, struct answer *a, bool head_only)
{
    const char *length;

    a->status = 0;
    a->body_len = 0;
    a->body[0] = '\0';
    if (!client_read_head(fd, a))
        return;
    assert_int_equal(1, sscanf(a->head, "HTTP/1.1 %u", &a->status));
    length = answer_header(a, "Content-Length");
    if (head_only || !length)
        return;
    while (a->body_len < strtoul(length, NULL, 10)) {
        ssize_t got = recv(fd, a->body + a->body_len, strtoul(length, NULL, 10) - a->body_len, 0);

        assert_true(got > 0);
        a->body_len += (size_t)got;
    }
    a->body[a->body_len] = '\0';
}

/* Whether the server closes the connection, and sends nothing before. */
static inline bool client_is_closed(int fd)
{
    char c;

    return recv(fd, &c, 1, 0) <= 0 && errno != EAGAIN;
}

/* One request on a connection of its own: `head` is the request line and headers after Host, each line ended.
 */
static inline void client_ask(uint16_t port, const char *line, const char *headers, const char *body,
                              struct answer *a)
{
    char text[8192];
    int fd = client_connect(port);

    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: test\r\n%s\r\n%s", line, headers, body);
    client_send(fd, text);
    client_read(fd, a, strncmp(line, "HEAD ", 5) == 0);
    close(fd);
}

static inline struct rr_http_conf client_conf(uint32_t loops)
{
    return (struct rr_http_conf){
        .host = "127.0.0.1",
        .loops = loops,
        .connections = 10000,
        .body_bytes = 1000,
        .header_bytes = 16384,
        .idle_s = 60,
        .request_s = 60,
        .drain_ms = 10000,
        .auth = RR_AUTH_OFF,
    };
}
