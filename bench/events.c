#include "events.h"

#include "macros.h"
#include "time.h"
#include "uuid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN_US     (INT64_C(1767225600) * RR_US_PER_SEC) /* 2026-01-01 */
#define SPAN_DAYS    730
#define PULSE_EVERY  500  /* events */
#define RECENT       8192 /* bookings that may still be changed */
#define USERS        20000
#define SLOT_MINUTES 15

struct booking {
    struct rr_uuid id;
    unsigned version, room, user, title; /* title 0: none */
    int64_t created_at, starts_at, ends_at;
    int cancelled;
};

struct events {
    struct events_conf conf;
    uint64_t random;
    uint64_t n, n_events; /* messages, events of reservations */
    int64_t now;
    struct booking recent[RECENT];
    unsigned n_recent;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t random64(struct events *e)
{
    uint64_t z = e->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static unsigned below(struct events *e, unsigned n)
{
    return (unsigned)(random64(e) % n);
}

struct events *events_new(const struct events_conf *conf)
{
    struct events *e = calloc(1, sizeof(*e));

    if (!e)
        abort();
    e->conf = *conf;
    e->now = BEGIN_US;
    if (conf->rows_only)
        e->n = conf->rooms;
    return e;
}

void events_free(struct events *e)
{
    free(e);
}

static uint64_t whole_topic(const struct events_conf *conf)
{
    return conf->rooms + conf->events + conf->events / PULSE_EVERY;
}

uint64_t events_messages(const struct events_conf *conf)
{
    return conf->rows_only ? conf->events : whole_topic(conf);
}

/* ---- what happens ---- */

/* UUIDv7 of that instant. */
static struct rr_uuid id_at(struct events *e, int64_t us)
{
    struct rr_uuid id;
    uint64_t a = (uint64_t)(us / 1000) << 16 | 0x7000 | (random64(e) & 0x0FFF);
    uint64_t b = (random64(e) & UINT64_C(0x3FFFFFFFFFFFFFFF)) | UINT64_C(0x8000000000000000);

    for (int i = 0; i < 8; i++) {
        id.b[i] = (uint8_t)(a >> (56 - 8 * i));
        id.b[8 + i] = (uint8_t)(b >> (56 - 8 * i));
    }
    return id;
}

/* 8:00 to 18:00, 30 minutes to 2 hours, one of a hundred for days. */
static void choose_time(struct events *e, struct booking *b)
{
    double chance = ((double)(random64(e) >> 11) + 1) / 9007199254740993.0;
    int64_t day = e->conf.ahead_days ? e->now / RR_US_PER_DAY + (int64_t)(-log(chance) * e->conf.ahead_days)
                                     : BEGIN_US / RR_US_PER_DAY + below(e, SPAN_DAYS);
    int64_t minutes = 30 * (1 + below(e, 4));

    if (below(e, 100) == 0)
        minutes += 1440 * (1 + below(e, 4));
    b->starts_at = day * RR_US_PER_DAY + (480 + SLOT_MINUTES * below(e, 40)) * RR_US_PER_MIN;
    b->ends_at = b->starts_at + minutes * RR_US_PER_MIN;
}

static struct booking *create(struct events *e)
{
    struct booking *b = &e->recent[e->n_recent < RECENT ? e->n_recent++ : below(e, RECENT)];

    *b = (struct booking){.id = id_at(e, e->now), .version = 1, .created_at = e->now};
    b->room = 1 + below(e, e->conf.rooms);
    b->user = below(e, USERS);
    b->title = below(e, 3) ? 1 + below(e, 1000) : 0;
    choose_time(e, b);
    return b;
}

static struct booking *change(struct events *e, struct booking *b)
{
    b->version++;
    switch (below(e, 4)) {
    case 0: b->title = 1 + below(e, 1000); break;
    case 1: b->room = 1 + below(e, e->conf.rooms); break;
    default: choose_time(e, b); break;
    }
    return b;
}

static void forget(struct events *e, struct booking *b)
{
    *b = e->recent[--e->n_recent];
}

/* ---- as Debezium writes it ---- */

static void put_source(struct events *e, struct rr_buf *out, const char *table, char op)
{
    long long us = (long long)e->now;

    rr_buf_printf(
        out,
        ",\"source\":{\"version\":\"3.6.1.Final\",\"connector\":\"mysql\",\"name\":\"mysql\",\"ts_ms\":%lld,"
        "\"snapshot\":null,\"db\":\"reservations\",\"sequence\":null,\"ts_us\":%lld,\"ts_ns\":%lld000,"
        "\"table\":\"%s\",\"server_id\":1,\"gtid\":\"3cfd30eb-e67d-11f1-8c1a-02fc00000001:%llu\","
        "\"file\":\"binlog.000001\",\"pos\":%llu,\"row\":0,\"thread\":37,\"query\":null},"
        "\"transaction\":null,\"op\":\"%c\",\"ts_ms\":%lld,\"ts_us\":%lld,\"ts_ns\":%lld935}",
        us / 1000, us, us, table, (unsigned long long)e->n, (unsigned long long)e->n * 800, op, us / 1000 + 5,
        us + 5000, us + 5000);
}

static void put_room(struct events *e, struct rr_buf *key, struct rr_buf *out)
{
    unsigned id = (unsigned)e->n + 1;

    rr_buf_printf(key, "{\"id\":%u}", id);
    rr_buf_printf(out,
                  "{\"before\":null,\"after\":{\"id\":%u,\"name\":\"Room %u\",\"location\":\"Floor "
                  "%u\",\"capacity\":%u,"
                  "\"active\":1,\"version\":1,\"created_at\":%lld,\"updated_at\":%lld}",
                  id, id, id % 12, 2 + id % 40, (long long)e->now, (long long)e->now);
    put_source(e, out, "room", 'c');
}

static void put_pulse(struct events *e, struct rr_buf *key, struct rr_buf *out)
{
    rr_buf_puts(key, "{\"id\":1}");
    rr_buf_printf(out, "{\"before\":{\"id\":1,\"beat\":%lld},\"after\":{\"id\":1,\"beat\":%lld}",
                  (long long)e->now - RR_US_PER_SEC, (long long)e->now);
    put_source(e, out, "pulse", 'u');
}

/* What Connect's JsonConverter puts before a row when it is told to write schemas, in the order of put_row().
 */
static void put_schema(struct rr_buf *out)
{
    static const char string[] = "\"type\":\"string\",\"optional\":false";
    static const char string_or_null[] = "\"type\":\"string\",\"optional\":true";
    static const char number[] = "\"type\":\"int64\",\"optional\":false";
    static const char micros[] = "\"type\":\"int64\",\"optional\":false,"
                                 "\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1";
    static const struct {
        const char *name, *type;
    } fields[] = {
        {"reservation_id", string}, {"version", number},          {"kind", string},
        {"room_id", number},        {"user_id", string},          {"title", string_or_null},
        {"starts_at", micros},      {"ends_at", micros},          {"state", string},
        {"created_at", micros},     {"recorded_at", micros},      {"recorded_by", string},
        {"reason", string_or_null}, {"trace_id", string_or_null},
    };

    rr_buf_puts(out, "{\"schema\":{\"type\":\"struct\",\"optional\":false,"
                     "\"name\":\"mysql.reservations.reservation_event.Value\",\"fields\":[");
    for (size_t i = 0; i < RR_LEN(fields); i++)
        rr_buf_printf(out, "%s{%s,\"field\":\"%s\"}", i ? "," : "", fields[i].type, fields[i].name);
    rr_buf_puts(out, "]},\"payload\":");
}

static void put_row(const struct events *e, const struct booking *b, const char *kind, struct rr_buf *out)
{
    char title[64] = "null", id[RR_UUID_TEXT];

    if (b->title)
        snprintf(title, sizeof(title), "\"Meeting number %u of the quarter\"", b->title);
    rr_uuid_format(&b->id, id);
    rr_buf_printf(
        out,
        "{\"reservation_id\":\"%.8s%.4s%.4s%.4s%.12s\",\"version\":%u,\"kind\":\"%s\",\"room_id\":%u,"
        "\"user_id\":\"user-%05u\",\"title\":%s,\"starts_at\":%lld,\"ends_at\":%lld,\"state\":\"%s\","
        "\"created_at\":%lld,\"recorded_at\":%lld,\"recorded_by\":\"user-%05u\",\"reason\":%s,"
        "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}",
        id, id + 9, id + 14, id + 19, id + 24, b->version, kind, b->room, b->user, title,
        (long long)b->starts_at, (long long)b->ends_at, b->cancelled ? "cancelled" : "confirmed",
        (long long)b->created_at, (long long)e->now, b->user,
        b->cancelled ? "\"not needed any more\"" : "null");
}

static void put_key(const struct booking *b, struct rr_buf *out)
{
    char id[RR_UUID_TEXT];

    rr_uuid_format(&b->id, id);
    rr_buf_printf(out, "{\"reservation_id\":\"%.8s%.4s%.4s%.4s%.12s\"}", id, id + 9, id + 14, id + 19,
                  id + 24);
}

static void put_event(struct events *e, const struct booking *b, const char *kind, struct rr_buf *key,
                      struct rr_buf *out)
{
    put_key(b, key);
    if (e->conf.rows_only) {
        put_schema(out);
        put_row(e, b, kind, out);
        rr_buf_puts(out, "}");
        return;
    }
    rr_buf_puts(out, "{\"before\":null,\"after\":");
    put_row(e, b, kind, out);
    put_source(e, out, "reservation_event", 'c');
}

/* 70 created, 19 changed, 10 cancelled, 1 deleted of a hundred. */
static void next_event(struct events *e, struct rr_buf *key, struct rr_buf *value)
{
    unsigned what = below(e, 100);
    struct booking *b;

    e->now += (int64_t)SPAN_DAYS * RR_US_PER_DAY / e->conf.events;
    e->n_events++;
    if (what < 70 || e->n_recent == 0) {
        put_event(e, create(e), "created", key, value);
        return;
    }
    b = &e->recent[below(e, e->n_recent)];
    if (what < 89) {
        put_event(e, change(e, b), "changed", key, value);
        return;
    }
    b->version++;
    b->cancelled = what < 99;
    put_event(e, b, what < 99 ? "cancelled" : "deleted", key, value);
    forget(e, b);
}

static bool is_pulse(const struct events *e)
{
    return (e->n - e->conf.rooms) % (PULSE_EVERY + 1) == PULSE_EVERY;
}

int events_next(struct events *e, struct rr_buf *key, struct rr_buf *value)
{
    rr_buf_reset(key);
    rr_buf_reset(value);
    if (e->conf.rows_only && is_pulse(e))
        e->n++;
    if (e->n == whole_topic(&e->conf))
        return 0;
    if (e->n < e->conf.rooms)
        put_room(e, key, value);
    else if (is_pulse(e))
        put_pulse(e, key, value);
    else
        next_event(e, key, value);
    e->n++;
    return 1;
}
