/* The two ways of bench-write to make the same bookings. */
#pragma once

#include "sample.h"
#include "slots.h"

#include <stdbool.h>
#include <stdint.h>

struct plan {
    struct slots slots;
    unsigned clients, warm_up_s, seconds;
    bool keyed; /* with an Idempotency-Key */
};

/* Through command-svc: `clients` connections, each with one request after the other. */
void write_http(const struct plan *p, uint16_t port, struct sample *s);

struct account {
    const char *user, *password, *database;
    uint16_t port;
};

/* The limit: the same statements on `connections` connections to MySQL, by plain calls of the client library.
 * More clients than connections wait in a queue, first come, first served, and their waiting counts: so do
 * they in the service. */
void write_sql(const struct plan *p, const struct account *a, unsigned connections, struct sample *s);
