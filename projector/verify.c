#include "verify.h"
#include "compare.h"
#include "decode.h"
#include "held.h"
#include "pages.h"
#include "time.h"
#include "truth.h"
#include "usage.h"

#include <string.h>

#define KAFKA_MS 5000
#define WAIT_MS  100
#define STALL_US (60 * RR_US_PER_SEC) /* nothing has moved for so long: give up */
#define ROUNDS   1000                 /* for a room that changes all the time */

struct verify {
    const struct verify_conf *conf;
    int32_t generation;
    struct truth *truth;
    struct held *held, *live; /* `live`: outside of the snapshot */
    struct rr_kafka *kafka;
    struct pages *pages;
    struct report *report;
    struct verify_totals *totals;
    struct arena rooms_arena, arena; /* of all rooms; of one part of the reservations */
    struct truth_rooms truth_rooms, held_rooms;
    struct exempt exempt;
    struct usage usage; /* what the generation's own reservations occupy */
    int64_t *again;     /* rooms to be compared again, in rooms_arena */
    size_t n_again;
};

int verify_goes_on(const struct verify_conf *conf, struct failure *f)
{
    return conf->stopping && atomic_load(conf->stopping) ? fail(f, FAIL_NONE, "stopping") : 0;
}

/* ---- waiting until what S holds has been applied ---- */

static int open_log(struct verify *v, struct failure *f)
{
    int64_t begin, end, position;

    if (rr_kafka_open(v->conf->kafka, KAFKA_MS, &v->kafka) != RR_KAFKA_OK)
        return fail(f, FAIL_KAFKA, "%s", rr_kafka_error(v->kafka));
    if (held_position(v->live, &position, f) != 0) /* first: it moves on */
        return -1;
    if (rr_kafka_query_offsets(v->kafka, KAFKA_MS, &begin, &end) != RR_KAFKA_OK)
        return fail(f, FAIL_KAFKA, "%s", rr_kafka_error(v->kafka));
    if (position > end)
        return fail(f, FAIL_KAFKA, "the position %lld is beyond the log's end %lld: the log was replaced",
                    (long long)position, (long long)end);
    if (rr_kafka_start(v->kafka, end) != RR_KAFKA_OK)
        return fail(f, FAIL_KAFKA, "%s", rr_kafka_error(v->kafka));
    return 0;
}

/* The offset of a change that was committed after `instant`. */
static int find_later(struct verify *v, int64_t instant, int64_t *ret_offset, struct failure *f)
{
    struct arena arena = {.chunks = NULL};
    int64_t since = rr_time_monotonic();
    int end = 1;

    while (end == 1 && (end = verify_goes_on(v->conf, f)) == 0) {
        struct rr_kafka_message m;
        struct change c = {.streamed = false};
        struct failure unreadable; /* is the projector's business */

        end = 1;
        switch (rr_kafka_next(v->kafka, WAIT_MS, &m)) {
        case RR_KAFKA_OK:
            since = rr_time_monotonic();
            if (decode(m.value, m.value_len, &arena, &c, &unreadable) == 0 && c.streamed &&
                c.committed_at > instant) {
                *ret_offset = m.offset;
                end = 0;
            }
            arena_reset(&arena);
            break;
        case RR_KAFKA_NONE:
            if (rr_time_monotonic() - since > STALL_US)
                end = fail(f, FAIL_KAFKA, "no change came through Kafka for a minute, not even a pulse");
            break;
        default: end = fail(f, FAIL_KAFKA, "%s", rr_kafka_error(v->kafka)); break;
        }
    }
    arena_fini(&arena);
    return end;
}

static int await_applied(struct verify *v, int64_t instant, struct failure *f)
{
    int64_t offset = 0, position, seen = -1, since = rr_time_monotonic();

    if (find_later(v, instant, &offset, f) != 0)
        return -1;
    for (;;) {
        if (verify_goes_on(v->conf, f) != 0 || held_position(v->live, &position, f) != 0)
            return -1;
        if (position > offset)
            return 0;
        if (position != seen)
            since = rr_time_monotonic();
        else if (rr_time_monotonic() - since > STALL_US)
            return fail(f, FAIL_KAFKA, "the projector has stood at offset %lld for a minute",
                        (long long)position);
        seen = position;
        truth_wait();
    }
}

/* ---- rooms ---- */

static void room_differs(struct verify *v, int64_t id, enum difference_kind kind)
{
    report_add(v->report,
               &(struct difference){.place = PLACE_ROOM,
                                    .kind = kind,
                                    .room_id = id,
                                    .lowers = kind == DIFFERENCE_EXTRA || kind == DIFFERENCE_DIFFERS},
               NULL);
}

/* It is older than the truth, or missing. */
static void room_is_behind(struct verify *v, const struct room *truth, enum difference_kind kind)
{
    if (!exempt_room(&v->exempt, truth->id, truth->version))
        room_differs(v, truth->id, kind);
}

static int compare_rooms(struct verify *v, struct failure *f)
{
    const struct truth_rooms *t = &v->truth_rooms, *h = &v->held_rooms;
    size_t i = 0, k = 0;

    if (held_rooms(v->held, &v->rooms_arena, &v->held_rooms, f) != 0)
        return -1;
    v->totals->rooms = t->n;
    v->again = arena_alloc(&v->rooms_arena, (h->n + 1) * sizeof(*v->again));
    while (i < t->n || k < h->n) {
        const struct room *truth = i < t->n ? &t->rooms[i] : NULL, *held = k < h->n ? &h->rooms[k] : NULL;

        if (truth && (!held || truth->id < held->id)) {
            room_is_behind(v, truth, DIFFERENCE_MISSING);
            i++;
            continue;
        }
        if (!held)
            break;
        k++;
        i += truth && truth->id == held->id;
        if (!truth || truth->id != held->id || truth->version < held->version)
            v->again[v->n_again++] = held->id;
        else if (truth->version > held->version)
            room_is_behind(v, truth, DIFFERENCE_STALE);
        else
            compare_room(truth, held, v->report);
    }
    return 0;
}

/* A room that was newer than S. The truth is never behind what is held: where it is ahead, what is held has
 * to get there first. */
static int compare_room_again(struct verify *v, int64_t id, struct failure *f)
{
    int64_t expected = 0; /* a version that has been applied */
    int behind = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct room truth = {.version = 0}, held = {.version = 0};
        bool in_truth, in_held;
        int64_t now;

        if (held_room(v->live, id, &v->rooms_arena, &held, &in_held, f) != 0 ||
            truth_room_now(v->truth, id, &v->rooms_arena, &truth, &in_truth, f) != 0 ||
            truth_now(v->truth, &now, f) != 0)
            return -1;
        if (held.version == truth.version) {
            if (in_truth)
                compare_room(&truth, &held, v->report);
            return 0;
        }
        if (held.version > truth.version && ++behind < TRUTH_TRIES) {
            truth_wait();
            continue;
        }
        if (held.version < truth.version && exempt_room(&v->exempt, id, truth.version))
            return 0;
        if (held.version > truth.version || held.version < expected) {
            room_differs(v, id,
                         !in_truth                      ? DIFFERENCE_EXTRA
                         : !in_held                     ? DIFFERENCE_MISSING
                         : held.version > truth.version ? DIFFERENCE_DIFFERS
                                                        : DIFFERENCE_STALE);
            return 0;
        }
        expected = truth.version;
        if (await_applied(v, now, f) != 0)
            return -1;
    }
    return fail(f, FAIL_MYSQL, "room %lld changes too often to be compared", (long long)id);
}

static int compare_rooms_again(struct verify *v, struct failure *f)
{
    if (v->n_again && held_exempt(v->live, &v->exempt, f) != 0)
        return -1;
    for (size_t i = 0; i < v->n_again; i++)
        if (compare_room_again(v, v->again[i], f) != 0)
            return -1;
    return 0;
}

/* ---- reservations ---- */

static void count_use(struct verify *v, const struct held_rows *held)
{
    for (size_t i = 0; i < held->n_states; i++)
        if (held_is_possible(&held->states[i].reservation))
            usage_add(&v->usage, &held->states[i].reservation);
}

/* The rows held of some ids, which rise. */
static struct held_rows pick(struct arena *arena, const struct held_rows *held, const struct newer *newer)
{
    struct held_rows ret = {.events = arena_alloc(arena, (held->n_events + 1) * sizeof(*ret.events)),
                            .changes = arena_alloc(arena, (held->n_events + 1) * sizeof(*ret.changes)),
                            .states = arena_alloc(arena, (held->n_states + 1) * sizeof(*ret.states))};
    size_t e = 0, s = 0;

    for (size_t i = 0; i < newer->n; i++) {
        const uint8_t *id = newer->ids[i].b;

        for (; e < held->n_events && memcmp(held->events[e].after.id.b, id, 16) <= 0; e++)
            if (memcmp(held->events[e].after.id.b, id, 16) == 0) {
                ret.events[ret.n_events] = held->events[e];
                ret.changes[ret.n_events++] = held->changes[e];
            }
        for (; s < held->n_states && memcmp(held->states[s].reservation.id.b, id, 16) <= 0; s++)
            if (memcmp(held->states[s].reservation.id.b, id, 16) == 0)
                ret.states[ret.n_states++] = held->states[s];
    }
    return ret;
}

static bool is_behind(const struct truth_rows *truth, const struct held_rows *held)
{
    size_t t = 0;

    for (size_t h = 0; h < held->n_events; h++) {
        const struct reservation *r = &held->events[h].after;

        if (h + 1 < held->n_events && memcmp(held->events[h + 1].after.id.b, r->id.b, 16) == 0)
            continue;
        while (t < truth->n_events && (memcmp(truth->events[t].after.id.b, r->id.b, 16) < 0 ||
                                       (memcmp(truth->events[t].after.id.b, r->id.b, 16) == 0 &&
                                        truth->events[t].after.version < r->version)))
            t++;
        if (t == truth->n_events || memcmp(truth->events[t].after.id.b, r->id.b, 16) != 0)
            return true;
    }
    return false;
}

/* The truth now, of what is held beyond S. A transaction reaches the log a moment before its rows can be seen
 * in MySQL, so the truth may be behind what is held, for that moment. */
static int compare_newer(struct verify *v, struct compare *c, const struct held_rows *held, struct failure *f)
{
    const struct held_rows beyond = pick(&v->arena, held, c->newer);
    struct truth_rows fresh;
    int tries = 0;

    do {
        if (tries)
            truth_wait();
        if (truth_events_now(v->truth, c->newer->ids, c->newer->n, &v->arena, &fresh, f) != 0)
            return -1;
    } while (is_behind(&fresh, &beyond) && ++tries < TRUTH_TRIES);
    c->newer = NULL;
    compare_rows(c, &fresh, &beyond);
    return 0;
}

static int compare_part(struct verify *v, const struct pages_part *part, struct failure *f)
{
    struct newer newer = {.n = 0};
    struct compare c = {.arena = &v->arena,
                        .report = v->report,
                        .exempt = &v->exempt,
                        .rooms = &v->held_rooms,
                        .newer = &newer};

    arena_reset(&v->arena);
    v->totals->events += part->truth.n_events;
    v->totals->reservations += part->truth.n_reservations;
    compare_truth(&part->truth, v->report);
    compare_rows(&c, &part->truth, &part->held);
    count_use(v, &part->held);
    return newer.n ? compare_newer(v, &c, &part->held, f) : 0;
}

static int compare_reservations(struct verify *v, struct failure *f)
{
    struct pages_part part;

    if (pages_hold(v->pages, v->held, f) != 0)
        return -1;
    do {
        if (verify_goes_on(v->conf, f) != 0 || pages_next(v->pages, &part, f) != 0 ||
            compare_part(v, &part, f) != 0)
            return -1;
        if (v->conf->progress)
            v->conf->progress(v->conf->progress_arg, v->totals->events);
    } while (!part.last);
    pages_stop(rr_take(v->pages));
    return 0;
}

/* ---- all of it ---- */

static int run(struct verify *v, struct failure *f)
{
    if (truth_open(v->conf->mysql, &v->truth, f) != 0 ||
        held_open(v->conf->store, v->generation, &v->live, f) != 0 ||
        held_open(v->conf->store, v->generation, &v->held, f) != 0 || open_log(v, f) != 0)
        return -1;
    if (truth_snapshot(v->truth, &v->totals->truth_at, f) != 0 ||
        truth_rooms(v->truth, &v->rooms_arena, &v->truth_rooms, f) != 0 ||
        pages_start(v->truth, &v->pages, f) != 0) /* the wait is not lost on it */
        return -1;
    if (await_applied(v, v->totals->truth_at, f) != 0 || held_snapshot(v->held, f) != 0 ||
        held_exempt(v->held, &v->exempt, f) != 0)
        return -1;
    v->totals->parked = v->exempt.n_parked;
    v->totals->skipped = v->exempt.n_skipped;
    if (compare_rooms(v, f) != 0 || compare_reservations(v, f) != 0 ||
        days_compare(v->held, &v->usage, v->report, &v->totals->days, f) != 0 ||
        held_release(v->held, f) != 0)
        return -1;
    truth_release(v->truth);
    return compare_rooms_again(v, f);
}

int verify(const struct verify_conf *conf, int32_t generation, struct report *report,
           struct verify_totals *totals, struct failure *f)
{
    struct verify v = {.conf = conf, .generation = generation, .report = report, .totals = totals};
    int end;

    *totals = (struct verify_totals){.truth_at = 0};
    end = run(&v, f);
    pages_stop(v.pages);
    rr_kafka_close(v.kafka);
    held_close(v.held);
    held_close(v.live);
    truth_close(v.truth);
    exempt_fini(&v.exempt);
    usage_fini(&v.usage);
    arena_fini(&v.arena);
    arena_fini(&v.rooms_arena);
    return end;
}
