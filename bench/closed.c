#include "closed.h"
#include "args.h"
#include "client.h"

#include "time.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64, PATIENCE_MS = 60000 };

struct run {
    const struct closed *closed;
    struct client *client;
    unsigned at_work;
};

struct asker {
    struct run *run;
    int64_t began;
};

static void ask(struct asker *a);

static void answered(void *arg, const struct answer *answer)
{
    struct asker *a = arg;
    struct run *r = a->run;
    struct sample *s = r->closed->sample;
    int64_t now = rr_time_monotonic();
    bool ok = answer && answer->status == r->closed->status;

    if (!ok && !s->failed)
        fprintf(stderr, "a request failed: %u %s\n", answer ? answer->status : 0, answer ? answer->body : "");
    sample_add(s, a->began, now, ok);
    r->at_work--;
    if (now < s->until && answer)
        ask(a);
}

static void ask(struct asker *a)
{
    struct run *r = a->run;
    char request[CLOSED_REQUEST];

    r->closed->write(r->closed->arg, request);
    a->began = rr_time_monotonic();
    if (client_send(r->client, request, answered, a))
        r->at_work++;
    else
        r->closed->sample->failed++;
}

static void wait_for_answers(const struct run *r, int epoll)
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

void closed_run(const struct closed *c)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct asker *askers = calloc(c->clients, sizeof(askers[0]));
    struct run r = {.closed = c, .client = client_new(epoll, c->port, c->clients)};

    if (!askers || !r.client)
        fail("cannot begin");
    for (unsigned i = 0; i < c->clients; i++) {
        askers[i].run = &r;
        ask(&askers[i]);
    }
    wait_for_answers(&r, epoll);
    client_free(r.client);
    free(askers);
    close(epoll);
}
