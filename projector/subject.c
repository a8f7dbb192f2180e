#include "subject.h"
#include "scan.h"

#include <string.h>

struct key {
    struct text reservation_id;
    int64_t id; /* 0: none */
    struct span payload;
};

/* False if it is not a key of Debezium's. */
static bool read_key(struct span json, struct arena *arena, struct key *ret)
{
    struct scan s;
    struct span name;
    bool first = true, good = true;

    *ret = (struct key){.id = 0};
    scan_init(&s, json.p, json.n);
    if (!scan_enter(&s))
        return false;
    while (good && scan_member(&s, &first, &name)) {
        if (span_is(name, "reservation_id"))
            good = scan_text(&s, arena, &ret->reservation_id);
        else if (span_is(name, "id"))
            good = scan_int(&s, &ret->id);
        else if (span_is(name, "payload"))
            good = scan_skip(&s, &ret->payload);
        else
            good = scan_skip(&s, NULL);
    }
    return good && scan_end(&s);
}

/* A member's value, as far as the object can be read: what comes behind it may be broken. */
static struct span member(struct span json, const char *wanted)
{
    struct span name, value = {.p = NULL};
    struct scan s;
    bool first = true;

    if (!json.p)
        return value;
    scan_init(&s, json.p, json.n);
    if (!scan_enter(&s))
        return value;
    while (scan_member(&s, &first, &name)) {
        if (!scan_skip(&s, &value))
            break;
        if (span_is(name, wanted))
            return value;
    }
    return (struct span){.p = NULL};
}

static struct text read_table(struct span value, struct arena *arena)
{
    struct span table = member(member(value, "source"), "table");
    struct text ret;
    struct scan s;

    if (!table.p)
        return (struct text){.s = NULL};
    scan_init(&s, table.p, table.n);
    return scan_text(&s, arena, &ret) ? ret : (struct text){.s = NULL};
}

static int64_t read_version(struct span value)
{
    struct span version = member(member(value, "after"), "version");
    struct scan s;
    int64_t ret;

    if (!version.p)
        return 0;
    scan_init(&s, version.p, version.n);
    return scan_int(&s, &ret) && ret > 0 && ret <= INT32_MAX ? ret : 0;
}

static bool is_table(struct text table, const char *name)
{
    return table.s && strcmp(table.s, name) == 0;
}

static enum subject_what numbered(struct text table)
{
    if (is_table(table, "pulse"))
        return SUBJECT_PULSE;
    return !table.s || is_table(table, "room") ? SUBJECT_ROOM : SUBJECT_UNKNOWN;
}

struct subject subject_read(const struct rr_kafka_message *m, struct arena *arena)
{
    const struct span whole = {.p = m->value, .n = m->value_len}, payload = member(whole, "payload");
    const struct span value = payload.p ? payload : whole; /* with schemas, or without */
    struct subject ret = {.what = SUBJECT_UNKNOWN, .version = read_version(value)};
    struct key key;

    if (!m->key || !read_key((struct span){.p = m->key, .n = m->key_len}, arena, &key))
        return ret;
    if (key.payload.p && !read_key(key.payload, arena, &key))
        return ret;
    if (key.reservation_id.s &&
        rr_uuid_parse(key.reservation_id.s, key.reservation_id.n, &ret.reservation_id)) {
        ret.what = SUBJECT_RESERVATION;
    } else if (!key.reservation_id.s && key.id > 0) {
        ret.what = numbered(read_table(value, arena));
        ret.room_id = key.id;
    }
    return ret;
}

struct subject subject_of(const struct change *c)
{
    if (c->what == CHANGE_EVENT)
        return (struct subject){.what = SUBJECT_RESERVATION,
                                .reservation_id = c->event.after.id,
                                .version = c->event.after.version};
    return (struct subject){.what = SUBJECT_ROOM, .room_id = c->room.id, .version = c->room.version};
}
