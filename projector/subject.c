#include "subject.h"
#include "decode.h"
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
    struct subject ret = {.what = SUBJECT_UNKNOWN};
    struct text table;
    struct key key;

    decode_hint(m->value, m->value_len, arena, &table, &ret.version);
    if (!m->key || !read_key((struct span){.p = m->key, .n = m->key_len}, arena, &key))
        return ret;
    if (key.payload.p && !read_key(key.payload, arena, &key)) /* with schemas */
        return ret;
    if (key.reservation_id.s &&
        rr_uuid_parse(key.reservation_id.s, key.reservation_id.n, &ret.reservation_id)) {
        ret.what = SUBJECT_RESERVATION;
    } else if (!key.reservation_id.s && key.id > 0) {
        ret.what = numbered(table);
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
