#include "compare.h"
#include "changes.h"
#include "time.h"

#include <jansson.h>
#include <string.h>

/* ---- what differs, in words ---- */

static void begin_field(struct rr_buf *b, const char *name)
{
    rr_buf_printf(b, "%s%s is ", b->len ? "; " : "", name);
}

static void put_text(struct rr_buf *b, struct text t)
{
    struct rr_json j;

    rr_json_init(&j, b);
    rr_json_textn(&j, NULL, t.s, t.n);
}

static void text_field(struct rr_buf *b, const char *name, struct text held, struct text truth)
{
    if (text_same(held, truth))
        return;
    begin_field(b, name);
    put_text(b, held);
    rr_buf_puts(b, ", should be ");
    put_text(b, truth);
}

static void int_field(struct rr_buf *b, const char *name, int64_t held, int64_t truth)
{
    if (held == truth)
        return;
    begin_field(b, name);
    rr_buf_printf(b, "%lld, should be %lld", (long long)held, (long long)truth);
}

/* Damage may be any time. */
static const char *time_text(int64_t us, char out[RR_TIME_TEXT])
{
    if (us < RR_TIME_MIN)
        return "before the year 1";
    return us > RR_TIME_MAX ? "after the year 9999" : rr_time_format(us, out);
}

static void time_field(struct rr_buf *b, const char *name, int64_t held, int64_t truth)
{
    char h[RR_TIME_TEXT], t[RR_TIME_TEXT];

    if (held == truth)
        return;
    begin_field(b, name);
    rr_buf_printf(b, "%s, should be %s", time_text(held, h), time_text(truth, t));
}

static struct text word(const char *const *words, int i)
{
    const char *s = i < 0 ? "not known" : words[i];

    return (struct text){.s = s, .n = strlen(s)};
}

static void state_fields(struct rr_buf *b, const struct reservation *held, const struct reservation *truth)
{
    int_field(b, "room_id", held->room_id, truth->room_id);
    text_field(b, "user_id", held->user_id, truth->user_id);
    text_field(b, "title", held->title, truth->title);
    time_field(b, "starts_at", held->starts_at, truth->starts_at);
    time_field(b, "ends_at", held->ends_at, truth->ends_at);
    text_field(b, "state", word(reservation_state_names, held->state),
               word(reservation_state_names, truth->state));
}

/* `buf` holds what differs, or nothing. */
static void report_fields(struct report *r, const struct difference *d, struct rr_buf *buf)
{
    if (buf->len)
        report_add(r, d, buf->data);
    rr_buf_fini(buf);
}

/* ---- one reservation ---- */

/* What there is of one id. */
struct slice {
    struct rr_uuid id;
    const struct event *truth;
    const struct reservation *row; /* in the truth; NULL: none */
    const struct event *held;
    const struct text *changes;
    const struct held_state *state; /* NULL: none */
    size_t n_truth, n_held;
};

static int64_t last_version(const struct event *events, size_t n)
{
    return n ? events[n - 1].after.version : 0;
}

static int64_t held_version(const struct slice *s)
{
    int64_t events = last_version(s->held, s->n_held);

    return s->state && s->state->reservation.version > events ? s->state->reservation.version : events;
}

static bool same_json(struct text a, struct text b)
{
    json_t *x, *y;
    bool same;

    if (text_same(a, b))
        return true;
    x = json_loadb(a.s, a.n, 0, NULL);
    y = json_loadb(b.s, b.n, 0, NULL);
    same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

void compare_event_words(const struct event *held, const struct event *truth, struct rr_buf *buf)
{
    text_field(buf, "kind", word(event_kind_names, held->kind), word(event_kind_names, truth->kind));
    state_fields(buf, &held->after, &truth->after);
    time_field(buf, "recorded_at", held->after.updated_at, truth->after.updated_at);
    text_field(buf, "recorded_by", held->recorded_by, truth->recorded_by);
    text_field(buf, "reason", held->reason, truth->reason);
    text_field(buf, "trace_id", held->trace_id, truth->trace_id);
}

static void compare_event(const struct compare *c, const struct event *before, const struct event *truth,
                          const struct event *held, struct text held_changes)
{
    struct difference d = {.place = PLACE_HISTORY,
                           .kind = DIFFERENCE_DIFFERS,
                           .id = truth->after.id,
                           .version = truth->after.version};
    struct text changes = changes_json(c->arena, before ? &before->after : NULL, truth);
    struct rr_buf b = {.data = NULL};

    compare_event_words(held, truth, &b);
    d.contradicts = b.len > 0;
    if (!same_json(held_changes, changes))
        text_field(&b, "changes", held_changes, changes);
    report_fields(c->report, &d, &b);
}

static void compare_events(const struct compare *c, const struct slice *s)
{
    size_t t = 0, h = 0;

    while (t < s->n_truth || h < s->n_held) {
        int64_t truth = t < s->n_truth ? s->truth[t].after.version : INT64_MAX;
        int64_t held = h < s->n_held ? s->held[h].after.version : INT64_MAX;
        struct difference d = {.place = PLACE_HISTORY, .id = s->id};

        if (truth == held) {
            compare_event(c, t ? &s->truth[t - 1] : NULL, &s->truth[t], &s->held[h], s->changes[h]);
            t++;
            h++;
            continue;
        }
        d.kind = truth < held ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA;
        d.version = truth < held ? truth : held;
        d.lowers = held < truth;
        report_add(c->report, &d, NULL);
        if (truth < held)
            t++;
        else
            h++;
    }
}

static void compare_state(const struct compare *c, const struct slice *s)
{
    const struct reservation *held = s->state ? &s->state->reservation : NULL;
    const struct reservation *truth = s->n_truth ? &s->truth[s->n_truth - 1].after : NULL;
    struct difference d = {.place = PLACE_RESERVATION, .kind = DIFFERENCE_DIFFERS, .id = s->id};
    struct rr_buf b = {.data = NULL};
    const struct room *room;

    if (!held || !truth) {
        d.kind = held ? DIFFERENCE_EXTRA : DIFFERENCE_MISSING;
        d.lowers = held;
        if (held || truth)
            report_add(c->report, &d, NULL);
        return;
    }
    if (held->version < truth->version)
        d.kind = DIFFERENCE_STALE;
    d.lowers = held->version > truth->version;
    int_field(&b, "version", held->version, truth->version);
    state_fields(&b, held, truth);
    int_field(&b, "deleted", held->deleted, truth->deleted);
    time_field(&b, "created_at", held->created_at, truth->created_at);
    time_field(&b, "updated_at", held->updated_at, truth->updated_at);
    room = truth_find_room(c->rooms, held->room_id);
    if (!s->state->room_name.s && c->exempt && parked_has_room(&c->exempt->parked, held->room_id))
        room = NULL; /* applied while the room was parked */
    text_field(&b, "room_name", s->state->room_name, room ? room->name : (struct text){.s = NULL});
    text_field(&b, "room_location", s->state->room_location,
               room ? room->location : (struct text){.s = NULL});
    report_fields(c->report, &d, &b);
}

static void add_newer(const struct compare *c, const struct rr_uuid *id)
{
    struct newer *n = c->newer;

    if (n->n == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 64;
        struct rr_uuid *ids = arena_alloc(c->arena, cap * sizeof(*ids));

        if (n->ids)
            memcpy(ids, n->ids, n->n * sizeof(*ids));
        n->ids = ids;
        n->cap = cap;
    }
    n->ids[n->n++] = *id;
}

static bool holds(const struct slice *s, int64_t version)
{
    for (size_t i = 0; i < s->n_held; i++)
        if (s->held[i].after.version == version)
            return true;
    return false;
}

/* Leaves out of the truth what is parked or was skipped, but not what has been applied all the same. */
static void leave_out(const struct compare *c, struct slice *s, int64_t held)
{
    struct event *kept;
    size_t n = 0;

    if (!parked_has_reservation(&c->exempt->parked, &s->id) && !exempt_skipped(c->exempt, &s->id).n)
        return;
    kept = arena_alloc(c->arena, (s->n_truth + 1) * sizeof(*kept));
    for (size_t i = 0; i < s->n_truth; i++) {
        int64_t version = s->truth[i].after.version;

        if (holds(s, version) || !exempt_event(c->exempt, &s->id, version, held))
            kept[n++] = s->truth[i];
    }
    s->truth = kept;
    s->n_truth = n;
}

static void compare_slice(const struct compare *c, struct slice *s)
{
    int64_t version = held_version(s);

    if (c->newer && version > last_version(s->truth, s->n_truth)) {
        add_newer(c, &s->id);
        return;
    }
    /* A fresh truth may be ahead of what was held a moment ago. */
    while (!c->newer && s->n_truth > 0 && last_version(s->truth, s->n_truth) > version)
        s->n_truth--;
    if (c->exempt)
        leave_out(c, s, version);
    compare_events(c, s);
    compare_state(c, s);
}

/* ---- many ---- */

struct heads {
    size_t event, row, held, state;
};

static void lower(const struct rr_uuid *id, bool *found, struct rr_uuid *lowest)
{
    if (!*found || memcmp(id->b, lowest->b, sizeof(id->b)) < 0)
        *lowest = *id;
    *found = true;
}

static bool is(const struct rr_uuid *a, const struct rr_uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* The next id of any side, and all that there is of it. */
static bool next_slice(const struct truth_rows *t, const struct held_rows *h, struct heads *at,
                       struct slice *s)
{
    struct rr_uuid lowest = {.b = {0}};
    bool found = false;

    if (at->event < t->n_events)
        lower(&t->events[at->event].after.id, &found, &lowest);
    if (at->row < t->n_reservations)
        lower(&t->reservations[at->row].id, &found, &lowest);
    if (at->held < h->n_events)
        lower(&h->events[at->held].after.id, &found, &lowest);
    if (at->state < h->n_states)
        lower(&h->states[at->state].reservation.id, &found, &lowest);
    if (!found)
        return false;
    *s = (struct slice){.id = lowest,
                        .truth = t->events + at->event,
                        .held = h->events + at->held,
                        .changes = h->changes + at->held};
    for (; at->event < t->n_events && is(&t->events[at->event].after.id, &s->id); at->event++)
        s->n_truth++;
    for (; at->held < h->n_events && is(&h->events[at->held].after.id, &s->id); at->held++)
        s->n_held++;
    if (at->row < t->n_reservations && is(&t->reservations[at->row].id, &s->id))
        s->row = &t->reservations[at->row++];
    if (at->state < h->n_states && is(&h->states[at->state].reservation.id, &s->id))
        s->state = &h->states[at->state++];
    return true;
}

void compare_rows(const struct compare *c, const struct truth_rows *truth, const struct held_rows *held)
{
    struct heads at = {0};
    struct slice s;

    while (next_slice(truth, held, &at, &s))
        compare_slice(c, &s);
}

static void compare_truth_slice(const struct slice *s, struct report *report)
{
    const struct event *last = s->n_truth ? &s->truth[s->n_truth - 1] : NULL;
    struct difference d = {.place = PLACE_TRUTH, .kind = DIFFERENCE_DIFFERS, .id = s->id};
    struct rr_buf b = {.data = NULL};

    if (last && last->after.version != (int64_t)s->n_truth)
        rr_buf_puts(&b, "the journal's versions have gaps");
    if (!s->row && last && !last->after.deleted)
        rr_buf_puts(&b, "the journal has it, the table does not");
    if (s->row && (!last || last->after.deleted))
        rr_buf_puts(&b,
                    last ? "the journal says deleted, the table has it" : "the journal has no event of it");
    if (s->row && last && !last->after.deleted) {
        int_field(&b, "version", s->row->version, last->after.version);
        state_fields(&b, s->row, &last->after);
        time_field(&b, "created_at", s->row->created_at, last->after.created_at);
        time_field(&b, "updated_at", s->row->updated_at, last->after.updated_at);
    }
    report_fields(report, &d, &b);
}

void compare_truth(const struct truth_rows *truth, struct report *report)
{
    const struct held_rows nothing = {.n_events = 0};
    struct heads at = {0};
    struct slice s;

    while (next_slice(truth, &nothing, &at, &s))
        compare_truth_slice(&s, report);
}

void compare_room_words(const struct room *held, const struct room *truth, struct rr_buf *buf)
{
    text_field(buf, "name", held->name, truth->name);
    text_field(buf, "location", held->location, truth->location);
    int_field(buf, "capacity", held->capacity, truth->capacity);
    int_field(buf, "active", held->active, truth->active);
    time_field(buf, "created_at", held->created_at, truth->created_at);
    time_field(buf, "updated_at", held->updated_at, truth->updated_at);
}

bool compare_room(const struct room *truth, const struct room *held, struct report *report)
{
    struct rr_buf b = {.data = NULL};
    size_t before = report->n;

    compare_room_words(held, truth, &b);
    report_fields(
        report,
        &(struct difference){
            .place = PLACE_ROOM, .kind = DIFFERENCE_DIFFERS, .room_id = truth->id, .contradicts = true},
        &b);
    return report->n == before;
}

void compare_day(const struct bucket *computed, const struct held_day *held, struct report *report)
{
    static const struct bucket empty;
    static const struct held_day none;
    const struct bucket *c = computed ? computed : &empty;
    const struct held_day *h = held ? held : &none;
    struct rr_buf b = {.data = NULL};
    int starts = 0, minutes = 0;

    int_field(&b, "reservations", h->reservations, c->reservations);
    int_field(&b, "reserved_minutes", h->reserved_minutes, c->reserved_minutes);
    for (int q = 0; q < QUARTERS; q++) {
        starts += h->starts[q] != c->starts[q];
        minutes += h->minutes[q] != c->minutes[q];
    }
    if (h->broken)
        rr_buf_printf(&b, "%sits arrays are not %d numbers from 1 on", b.len ? "; " : "", QUARTERS);
    else if (starts || minutes)
        rr_buf_printf(&b, "%s%d quarter-hours of starts and %d of minutes differ", b.len ? "; " : "", starts,
                      minutes);
    report_fields(report,
                  &(struct difference){.place = (held ? held->room_id : c->room_id) == ALL_ROOMS
                                                    ? PLACE_TOTAL_DAY
                                                    : PLACE_ROOM_DAY,
                                       .kind = held ? DIFFERENCE_DIFFERS : DIFFERENCE_MISSING,
                                       .room_id = held ? held->room_id : c->room_id,
                                       .day = held ? held->day : c->day},
                  &b);
}

void compare_month(const struct held_month *held, struct report *report)
{
    struct rr_buf b = {.data = NULL};

    int_field(&b, "reservations", held->reservations, held->day_reservations);
    int_field(&b, "reserved_minutes", held->reserved_minutes, held->day_reserved_minutes);
    report_fields(report,
                  &(struct difference){.place = PLACE_ROOM_MONTH,
                                       .kind = DIFFERENCE_DIFFERS,
                                       .room_id = held->room_id,
                                       .day = held->month},
                  &b);
}
