#include "closed.h"
#include "uuid.h"
#include "write.h"

#include <string.h>

struct run {
    const struct plan *plan;
    uint64_t n;
};

static void write_booking(void *arg, char request[CLOSED_REQUEST])
{
    struct run *r = arg;
    struct slot slot = slot_at(&r->plan->slots, r->n++);
    char from[RR_TIME_TEXT], to[RR_TIME_TEXT], id[RR_UUID_TEXT], key[64] = "", body[256];
    struct rr_uuid uuid;

    if (r->plan->keyed) {
        uuid = rr_uuid_v7();
        snprintf(key, sizeof(key), "Idempotency-Key: %s\r\n", rr_uuid_format(&uuid, id));
    }
    snprintf(body, sizeof(body),
             "{\"room_id\": %llu, \"user_id\": \"bench\", \"starts_at\": \"%s\", \"ends_at\": \"%s\"}",
             (unsigned long long)slot.room, rr_time_format(slot.starts_at, from),
             rr_time_format(slot.ends_at, to));
    snprintf(request, CLOSED_REQUEST,
             "POST /v1/reservations HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "%sContent-Length: %zu\r\n\r\n%s",
             key, strlen(body), body);
}

void write_http(const struct plan *p, uint16_t port, struct sample *s)
{
    struct run r = {.plan = p};

    closed_run(&(struct closed){
        .port = port, .clients = p->clients, .status = 201, .sample = s, .write = write_booking, .arg = &r});
}
