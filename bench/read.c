/* bench-read: asks one HTTP service of loopback the same question with different numbers.
 *
 * usage: bench-read load PORT CONNECTIONS WARM_UP_S SECONDS NUMBERS PATH
 *            closed loop: each connection sends its next request when the former is answered. {n} in PATH
 *            becomes a random number from 1 to NUMBERS, {n12} the same in 12 digits. Prints a JSON object.
 *        bench-read hold PORT CONNECTIONS [PATH]
 *            opens connections, asks for PATH on each if it is given, prints "held" when all stand and PATH
 * has begun to be answered, and keeps them open until its standard input ends. */
#include "client.h"
#include "sample.h"

#include "macros.h"
#include "time.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 400, REQUEST_BYTES = 512, EVENTS = 64, PATIENCE_MS = 60000 };

struct run {
    struct sample sample;
    struct client *client;
    const char *path;
    uint64_t numbers, random;
    unsigned at_work;
};

struct asker {
    struct run *run;
    int64_t began;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench-read: %s\n", what);
    exit(1);
}

static unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || n > most)
        fail("a number is not what was expected");
    return n;
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fill_in(char *out, size_t size, const char *path, uint64_t n)
{
    const char *brace = strchr(path, '{');
    bool padded = brace && strncmp(brace, "{n12}", 5) == 0;

    if (!brace)
        snprintf(out, size, "%s", path);
    else
        snprintf(out, size, padded ? "%.*s%012llu%s" : "%.*s%llu%s", (int)(brace - path), path,
                 (unsigned long long)n, brace + (padded ? 5 : 3));
}

static void ask(struct asker *a);

static void answered(void *arg, const struct answer *answer)
{
    struct asker *a = arg;
    struct run *r = a->run;
    int64_t now = rr_time_monotonic();
    bool ok = answer && answer->status == 200;

    if (!ok && !r->sample.failed)
        fprintf(stderr, "bench-read: %s failed: %u %s\n", r->path, answer ? answer->status : 0,
                answer ? answer->body : "");
    sample_add(&r->sample, a->began, now, ok);
    r->at_work--;
    if (now < r->sample.until && answer)
        ask(a);
}

static void ask(struct asker *a)
{
    struct run *r = a->run;
    char path[PATH_MAX_BYTES], request[REQUEST_BYTES];

    fill_in(path, sizeof(path), r->path, 1 + next_random(&r->random) % r->numbers);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    a->began = rr_time_monotonic();
    if (client_send(r->client, request, answered, a))
        r->at_work++;
    else
        r->sample.failed++;
}

static void wait_for_answers(struct run *r, int epoll)
{
    struct epoll_event events[EVENTS];

    while (r->at_work) {
        int n = epoll_wait(epoll, events, EVENTS, PATIENCE_MS);

        if (n == 0)
            fail("no answer for a minute");
        for (int i = 0; i < n; i++)
            client_ready(events[i].data.ptr);
    }
}

static void load(char **argv)
{
    unsigned connections = (unsigned)number(argv[3], 10000);
    struct asker *askers = calloc(connections, sizeof(askers[0]));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct run r = {.path = argv[7], .numbers = number(argv[6], UINT32_MAX), .random = 1};

    r.client = client_new(epoll, (uint16_t)number(argv[2], UINT16_MAX), connections);
    if (!askers || !r.client || !r.numbers || strlen(r.path) > PATH_MAX_BYTES - 32)
        fail("cannot begin");
    sample_begin(&r.sample, (unsigned)number(argv[4], 3600), (unsigned)number(argv[5], 3600));
    for (unsigned i = 0; i < connections; i++) {
        askers[i].run = &r;
        ask(&askers[i]);
    }
    wait_for_answers(&r, epoll);
    sample_end(&r.sample, "answers", stdout);
    client_free(r.client);
    free(askers);
    close(epoll);
}

static int opened(uint16_t port, const char *path)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[REQUEST_BYTES], begin[16];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail("cannot connect");
    if (!path)
        return fd;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request) ||
        recv(fd, begin, 12, MSG_WAITALL) != 12 || memcmp(begin, "HTTP/1.1 200", 12) != 0)
        fail("a connection was not answered with 200");
    return fd;
}

static void hold(char **argv, const char *path)
{
    unsigned connections = (unsigned)number(argv[3], 100000);

    for (unsigned i = 0; i < connections; i++)
        if (opened((uint16_t)number(argv[2], UINT16_MAX), path) < 0)
            fail("cannot connect");
    puts("held");
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "load") == 0)
        load(argv);
    else if ((argc == 4 || argc == 5) && strcmp(argv[1], "hold") == 0)
        hold(argv, argv[4]);
    else
        fail("see the top of read.c for the arguments");
    return 0;
}
