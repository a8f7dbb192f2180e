/* What is counted of each answer. The counters are looked up by their labels once and then found by place, so
 * that counting costs an addition; each loop has its own table of them (the counters behind are the same), so
 * that nothing is locked. */
#include "http_internal.h"

#include "../metrics.h"

#include <stdio.h>

enum { STATUSES = 24 }; /* kinds of answers (method and status) of one route that are remembered */

struct answer {
    enum rr_method method;
    unsigned status;
    struct rr_counter *counter;
};

struct counted_route {
    struct answer answers[STATUSES];
    size_t n;
    struct rr_histogram *seconds;
};

struct rr_counts {
    const struct rr_router *router;
    struct rr_gauge *in_flight, *connections;
    struct counted_route routes[]; /* by place; the last one is "none" */
};

struct rr_counts *rr_counts_new(const struct rr_router *router)
{
    size_t n = rr_router_size(router) + 1;
    struct rr_counts *c = calloc(1, sizeof(*c) + n * sizeof(c->routes[0]));

    if (!c)
        return NULL;
    c->router = router;
    c->in_flight = rr_gauge("rr_http_in_flight", "requests that are being read or worked on", NULL);
    c->connections = rr_gauge("rr_http_connections", "open client connections", NULL);
    return c;
}

void rr_counts_free(struct rr_counts *c)
{
    free(c);
}

static struct rr_counter *counter_of(const struct rr_counts *c, size_t place, enum rr_method method,
                                     unsigned status)
{
    char labels[256];

    snprintf(labels, sizeof(labels), "route=\"%s\",method=\"%s\",status=\"%u\"",
             rr_router_pattern(c->router, place), rr_method_name(method), status);
    return rr_counter("rr_http_requests_total", "answers given, by route, method and status", labels);
}

static struct rr_histogram *seconds_of(const struct rr_counts *c, size_t place)
{
    char labels[192];

    snprintf(labels, sizeof(labels), "route=\"%s\"", rr_router_pattern(c->router, place));
    return rr_histogram("rr_http_request_seconds", "time from a request's header to its answer, by route",
                        labels, rr_latency_bounds, rr_latency_n_bounds);
}

void rr_counts_reply(struct rr_counts *c, size_t place, enum rr_method method, unsigned status,
                     double seconds)
{
    struct counted_route *route = &c->routes[place];
    struct rr_counter *counter;
    size_t i = 0;

    while (i < route->n && (route->answers[i].method != method || route->answers[i].status != status))
        i++;
    counter = i < route->n ? route->answers[i].counter : counter_of(c, place, method, status);
    if (i == route->n && i < STATUSES)
        route->answers[route->n++] = (struct answer){method, status, counter};
    rr_counter_add(counter, 1);
    if (!route->seconds)
        route->seconds = seconds_of(c, place);
    rr_histogram_observe(route->seconds, seconds);
}

void rr_counts_in_flight(struct rr_counts *c, double delta)
{
    rr_gauge_add(c->in_flight, delta);
}

void rr_counts_connections(struct rr_counts *c, double delta)
{
    rr_gauge_add(c->connections, delta);
}
