#include "decode.h"
#include "row.h"
#include "time.h"

#include <string.h>

#define PG_INT_MAX    INT64_C(2147483647)
#define DAYS_MAX      31 /* the longest booking that the truth takes */

#define ROOM(member)  offsetof(struct room, member)
#define EVENT(member) offsetof(struct event, member)

static const struct column room_columns[] = {
    {"id", COLUMN_INT, ROOM(id), 1, INT64_MAX, NULL},
    {"name", COLUMN_TEXT, ROOM(name), 0, 0, NULL},
    {"location", COLUMN_TEXT_OR_NULL, ROOM(location), 0, 0, NULL},
    {"capacity", COLUMN_INT, ROOM(capacity), 0, PG_INT_MAX, NULL},
    {"active", COLUMN_BOOL, ROOM(active), 0, 0, NULL},
    {"version", COLUMN_INT, ROOM(version), 1, PG_INT_MAX, NULL},
    {"created_at", COLUMN_TIME, ROOM(created_at), 0, 0, NULL},
    {"updated_at", COLUMN_TIME, ROOM(updated_at), 0, 0, NULL},
};

static const struct column event_columns[] = {
    {"reservation_id", COLUMN_UUID, EVENT(after.id), 0, 0, NULL},
    {"version", COLUMN_INT, EVENT(after.version), 1, PG_INT_MAX, NULL},
    {"kind", COLUMN_ENUM, EVENT(kind), 0, 0, event_kind_names},
    {"room_id", COLUMN_INT, EVENT(after.room_id), 1, INT64_MAX, NULL},
    {"user_id", COLUMN_TEXT, EVENT(after.user_id), 0, 0, NULL},
    {"title", COLUMN_TEXT_OR_NULL, EVENT(after.title), 0, 0, NULL},
    {"starts_at", COLUMN_TIME, EVENT(after.starts_at), 0, 0, NULL},
    {"ends_at", COLUMN_TIME, EVENT(after.ends_at), 0, 0, NULL},
    {"state", COLUMN_ENUM, EVENT(after.state), 0, 0, reservation_state_names},
    {"created_at", COLUMN_TIME, EVENT(after.created_at), 0, 0, NULL},
    {"recorded_at", COLUMN_TIME, EVENT(after.updated_at), 0, 0, NULL},
    {"recorded_by", COLUMN_TEXT, EVENT(recorded_by), 0, 0, NULL},
    {"reason", COLUMN_TEXT_OR_NULL, EVENT(reason), 0, 0, NULL},
    {"trace_id", COLUMN_TEXT_OR_NULL, EVENT(trace_id), 0, 0, NULL},
};

/* What is asked of the envelope. The rows are read after it, since "source", which names the table, stands
 * behind them. */
struct envelope {
    struct span after;
    struct text op, table, snapshot;
    int64_t ts_us;
    bool has_op, has_source, has_payload, has_ts_us, is_snapshot;
    bool has_schema_change, has_transaction, has_ts_ms;
    struct span payload;
};

/* Source.snapshot is null or "false" while streaming; true, "true", "first", "last",
 * "first_in_data_collection" … otherwise. */
static bool read_snapshot(struct scan *s, struct arena *arena, bool *ret)
{
    struct text t;

    if (scan_null(s)) {
        *ret = false;
        return true;
    }
    if (scan_peek(s) != '"')
        return scan_bool(s, ret);
    if (!scan_text(s, arena, &t))
        return false;
    *ret = strcmp(t.s, "false") != 0;
    return true;
}

static bool read_source(struct scan *s, struct arena *arena, struct envelope *e)
{
    struct span name;
    bool first = true;

    if (scan_null(s))
        return true;
    if (!scan_enter(s))
        return false;
    e->has_source = true;
    while (scan_member(s, &first, &name)) {
        if (span_is(name, "table")) {
            if (!scan_null(s) && !scan_text(s, arena, &e->table))
                return false;
        } else if (span_is(name, "ts_us")) {
            if (scan_null(s))
                continue;
            if (!scan_int(s, &e->ts_us))
                return false;
            e->has_ts_us = true;
        } else if (span_is(name, "snapshot")) {
            if (!read_snapshot(s, arena, &e->is_snapshot))
                return false;
        } else if (!scan_skip(s, NULL)) {
            return false;
        }
    }
    return !s->error;
}

static bool read_member(struct scan *s, struct span name, struct arena *arena, struct envelope *e)
{
    if (span_is(name, "after"))
        return scan_null(s) || scan_skip(s, &e->after);
    if (span_is(name, "source"))
        return read_source(s, arena, e);
    if (span_is(name, "op")) {
        e->has_op = true;
        return scan_text(s, arena, &e->op);
    }
    if (span_is(name, "payload")) {
        e->has_payload = true;
        return scan_null(s) || scan_skip(s, &e->payload);
    }
    e->has_schema_change |= span_is(name, "ddl") || span_is(name, "tableChanges");
    e->has_transaction |= span_is(name, "status");
    e->has_ts_ms |= span_is(name, "ts_ms");
    return scan_skip(s, NULL);
}

static int read_envelope(struct span json, struct arena *arena, struct envelope *e, struct failure *f)
{
    struct scan s;
    struct span name = {.p = "", .n = 0};
    bool first = true;

    *e = (struct envelope){.has_op = false};
    scan_init(&s, json.p, json.n);
    if (scan_enter(&s))
        while (scan_member(&s, &first, &name))
            if (!read_member(&s, name, arena, e))
                break;
    if (!scan_end(&s))
        return fail(f, FAIL_MESSAGE, "not the JSON of a change: %s, at byte %zu, after the name \"%.*s\"",
                    s.error, (size_t)(s.p - json.p), (int)(name.n < 40 ? name.n : 40), name.p);
    return 0;
}

static int ignored(struct change *ret, const char *reason, bool alarm)
{
    ret->what = CHANGE_IGNORED;
    ret->ignored.reason = reason;
    ret->ignored.alarm = alarm;
    return 0;
}

static int check_interval(const struct reservation *r, struct failure *f)
{
    if (r->starts_at >= r->ends_at)
        return fail(f, FAIL_MESSAGE, "column ends_at: not after starts_at");
    if (r->ends_at - r->starts_at > DAYS_MAX * RR_US_PER_DAY)
        return fail(f, FAIL_MESSAGE, "column ends_at: more than %d days after starts_at", DAYS_MAX);
    if (r->starts_at % RR_US_PER_MIN || r->ends_at % RR_US_PER_MIN)
        return fail(f, FAIL_MESSAGE, "columns starts_at and ends_at: not whole minutes");
    return 0;
}

static int read_room(const struct envelope *e, struct arena *arena, struct change *ret, struct failure *f)
{
    if (*e->op.s == 'd')
        return ignored(ret, "room_deleted", true);
    if (*e->op.s == 't')
        return ignored(ret, "room_truncated", true);
    ret->what = CHANGE_ROOM;
    ret->room = (struct room){.id = 0};
    return row_read(e->after, room_columns, RR_LEN(room_columns), arena, &ret->room, f);
}

static int read_event(const struct envelope *e, struct arena *arena, struct change *ret, struct failure *f)
{
    if (*e->op.s == 'd')
        return ignored(ret, "journal_deleted", true);
    if (*e->op.s == 'u')
        return ignored(ret, "journal_changed", true);
    if (*e->op.s == 't')
        return ignored(ret, "journal_truncated", true);
    ret->what = CHANGE_EVENT;
    ret->event = (struct event){.kind = 0};
    if (row_read(e->after, event_columns, RR_LEN(event_columns), arena, &ret->event, f) != 0)
        return -1;
    ret->event.after.deleted = ret->event.kind == KIND_DELETED;
    return check_interval(&ret->event.after, f);
}

static int read_pulse(const struct envelope *e, struct change *ret)
{
    if (*e->op.s == 'd' || *e->op.s == 't')
        return ignored(ret, "pulse_deleted", true);
    ret->what = CHANGE_PULSE;
    return 0;
}

/* What Debezium writes beside changes: these have no op. */
static int without_op(const struct envelope *e, struct change *ret, struct failure *f)
{
    if (e->has_schema_change)
        return ignored(ret, "schema_change", false);
    if (e->has_transaction)
        return ignored(ret, "transaction", false);
    if (e->has_ts_ms && !e->has_source)
        return ignored(ret, "heartbeat", false);
    return fail(f, FAIL_MESSAGE, "field op is missing");
}

static int read_change(const struct envelope *e, struct arena *arena, struct change *ret, struct failure *f)
{
    if (e->op.n != 1 || !strchr("cudrt", *e->op.s))
        return fail(f, FAIL_MESSAGE, "field op: \"%.40s\" is not known", e->op.s);
    if (!e->table.s)
        return fail(f, FAIL_MESSAGE, "field source.table is missing");
    ret->streamed = *e->op.s != 'r' && !e->is_snapshot;
    if (ret->streamed && !e->has_ts_us)
        return fail(f, FAIL_MESSAGE, "field source.ts_us is missing");
    if (ret->streamed && (e->ts_us <= 0 || e->ts_us > RR_TIME_MAX))
        return fail(f, FAIL_MESSAGE, "field source.ts_us: %lld is out of range", (long long)e->ts_us);
    ret->committed_at = ret->streamed ? e->ts_us : 0;
    if (!e->after.p && *e->op.s != 'd' && *e->op.s != 't')
        return fail(f, FAIL_MESSAGE, "field after is missing");
    if (strcmp(e->table.s, "reservation_event") == 0)
        return read_event(e, arena, ret, f);
    if (strcmp(e->table.s, "room") == 0)
        return read_room(e, arena, ret, f);
    if (strcmp(e->table.s, "pulse") == 0)
        return read_pulse(e, ret);
    return ignored(ret, "other_table", false);
}

int decode(const char *value, size_t len, struct arena *arena, struct change *ret, struct failure *f)
{
    struct envelope e;

    ret->streamed = false;
    ret->committed_at = 0;
    if (!value)
        return ignored(ret, "tombstone", false);
    if (read_envelope((struct span){.p = value, .n = len}, arena, &e, f) != 0)
        return -1;
    if (e.has_payload && !e.has_op) { /* with schemas */
        if (!e.payload.p)
            return ignored(ret, "tombstone", false);
        if (read_envelope(e.payload, arena, &e, f) != 0)
            return -1;
    }
    return e.has_op ? read_change(&e, arena, ret, f) : without_op(&e, ret, f);
}
