/* bench-freshness: books at a steady rate and notes when each booking becomes visible.
 *
 * usage: bench-freshness COMMAND_PORT QUERY_PORT KAFKA_BOOTSTRAP TOPIC RATE SECONDS ROOM…
 *
 * For each write: POST to command-svc; with the answer's Consistency-Token at once a GET to query-svc, which
 * waits there until the booking is visible. Beside it a Kafka consumer (tap.h) notes when the same event
 * arrives there. Writes are due at fixed times whether the services keep up or not (open loop), shifted by a
 * random part of the interval, so that they do not fall into step with Debezium's polling.
 *
 * Prints a line a write, `write <id> <sent> <booked> <visible>`, and a line an event (see tap.h); all times
 * are microseconds since the epoch by the clock of this machine. Visible is 0 for a read that failed. What
 * could not even be sent is `unsent <n>`. */
#include "args.h"
#include "client.h"
#include "tap.h"
#include "time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CONNECTIONS 200
#define FLUSH_US    (12 * RR_US_PER_SEC) /* longer than any read waits */

struct write {
    struct run *run;
    char id[40];
    int64_t sent, booked, visible;
};

struct run {
    struct client *command, *query;
    char **rooms;
    unsigned n_rooms;
    unsigned rate, n_due, n_sent, n_unsent, n_finished;
    struct write *writes;
    int64_t began;
    int64_t first_slot;
};

static void is_visible(void *arg, const struct answer *answer)
{
    struct write *w = arg;

    if (answer && answer->status == 200)
        w->visible = rr_time_now();
    w->run->n_finished++;
}

static void is_booked(void *arg, const struct answer *answer)
{
    struct write *w = arg;
    char token[64], location[80], request[512];
    const char *id;

    w->booked = rr_time_now();
    if (!answer || answer->status != 201 ||
        !answer_header(answer, "Consistency-Token", token, sizeof(token)) ||
        !answer_header(answer, "Location", location, sizeof(location))) {
        fprintf(stderr, "bench-freshness: a booking failed: %u %s\n", answer ? answer->status : 0,
                answer ? answer->body : "");
        w->booked = 0;
        w->run->n_finished++;
        return;
    }
    id = strrchr(location, '/') + 1;
    snprintf(w->id, sizeof(w->id), "%s", id);
    snprintf(
        request, sizeof(request),
        "GET /v1/reservations/%s HTTP/1.1\r\nHost: bench\r\nConsistency-Token: %s\r\nPrefer: wait=10\r\n\r\n",
        id, token);
    if (!client_send(w->run->query, request, is_visible, w)) {
        w->run->n_finished++;
        w->run->n_unsent++;
    }
}

static void book(struct run *r)
{
    struct write *w = &r->writes[r->n_sent];
    /* Rooms in turn, ten minutes each, one after the other. */
    int64_t start = r->first_slot + r->n_sent / r->n_rooms * 10 * RR_US_PER_MIN;
    char from[RR_TIME_TEXT], to[RR_TIME_TEXT], body[256], request[512];

    snprintf(body, sizeof(body),
             "{\"room_id\": %s, \"user_id\": \"bench-%u\", \"starts_at\": \"%s\", \"ends_at\": \"%s\"}",
             r->rooms[r->n_sent % r->n_rooms], r->n_sent % 100, rr_time_format(start, from),
             rr_time_format(start + 10 * RR_US_PER_MIN, to));
    snprintf(request, sizeof(request),
             "POST /v1/reservations HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    *w = (struct write){.run = r, .sent = rr_time_now()};
    if (client_send(r->command, request, is_booked, w))
        r->n_sent++;
    else
        r->n_unsent++;
}

/* When write number n is due. */
static int64_t due(const struct run *r, unsigned n)
{
    int64_t interval = RR_US_PER_SEC / r->rate;
    unsigned scattered = n * 2654435761u >> 8; /* Knuth's multiplicative hash: the same in each run */

    return r->began + n * interval + (int64_t)(scattered % (unsigned)interval);
}

static void run(struct run *r, int epoll, unsigned n_writes)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = NULL};

    if (timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &watch) < 0 ||
        timerfd_settime(timer, 0, &soon, NULL) < 0)
        fail("no timer");
    while (r->n_due < n_writes || r->n_finished < r->n_sent) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, 1000);

        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                client_ready(events[i].data.ptr);
        for (; r->n_due < n_writes && due(r, r->n_due) <= rr_time_now(); r->n_due++)
            book(r);
        if (r->n_due < n_writes) {
            int64_t next = due(r, r->n_due);
            struct itimerspec at = {
                .it_value = {.tv_sec = next / RR_US_PER_SEC, .tv_nsec = next % RR_US_PER_SEC * 1000}};

            timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        } else if (rr_time_now() > due(r, n_writes) + FLUSH_US) {
            break;
        }
    }
    close(timer);
}

static uint16_t port(const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);

    if (number == 0 || number > UINT16_MAX)
        fail("a port is a number from 1 to 65535");
    return (uint16_t)number;
}

int main(int argc, char **argv)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned seconds, n_writes;
    struct run r = {0};
    struct tap *tap;

    if (argc < 8)
        fail("usage: bench-freshness COMMAND_PORT QUERY_PORT KAFKA_BOOTSTRAP TOPIC RATE SECONDS ROOM…");
    r.rate = (unsigned)strtoul(argv[5], NULL, 10);
    seconds = (unsigned)strtoul(argv[6], NULL, 10);
    if (r.rate == 0 || r.rate > 10000 || seconds == 0 || seconds > 3600)
        fail("the rate is 1 to 10000 writes/s, the duration 1 to 3600 s");
    n_writes = r.rate * seconds;
    r.rooms = argv + 7;
    r.n_rooms = (unsigned)argc - 7;
    r.writes = calloc(n_writes, sizeof(r.writes[0]));
    r.command = client_new(epoll, port(argv[1]), CONNECTIONS);
    r.query = client_new(epoll, port(argv[2]), CONNECTIONS);
    tap = tap_new(argv[3], argv[4]);
    if (!r.writes || !r.command || !r.query || !tap)
        fail("cannot begin");

    r.began = rr_time_now() + RR_US_PER_SEC;
    r.first_slot = (r.began / RR_US_PER_DAY + 2) * RR_US_PER_DAY;
    run(&r, epoll, n_writes);

    for (unsigned i = 0; i < r.n_sent; i++)
        printf("write %s %lld %lld %lld\n", r.writes[i].id[0] ? r.writes[i].id : "-",
               (long long)r.writes[i].sent, (long long)r.writes[i].booked, (long long)r.writes[i].visible);
    printf("unsent %u\n", r.n_unsent);
    tap_free(tap, stdout);
    client_free(r.command);
    client_free(r.query);
    free(r.writes);
    close(epoll);
    return 0;
}
