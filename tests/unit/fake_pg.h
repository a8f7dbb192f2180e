/* fake_pg: as much of PostgreSQL as rr_pg speaks with, in the loop of the test: the extended protocol with
 * Syncs, one text column, errors that abort until the next Sync. What it does with a query depends on its
 * parameter: "fail"   an error, 22012         "mute"   no answer, to anything, from here on "die"    closes
 * the connection   "admin"  an error, 57P01   "late"   one row, and an error when it is to be committed,
 * 40001 else     one row that holds the parameter. A statement whose SQL is "broken" cannot be prepared.
 * Everything it ran is written into `log`, and the queries that were committed, all between two Syncs or
 * none, into `kept`. */
#pragma once

#include "buf.h"
#include "http/loop.h"
#include "time.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAKE_CONNECTIONS = 8 };

struct fake_pg;

struct fake_conn {
    struct fake_pg *fake;
    struct rr_watch watch;
    struct rr_buf in, out, open; /* open: what ran since the last Sync */
    bool started, aborted, refuses_commit;
    char running[64], param[64];
};

struct fake_pg {
    struct rr_loop *loop;
    struct rr_watch listening;
    struct fake_conn conns[FAKE_CONNECTIONS];
    uint16_t port;
    bool mute;
    int refuses_sessions; /* so many connections are refused their sessions */
    int n_connects;
    struct rr_buf log;  /* "P name;" and "E name(param);" */
    struct rr_buf kept; /* "name(param);" */
    char conninfo[96];
};

/* Turns until `cond`; fails after 10 s. The first one does not wait: what is queued between turns goes out at
 * an end. */
#define TURN_UNTIL(s, cond)                                                                                  \
    do {                                                                                                     \
        int64_t limit_ = rr_time_monotonic() + 10 * RR_US_PER_SEC;                                           \
                                                                                                             \
        rr_loop_turn((s)->loop, 0);                                                                          \
        while (!(cond)) {                                                                                    \
            assert_true(rr_time_monotonic() < limit_);                                                       \
            rr_loop_turn((s)->loop, limit_);                                                                 \
        }                                                                                                    \
    } while (0)

/* ---- out ---- */

static inline void fake_message(struct fake_conn *c, char type, const void *body, size_t len)
{
    uint32_t n = htonl((uint32_t)len + 4);

    rr_buf_put(&c->out, &type, 1);
    rr_buf_put(&c->out, &n, 4);
    rr_buf_put(&c->out, body, len);
}

static inline void fake_error(struct fake_conn *c, const char *sqlstate)
{
    char body[64];
    int n = snprintf(body, sizeof(body), "SERROR%cC%s%cMno%c", 0, sqlstate, 0, 0);

    fake_message(c, 'E', body, (size_t)n + 1);
    c->aborted = true;
}

static inline void fake_row(struct fake_conn *c, const char *text)
{
    char body[128];
    uint32_t len = htonl((uint32_t)strlen(text));

    memcpy(body, "\0\1", 2);
    memcpy(body + 2, &len, 4);
    memcpy(body + 6, text, strlen(text));
    fake_message(c, 'D', body, 6 + strlen(text));
    fake_message(c, 'C', "SELECT 1", 9);
}

static inline void fake_close(struct fake_conn *c)
{
    int fd = c->watch.fd;

    rr_loop_unwatch(c->fake->loop, &c->watch);
    close(fd);
    rr_buf_fini(&c->in);
    rr_buf_fini(&c->out);
    rr_buf_fini(&c->open);
    c->fake = NULL;
}

/* ---- in ---- */

static inline void fake_parse(struct fake_conn *c, const char *body)
{
    const char *name = body, *sql = body + strlen(body) + 1;

    if (*name)
        rr_buf_printf(&c->fake->log, "P %s;", name);
    else
        snprintf(c->running, sizeof(c->running), "%s", sql);
    if (!strcmp(sql, "broken"))
        fake_error(c, "42P01");
    else
        fake_message(c, '1', NULL, 0);
}

/* Portal, statement, formats, parameters. */
static inline void fake_bind(struct fake_conn *c, const char *body)
{
    const char *stmt = body + 1, *p = stmt + strlen(stmt) + 1;
    uint16_t formats, params;
    uint32_t len;

    if (*stmt)
        snprintf(c->running, sizeof(c->running), "%s", stmt);
    memcpy(&formats, p, 2);
    p += 2 + 2 * ntohs(formats);
    memcpy(&params, p, 2);
    c->param[0] = '\0';
    if (params) {
        memcpy(&len, p + 2, 4);
        snprintf(c->param, sizeof(c->param), "%.*s", (int)ntohl(len), p + 6);
    }
    fake_message(c, '2', NULL, 0);
}

/* False: the connection is gone. */
static inline bool fake_execute(struct fake_conn *c)
{
    rr_buf_printf(&c->fake->log, "E %s(%s);", c->running, c->param);
    if (*c->param)
        rr_buf_printf(&c->open, "%s(%s);", c->running, c->param);
    c->refuses_commit |= !strcmp(c->param, "late");
    if (!strcmp(c->param, "die")) {
        fake_close(c);
        return false;
    }
    if (!strcmp(c->param, "mute"))
        c->fake->mute = true;
    else if (!strcmp(c->param, "fail"))
        fake_error(c, "22012");
    else if (!strcmp(c->param, "admin"))
        fake_error(c, "57P01");
    else if (*c->param)
        fake_row(c, c->param);
    else if (c->fake->refuses_sessions && c->fake->refuses_sessions--)
        fake_error(c, "42704");
    else
        fake_message(c, 'C', "SET", 4);
    return true;
}

static inline void fake_describe(struct fake_conn *c)
{
    static const char column[] = "\0\1v\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0";

    if (*c->param)
        fake_message(c, 'T', column, sizeof(column));
    else
        fake_message(c, 'n', NULL, 0);
}

static inline void fake_sync(struct fake_conn *c)
{
    if (c->refuses_commit)
        fake_error(c, "40001");
    if (!c->aborted)
        rr_buf_put(&c->fake->kept, c->open.data, c->open.len);
    rr_buf_reset(&c->open);
    c->aborted = c->refuses_commit = false;
    fake_message(c, 'Z', "I", 1);
}

/* False: the connection is gone. */
static inline bool fake_take(struct fake_conn *c, char type, const char *body)
{
    if (type == 'X') {
        fake_close(c);
        return false;
    }
    if (type == 'S')
        fake_sync(c);
    if (c->aborted || c->fake->mute)
        return true;
    switch (type) {
    case 'P': fake_parse(c, body); break;
    case 'B': fake_bind(c, body); break;
    case 'D': fake_describe(c); break;
    case 'E': return fake_execute(c);
    default: break;
    }
    return true;
}

static inline void fake_startup(struct fake_conn *c)
{
    c->started = true;
    fake_message(c, 'R', "\0\0\0\0", 4);
    fake_message(c, 'S',
                 "server_version\0"
                 "15.0",
                 20);
    fake_message(c, 'K', "\0\0\0\1\0\0\0\2", 8);
    fake_message(c, 'Z', "I", 1);
}

static inline void fake_ready(struct rr_watch *w, uint32_t events)
{
    struct fake_conn *c = w->arg;
    char chunk[65536];
    ssize_t n = read(w->fd, chunk, sizeof(chunk));
    size_t at = 0;

    (void)events;
    if (n <= 0) {
        fake_close(c);
        return;
    }
    rr_buf_put(&c->in, chunk, (size_t)n);
    for (;;) {
        size_t head = c->started ? 1 : 0;
        uint32_t len;

        if (c->in.len - at < head + 4)
            break;
        memcpy(&len, c->in.data + at + head, 4);
        len = ntohl(len);
        if (c->in.len - at < head + len)
            break;
        if (!c->started)
            fake_startup(c);
        else if (!fake_take(c, c->in.data[at], c->in.data + at + 5))
            return;
        at += head + len;
    }
    memmove(c->in.data, c->in.data + at, c->in.len - at);
    c->in.len -= at;
    if (!c->fake->mute && c->out.len)
        assert_int_equal(write(w->fd, c->out.data, c->out.len), (ssize_t)c->out.len);
    rr_buf_reset(&c->out);
}

static inline void fake_accept(struct rr_watch *w, uint32_t events)
{
    struct fake_pg *f = w->arg;
    int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    f->n_connects++;
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        struct fake_conn *c = &f->conns[i];

        if (c->fake)
            continue;
        *c = (struct fake_conn){.fake = f, .watch = {.ready = fake_ready, .arg = c, .fd = fd}};
        assert_int_equal(rr_loop_watch(f->loop, &c->watch, EPOLLIN), 0);
        return;
    }
    fail_msg("too many connections");
}

/* ---- life ---- */

static inline void fake_pg_start(struct fake_pg *f, struct rr_loop *loop)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    *f = (struct fake_pg){.loop = loop};
    f->listening = (struct rr_watch){.ready = fake_accept, .arg = f, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(f->listening.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(f->listening.fd, 16), 0);
    assert_int_equal(getsockname(f->listening.fd, (struct sockaddr *)&a, &len), 0);
    f->port = ntohs(a.sin_port);
    snprintf(f->conninfo, sizeof(f->conninfo),
             "host=127.0.0.1 port=%u user=u sslmode=disable gssencmode=disable", f->port);
    assert_int_equal(rr_loop_watch(loop, &f->listening, EPOLLIN), 0);
}

static inline void fake_pg_stop(struct fake_pg *f)
{
    int fd = f->listening.fd;

    for (size_t i = 0; i < FAKE_CONNECTIONS; i++)
        if (f->conns[i].fake)
            fake_close(&f->conns[i]);
    if (fd >= 0) {
        rr_loop_unwatch(f->loop, &f->listening);
        close(fd);
    }
    rr_buf_fini(&f->log);
    rr_buf_fini(&f->kept);
}
