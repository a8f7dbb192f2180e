/* closed: HTTP clients in a closed loop: each sends its next request when the former is answered. Threads:
 * one. */
#pragma once

#include "sample.h"

#include <stdint.h>

enum { CLOSED_REQUEST = 640 };

struct closed {
    uint16_t port;
    unsigned clients, status; /* of an answer that is no failure */
    struct sample *sample;    /* how long it goes on, and what becomes of each request */
    void (*write)(void *arg, char request[CLOSED_REQUEST]); /* the next one */
    void *arg;
};

void closed_run(const struct closed *c);
