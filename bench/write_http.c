#include "client.h"
#include "uuid.h"
#include "write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct run {
    const struct plan *plan;
    struct sample *sample;
    struct client *client;
    uint64_t n;
    unsigned at_work;
};

struct booking {
    struct run *run;
    int64_t began;
};

static void book(struct booking *b);

static void is_booked(void *arg, const struct answer *answer)
{
    struct booking *b = arg;
    struct run *r = b->run;
    int64_t now = rr_time_monotonic();
    bool ok = answer && answer->status == 201;

    if (!ok && !r->sample->failed)
        fprintf(stderr, "bench-write: a booking failed: %u %s\n", answer ? answer->status : 0,
                answer ? answer->body : "");
    sample_add(r->sample, b->began, now, ok);
    r->at_work--;
    if (now < r->sample->until && answer)
        book(b);
}

static void book(struct booking *b)
{
    struct run *r = b->run;
    struct slot slot = slot_at(&r->plan->slots, r->n++);
    char from[RR_TIME_TEXT], to[RR_TIME_TEXT], id[RR_UUID_TEXT], key[64] = "", body[256], request[640];
    struct rr_uuid uuid;

    if (r->plan->keyed) {
        uuid = rr_uuid_v7();
        snprintf(key, sizeof(key), "Idempotency-Key: %s\r\n", rr_uuid_format(&uuid, id));
    }
    snprintf(body, sizeof(body),
             "{\"room_id\": %llu, \"user_id\": \"bench\", \"starts_at\": \"%s\", \"ends_at\": \"%s\"}",
             (unsigned long long)slot.room, rr_time_format(slot.starts_at, from),
             rr_time_format(slot.ends_at, to));
    snprintf(request, sizeof(request),
             "POST /v1/reservations HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "%sContent-Length: %zu\r\n\r\n%s",
             key, strlen(body), body);
    b->began = rr_time_monotonic();
    if (client_send(r->client, request, is_booked, b))
        r->at_work++;
    else
        r->sample->failed++;
}

void write_http(const struct plan *p, uint16_t port, struct sample *s)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct booking *bookings = calloc(p->clients, sizeof(bookings[0]));
    struct run r = {.plan = p, .sample = s, .client = client_new(epoll, port, p->clients)};

    if (!bookings || !r.client)
        exit(1);
    for (unsigned i = 0; i < p->clients; i++) {
        bookings[i].run = &r;
        book(&bookings[i]);
    }
    while (r.at_work) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, 60000);

        if (n == 0) {
            fprintf(stderr, "bench-write: no answer for a minute\n");
            exit(1);
        }
        for (int i = 0; i < n; i++)
            client_ready(events[i].data.ptr);
    }
    client_free(r.client);
    free(bookings);
    close(epoll);
}
