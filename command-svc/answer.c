#include "answer.h"

#include "etags.h"
#include "render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void answer_reset(struct answer *a)
{
    a->status = 0;
    a->headers[0] = '\0';
    rr_buf_reset(&a->body);
    rr_json_init(&a->json, &a->body);
}

void answer_fini(struct answer *a)
{
    rr_buf_fini(&a->body);
}

static void add_header(struct answer *a, const char *name, const char *value)
{
    size_t len = strlen(a->headers);

    snprintf(a->headers + len, sizeof(a->headers) - len, "%s: %s\n", name, value);
}

/* ---- what was asked for ---- */

static void add_common_headers(struct answer *a, const struct rr_token *written, const char *location,
                               bool minimal)
{
    char etag[RR_ETAG_TEXT], token[RR_TOKEN_TEXT];

    if (a->status == 201)
        add_header(a, "Location", location);
    add_header(a, "ETag", rr_etag_format(written->version, etag));
    add_header(a, "Consistency-Token", rr_token_format(written, token));
    if (minimal)
        add_header(a, "Preference-Applied", "return=minimal");
}

void answer_room(struct answer *a, unsigned status, const struct room *room, bool minimal)
{
    const struct rr_token written = {
        .kind = RR_TOKEN_ROOM, .room_id = room->id, .version = (uint32_t)room->version};
    char location[64];

    answer_reset(a);
    a->status = status;
    snprintf(location, sizeof(location), "/v1/rooms/%" PRIu64, room->id);
    add_common_headers(a, &written, location, minimal);
    if (!minimal) {
        render_room(&a->json, room);
        return;
    }
    rr_json_object(&a->json, NULL);
    rr_json_uint(&a->json, "id", room->id);
    rr_json_uint(&a->json, "version", room->version);
    rr_json_end_object(&a->json);
}

void answer_reservation(struct answer *a, unsigned status, const struct reservation *r, bool minimal)
{
    const struct rr_token written = {
        .kind = RR_TOKEN_RESERVATION, .reservation_id = r->id, .version = (uint32_t)r->version};
    char location[64], id[RR_UUID_TEXT];

    answer_reset(a);
    a->status = status;
    snprintf(location, sizeof(location), "/v1/reservations/%s", rr_uuid_format(&r->id, id));
    add_common_headers(a, &written, location, minimal);
    if (!minimal) {
        render_reservation(&a->json, r);
        return;
    }
    rr_json_object(&a->json, NULL);
    rr_json_uuid(&a->json, "id", &r->id);
    rr_json_uint(&a->json, "version", r->version);
    rr_json_end_object(&a->json);
}

/* ---- refusals ---- */

void answer_refuse(struct answer *a, enum rr_err err, const char *fmt, ...)
{
    char type[64], detail[256];
    va_list ap;

    answer_reset(a);
    a->status = rr_err_status(err);
    snprintf(type, sizeof(type), "/problems/%s", rr_err_code(err));
    rr_json_object(&a->json, NULL);
    rr_json_text(&a->json, "type", type);
    rr_json_text(&a->json, "title", rr_err_title(err));
    rr_json_uint(&a->json, "status", a->status);
    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(detail, sizeof(detail), fmt, ap);
        va_end(ap);
        rr_json_text(&a->json, "detail", detail);
    }
    rr_json_text(&a->json, "code", rr_err_code(err));
}

void answer_end(struct answer *a)
{
    rr_json_end_object(&a->json);
}

void answer_refuse_stale(struct answer *a, const struct rr_token *present)
{
    char token[RR_TOKEN_TEXT];

    answer_refuse(a, RR_VERSION_STALE, "the present version is %u", (unsigned)present->version);
    add_header(a, "Consistency-Token", rr_token_format(present, token));
    rr_json_uint(&a->json, "version", present->version);
    answer_end(a);
}

void answer_refuse_rules(struct answer *a, const struct rule_breaks *b)
{
    answer_refuse(a, RR_RULE_BROKEN, NULL);
    rr_json_array(&a->json, "invalid_params");
    for (size_t i = 0; i < b->n; i++) {
        rr_json_object(&a->json, NULL);
        rr_json_text(&a->json, "name", b->items[i].name);
        rr_json_text(&a->json, "reason", b->items[i].reason);
        rr_json_end_object(&a->json);
    }
    rr_json_end_array(&a->json);
    answer_end(a);
}

static void add_interval(struct answer *a, const char *name, int64_t starts_at, int64_t ends_at)
{
    rr_json_object(&a->json, name);
    rr_json_time(&a->json, "starts_at", starts_at);
    rr_json_time(&a->json, "ends_at", ends_at);
    rr_json_end_object(&a->json);
}

void answer_refuse_conflicts(struct answer *a, const struct conflicts *c)
{
    if (c->n > CONFLICTS_MAX)
        answer_refuse(a, RR_SLOT_TAKEN, "more than %d reservations overlap; the first %d are shown",
                      CONFLICTS_MAX, CONFLICTS_MAX);
    else
        answer_refuse(a, RR_SLOT_TAKEN, c->n == 1 ? "%zu reservation overlaps" : "%zu reservations overlap",
                      c->n);
    rr_json_array(&a->json, "conflicts");
    for (size_t i = 0; i < c->n && i < CONFLICTS_MAX; i++)
        add_interval(a, NULL, c->items[i].starts_at, c->items[i].ends_at);
    rr_json_end_array(&a->json);
}

void answer_suggestions(struct answer *a, const struct next_free *next, const struct alternatives *other)
{
    if (next && next->found)
        add_interval(a, "next_free", next->starts_at, next->ends_at);
    else if (next)
        rr_json_null(&a->json, "next_free");
    if (!other)
        return;
    rr_json_array(&a->json, "alternatives");
    for (size_t i = 0; i < other->n; i++) {
        rr_json_object(&a->json, NULL);
        rr_json_uint(&a->json, "room_id", other->rooms[i].id);
        rr_json_text(&a->json, "name", other->rooms[i].name);
        rr_json_end_object(&a->json);
    }
    rr_json_end_array(&a->json);
}

/* ---- storing and sending ---- */

void answer_restore(struct answer *a, const struct stored_answer *stored)
{
    answer_reset(a);
    a->status = (unsigned)stored->status;
    snprintf(a->headers, sizeof(a->headers), "%s", stored->headers);
    rr_buf_put(&a->body, stored->body, stored->body_len);
}

static void add_request_id(struct rr_buf *body, const char *request_id)
{
    if (body->failed)
        return;
    body->len--; /* the closing brace; a request id needs no escapes */
    rr_buf_printf(body, ",\"request_id\":\"%s\"}", request_id);
}

enum rr_step answer_send(struct answer *a, struct rr_req *r)
{
    char *save = NULL;

    for (char *line = strtok_r(a->headers, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *value = strstr(line, ": ");

        if (!value)
            continue;
        *value = '\0';
        rr_reply_header(r, line, value + 2);
    }
    if (a->status < 400)
        return rr_reply_json(r, a->status, &a->body);
    add_request_id(&a->body, r->request_id);
    return rr_reply_text(r, a->status, "application/problem+json", &a->body);
}
