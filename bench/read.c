/* bench-read: asks one HTTP service of loopback the same question with different numbers.
 *
 * usage: bench-read load PORT CONNECTIONS WARM_UP_S SECONDS NUMBERS PATH
 *            closed loop: each connection sends its next request when the former is answered. {n} in PATH
 *            becomes a random number from 1 to NUMBERS, {n12} the same in 12 digits. Prints a JSON object.
 *        bench-read hold PORT CONNECTIONS [PATH]
 *            opens connections, asks for PATH on each if it is given, prints "held" when all stand and PATH
 * has begun to be answered, and keeps them open until its standard input ends. */
#include "args.h"
#include "closed.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 400, REQUEST_BYTES = 512 };

struct run {
    const char *path;
    uint64_t numbers, random;
};

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

static void write_question(void *arg, char request[CLOSED_REQUEST])
{
    struct run *r = arg;
    char path[PATH_MAX_BYTES];

    fill_in(path, sizeof(path), r->path, 1 + next_random(&r->random) % r->numbers);
    snprintf(request, CLOSED_REQUEST, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
}

static void load(char **argv)
{
    struct run r = {.path = argv[7], .numbers = number(argv[6], UINT32_MAX), .random = 1};
    struct sample sample;

    if (!r.numbers || strlen(r.path) > PATH_MAX_BYTES - 32)
        fail("cannot begin");
    sample_begin(&sample, (unsigned)number(argv[4], 3600), (unsigned)number(argv[5], 3600));
    closed_run(&(struct closed){.port = (uint16_t)number(argv[2], UINT16_MAX),
                                .clients = (unsigned)number(argv[3], 10000),
                                .status = 200,
                                .sample = &sample,
                                .write = write_question,
                                .arg = &r});
    sample_end(&sample, "answers", stdout);
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
