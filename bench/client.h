/* client: an HTTP/1.1 client for measuring: keep-alive connections to one service on loopback, one request at
 * a time on each, all on one epoll. It costs a few microseconds a request, so that what is measured is the
 * service. Threads: one. An answer has to have a Content-Length, as all answers of our services have. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct client;

struct answer {
    unsigned status;
    const char *head; /* NUL-terminated, from the status line on */
    const char *body; /* NUL-terminated */
};

/* `answer` is NULL when the connection broke; it lives until the call returns. */
typedef void (*client_done)(void *arg, const struct answer *answer);

/* Connects `connections` times to 127.0.0.1:port and watches them on `epoll`. NULL, with a message, if it
 * cannot. */
struct client *client_new(int epoll, uint16_t port, unsigned connections);
void client_free(struct client *c);
/* Sends `request` on a free connection; false if there is none. `done` is called once, from client_ready().
 */
bool client_send(struct client *c, const char *request, client_done done, void *arg);
/* For each event of the epoll: `ptr` is its data.ptr. */
void client_ready(void *ptr);

/* The value of a header, copied to out; false if it is missing or too long. */
bool answer_header(const struct answer *a, const char *name, char *out, unsigned size);
