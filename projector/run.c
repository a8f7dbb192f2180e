#include "run.h"
#include "apply.h"
#include "gaps.h"
#include "generation.h"
#include "intake.h"
#include "log.h"
#include "log_check.h"
#include "retry.h"
#include "telemetry.h"
#include "time.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MS         100  /* how long a wait for messages may be blind to a stop */
#define KAFKA_MS        5000 /* for the brokers' answers */
#define PAUSE_MIN_MS    100
#define PAUSE_MAX_MS    2000
#define TOPIC_PAUSE_MS  250 /* while there is no topic: it is made by the connector's first message */
#define STANDBY_LOOK_MS 1000
#define STANDBY_LOOKS   3 /* so many times unmoved, with a pulse every second: nobody is there */
#define LOG_AGAIN_US    (60 * RR_US_PER_SEC)
#define HALTED_LOOK_MS  500
#define GAPS_AGAIN_US   RR_US_PER_SEC /* between two attempts to fill gaps that MySQL was away for */
#define GAPS_SHARE      10            /* and at least so many times as long as one takes: all others wait */
#define AHEAD_AT_ONCE   32            /* messages: 0.2 ms */
#define BYTES_MAX       (24 << 20)    /* of messages in a batch */

/* What was taken from the topic. */
struct taken {
    struct batch batch;
    int64_t next_offset;
    uint64_t fingerprint;
    size_t bytes;
    enum rr_kafka_end end; /* RR_KAFKA_OK, or what taking more came to */
};

struct run {
    const struct run_conf *conf;
    struct store_conf store_conf; /* conf's, with what stops it */
    struct health *health;
    struct telemetry telemetry;
    pthread_t thread;
    atomic_bool stopping;
    int wake; /* eventfd: readable when stopping */
    /* from opening to closing */
    struct rr_kafka *kafka;
    struct store *store;
    struct apply *apply;
    struct position position;
    struct intake intake; /* what is parked is loaded when opening, verdicts stay until they are passed */
    struct truth *truth;  /* NULL: no gap yet */
    int64_t gaps_next;    /* monotonic: when they are tried again */
    bool unread;          /* nothing of the log has ever been applied */
    bool served;          /* as far as that has been told */
    /* the batch in hand, and the one that is collected while PostgreSQL works on that */
    struct taken taken[2], *hand, *ahead;
    size_t limit; /* messages a batch takes; small while looking for one that cannot be applied, and after a
                     failure of PostgreSQL */
    /* between attempts */
    uint32_t pause_ms;
    char logged[600]; /* what was logged last, and when: the same is not said again at once */
    int64_t logged_at;
    int64_t told; /* the last ignored message that was told; -1: none since the last commit */
};

static bool stopping(const struct run *r)
{
    return atomic_load_explicit(&r->stopping, memory_order_relaxed);
}

static void nap(struct run *r, uint32_t ms)
{
    struct pollfd p = {.fd = r->wake, .events = POLLIN};

    poll(&p, 1, (int)ms);
}

/* ---- messages ---- */

static void tell_ignored(struct run *r, struct taken *t, const struct rr_kafka_message *m, const char *reason,
                         bool alarm)
{
    if (m->offset <= r->told) /* in an attempt that failed */
        return;
    r->told = m->offset;
    telemetry_ignored(reason);
    if (!alarm)
        return;
    rr_counter_add(r->telemetry.impossible, 1);
    rr_error("ALARM: a change that cannot come from a healthy truth; it is not applied",
             "reason=%s topic=%s partition=0 offset=%lld key=%s", reason, r->conf->kafka.topic,
             (long long)m->offset, RR_Q(m->key ? arena_copy(&t->batch.arena, m->key, m->key_len) : ""));
}

static void take_message(struct run *r, struct taken *t, const struct rr_kafka_message *m)
{
    const char *ignored;
    bool alarm;

    intake(&r->intake, m, &t->batch, &ignored, &alarm);
    if (ignored)
        tell_ignored(r, t, m, ignored, alarm);
    t->next_offset = m->offset + 1;
    t->fingerprint = m->fingerprint;
    t->bytes += m->key_len + m->value_len;
}

/* Behind a message whose key cannot be read nothing may come, and not much behind what opens the breaker. */
static bool is_full(const struct run *r, const struct taken *t)
{
    const struct batch *b = &t->batch;

    return b->n_messages >= r->limit || b->n_days >= BATCH_DAYS_MAX || t->bytes >= BYTES_MAX ||
           b->unreadable || b->n_letters > r->conf->breaker.events;
}

static void drop(struct taken *t)
{
    batch_reset(&t->batch);
    t->bytes = 0;
    t->end = RR_KAFKA_OK;
}

/* Takes one message. False: there is none, or no room for one. */
static bool take_next(struct run *r, struct taken *t, int timeout_ms)
{
    struct rr_kafka_message m;

    if (is_full(r, t) || (t->end != RR_KAFKA_OK && t->end != RR_KAFKA_NONE))
        return false;
    t->end = rr_kafka_next(r->kafka, timeout_ms, &m);
    if (t->end != RR_KAFKA_OK)
        return false;
    take_message(r, t, &m);
    return true;
}

/* While PostgreSQL works on the batch in hand: some of the next one, little enough to be back soon. */
static bool collect_ahead(void *arg)
{
    struct run *r = arg;
    int n = 0;

    while (n < AHEAD_AT_ONCE && take_next(r, r->ahead, 0))
        n++;
    return n > 0;
}

/* What is there, up to the limits; waits for the first message only. */
static int collect(struct run *r, struct failure *f)
{
    struct taken *t = r->ahead;

    r->ahead = r->hand;
    r->hand = t;
    drop(r->ahead);
    while (take_next(r, t, t->batch.n_messages ? 0 : IDLE_MS))
        ;
    if (t->batch.n_messages > 0) { /* what came before a failure is applied first */
        r->ahead->end = t->end;
        return 0;
    }
    if (t->end == RR_KAFKA_NONE)
        return 0;
    return fail(f, t->end == RR_KAFKA_CUT ? FAIL_CUT : FAIL_KAFKA, "%s", rr_kafka_error(r->kafka));
}

/* ---- opening and closing ---- */

static int open_topic(struct run *r, struct failure *f)
{
    enum rr_kafka_end end;

    while ((end = rr_kafka_open(&r->conf->kafka, KAFKA_MS, &r->kafka)) == RR_KAFKA_WAITING && !stopping(r)) {
        if (strcmp(r->logged, rr_kafka_error(r->kafka)) != 0) {
            snprintf(r->logged, sizeof(r->logged), "%s", rr_kafka_error(r->kafka));
            rr_info("waiting for the topic", "topic=%s", r->conf->kafka.topic);
        }
        health_trouble(r->health, rr_kafka_error(r->kafka));
        telemetry_lag(&r->telemetry, &r->position, -1);
        nap(r, TOPIC_PAUSE_MS);
    }
    return end == RR_KAFKA_OK ? 0 : fail(f, FAIL_KAFKA, "%s", rr_kafka_error(r->kafka));
}

/* Whoever sees the gauge finds it not ready: health comes first. */
static void tell_halted(struct run *r, const struct generation *g)
{
    char why[600];

    snprintf(why, sizeof(why), "halted (%s) until an operator acts: %s", g->halted, g->halted_reason);
    health_trouble(r->health, why);
    telemetry_lag(&r->telemetry, &g->position, -1);
    telemetry_parked(&r->telemetry, g->position.parked, g->halted);
}

/* If the log is another one, the position is set to its beginning, and it begins again there. */
static int check_log(struct run *r, const struct generation *g, struct failure *f)
{
    struct log_found found;

    if (log_check(r->kafka, g, &found, f) != 0)
        return -1;
    if (found.same)
        return 0;
    if (generation_replace_log(r->store, &g->position, found.begin, rr_kafka_cluster_id(r->kafka), f) != 0)
        return -1;
    return fail(f, FAIL_REPLACED, "topic %s: %s", g->topic, found.why);
}

static int open_all(struct run *r, struct failure *f)
{
    struct generation g;

    if (open_topic(r, f) != 0 || store_open(&r->store_conf, &r->store, f) != 0 ||
        generation_open(r->store, r->conf->generation, r->conf->kafka.topic, rr_kafka_cluster_id(r->kafka),
                        &g, f) != 0)
        return -1;
    r->position = g.position;
    r->served = g.position.serving;
    r->unread = !g.has_fingerprint && !g.position.serving && !g.position.unproven;
    if (*g.halted) {
        tell_halted(r, &g);
        return fail(f, FAIL_HALTED, "%s: %s", g.halted, g.halted_reason);
    }
    telemetry_parked(&r->telemetry, g.position.parked, "");
    if (check_log(r, &g, f) != 0 ||
        letters_parked(r->store, g.position.generation, &r->intake.parked, f) != 0 ||
        letters_given_up(r->store, g.position.generation, g.position.next_offset, &r->intake.skipped, f) !=
            0 ||
        apply_new(r->store, g.position.generation, &r->apply, f) != 0)
        return -1;
    apply_set_breaker(r->apply, &r->conf->breaker);
    store_while_waiting(r->store, collect_ahead, r);
    rr_info("reading", "topic=%s offset=%lld generation=%d state=%s parked=%d", g.topic,
            (long long)g.position.next_offset, g.position.generation, g.state, g.position.parked);
    return 0;
}

static void close_all(struct run *r)
{
    apply_free(rr_take(r->apply));
    store_close(rr_take(r->store));
    rr_kafka_close(rr_take(r->kafka));
    drop(r->ahead);
}

/* ---- what cannot be applied ---- */

/* From the truth's journal. What it does not have, or cannot be asked for, is parked when the messages are
 * taken from the topic once more. */
static int fill_gaps(struct run *r, struct failure *f)
{
    struct failure why;
    int end;

    if (!r->truth && truth_open(&r->conf->mysql, &r->truth, &why) != 0)
        r->truth = NULL;
    end = gaps_fill(r->truth, r->store, r->position.generation, &r->hand->batch, f);
    if (end <= 0)
        return end;
    for (const struct batch_reservation *v = r->hand->batch.reservations; v; v = v->next)
        if (v->gap && v->gap_reason)
            intake_verdict(&r->intake, v->gap->offset, v->gap_kind, v->gap_reason);
    return fail(f, FAIL_MESSAGE, "versions are missing");
}

/* What waits for want of MySQL. */
static int retry_gaps(struct run *r, struct failure *f)
{
    const struct retry_conf conf = {.store = &r->store_conf, .mysql = &r->conf->mysql};
    int64_t began = rr_time_monotonic(), took;
    struct retry_totals totals = {.applied = 0};
    struct failure why;

    if (!r->intake.parked.n_gaps || began < r->gaps_next)
        return 0;
    if (retry_gaps_of(&conf, r->position.generation, &totals, &why) != 0)
        rr_debug("gaps wait", "reason=%s", RR_Q(why.text));
    took = rr_time_monotonic() - began;
    r->gaps_next = began + took + (took > GAPS_AGAIN_US / GAPS_SHARE ? took * GAPS_SHARE : GAPS_AGAIN_US);
    if (!totals.changed) /* MySQL is still away */
        return 0;
    rr_info("gaps tried again", "applied=%zu parked=%zu", totals.applied, totals.left);
    return fail(f, FAIL_NONE, "what is parked has changed");
}

/* ---- a batch ---- */

/* Whoever sees it ready finds the line in the log: that comes first. */
static void well(struct run *r)
{
    if (r->position.serving && !r->served)
        rr_info("the generation serves", "generation=%d offset=%lld", r->position.generation,
                (long long)r->position.next_offset);
    r->served = r->position.serving;
    health_well(r->health, &r->position);
}

static void applied(struct run *r, int64_t since)
{
    telemetry_applied(&r->telemetry, &r->hand->batch, rr_time_monotonic() - since);
    rr_counter_add(r->telemetry.days_mended, apply_mended(r->apply));
    well(r);
    rr_kafka_report(r->kafka, r->position.next_offset);
    r->pause_ms = PAUSE_MIN_MS;
    r->logged[0] = '\0';
    intake_forget(&r->intake, r->position.next_offset);
    letters_tell(&r->hand->batch);
    telemetry_parked(&r->telemetry, r->position.parked, "");
    if (r->told < r->position.next_offset)
        r->told = -1;
    r->limit = r->limit * 2 < r->conf->batch_events ? r->limit * 2 : r->conf->batch_events;
}

static int apply(struct run *r, struct failure *f)
{
    int64_t since = rr_time_monotonic();

    while (apply_batch(r->apply, &r->hand->batch, r->hand->next_offset, r->hand->fingerprint, &r->position,
                       f) != 0)
        if (!r->hand->batch.n_gaps || fill_gaps(r, f) != 0)
            return -1;
    applied(r, since);
    return r->position.halted ? fail(f, FAIL_HALTED, "the breaker has opened") : 0;
}

/* A whole log begins with the connector's snapshot; one that was made anew behind its back does not. */
static int check_beginning(struct run *r, struct failure *f)
{
    const struct batch *b = &r->hand->batch;

    if (!r->unread || !(b->events || b->rooms || b->n_pulses))
        return 0;
    r->unread = false;
    if (b->snapshot)
        return 0;
    if (generation_replace_log(r->store, &r->position, r->position.next_offset, rr_kafka_cluster_id(r->kafka),
                               f) != 0)
        return -1;
    return fail(f, FAIL_REPLACED, "it begins with a change, not with a snapshot");
}

static int run_batch(struct run *r, struct failure *f)
{
    if (retry_gaps(r, f) != 0 || collect(r, f) != 0)
        return -1;
    if (r->hand->batch.n_messages > 0) {
        if (check_beginning(r, f) != 0 || apply(r, f) != 0)
            return -1;
    } else if (rr_kafka_end_offset(r->kafka) == r->position.next_offset) {
        well(r); /* nothing is left to apply */
    }
    telemetry_lag(&r->telemetry, &r->position, rr_kafka_end_offset(r->kafka));
    return 0;
}

/* ---- when it does not work ---- */

static void tell_failure(struct run *r, const struct failure *f)
{
    int64_t now = rr_time_monotonic();

    rr_counter_add(r->telemetry.errors[f->kind], 1);
    telemetry_lag(&r->telemetry, &r->position, -1);
    health_trouble(r->health, f->text);
    if (strcmp(r->logged, f->text) == 0 && now - r->logged_at < LOG_AGAIN_US)
        return;
    snprintf(r->logged, sizeof(r->logged), "%s", f->text);
    r->logged_at = now;
    rr_error("beginning again", "kind=%s reason=%s offset=%lld", failure_kind_name(f->kind), RR_Q(f->text),
             (long long)r->position.next_offset);
}

/* Until nobody has moved the position for a while. */
static void watch_position(struct run *r, struct store *s)
{
    struct generation g;
    struct failure f;
    int64_t seen = -1;
    int unmoved = 0;

    while (!stopping(r) && unmoved < STANDBY_LOOKS && generation_find(s, &g, &f) == 0) {
        telemetry_lag(&r->telemetry, &g.position, -1);
        telemetry_parked(&r->telemetry, g.position.parked, g.halted);
        unmoved = g.position.next_offset == seen ? unmoved + 1 : 0;
        seen = g.position.next_offset;
        nap(r, STANDBY_LOOK_MS);
    }
    if (unmoved == STANDBY_LOOKS)
        rr_warn("nobody moves the position: taking over", "offset=%lld", (long long)seen);
}

/* Somebody else has moved the position, or has changed what is parked, or the generation has retired. */
static void stand_by(struct run *r)
{
    struct store *s = NULL;
    struct generation g;
    struct failure f;

    intake_forget(&r->intake, INT64_MAX); /* another generation may have what this one was found to lack */
    if (store_open(&r->store_conf, &s, &f) == 0 && generation_find(s, &g, &f) == 0) {
        if (g.position.generation != r->position.generation) {
            rr_info("another generation serves: going over to it", "generation=%d before=%d",
                    g.position.generation, r->position.generation);
        } else if (g.position.next_offset != r->position.next_offset) {
            rr_warn("another projector moves the position: standing by", "offset=%lld",
                    (long long)r->position.next_offset);
            health_trouble(r->health, "standing by: another projector moves the position");
            watch_position(r, s);
        }
    }
    store_close(s);
}

/* Until an operator has acted. */
static void wait_halted(struct run *r)
{
    struct store *s = NULL;
    struct generation g = {.halted = "?"};
    struct failure f;

    if (store_open(&r->store_conf, &s, &f) != 0)
        return;
    while (!stopping(r) && generation_find_number(s, r->conf->generation, &g, &f) == 0 && *g.halted) {
        tell_halted(r, &g);
        nap(r, HALTED_LOOK_MS);
    }
    store_close(s);
    intake_forget(&r->intake, INT64_MAX); /* what the operator has mended is to be tried */
    if (!*g.halted)
        rr_warn("an operator lets it go on", "offset=%lld", (long long)g.position.next_offset);
}

/* True: begin again at once, and the messages that cannot be applied are parked. */
static bool judge_message(struct run *r, const struct failure *f)
{
    if (r->hand->batch.n_gaps)
        return true;
    /* One of many cannot be applied, or they are too many: halve, until it stands alone. */
    if (r->hand->batch.n_messages > 1) {
        rr_log(r->limit == r->conf->batch_events ? RR_LOG_WARN : RR_LOG_DEBUG, NULL,
               "a batch cannot be applied: trying fewer messages", "messages=%zu reason=%s",
               r->hand->batch.n_messages, RR_Q(f->text));
        r->limit = r->hand->batch.n_messages / 2;
        return true;
    }
    if ((!r->hand->batch.events && !r->hand->batch.rooms) ||
        intake_has_verdict(&r->intake, r->hand->next_offset - 1))
        return false; /* not for what it says */
    intake_verdict(&r->intake, r->hand->next_offset - 1, LETTER_MESSAGE, f->text);
    return true;
}

/* If it cannot be written down now, the same message says so again. */
static void halt(struct run *r, const struct failure *why)
{
    struct store *s = NULL;
    struct failure f;

    rr_error("ALARM: the truth was set back; nothing more is applied until an operator acts",
             "generation=%d offset=%lld reason=%s", r->position.generation,
             (long long)r->position.next_offset, RR_Q(why->text));
    health_trouble(r->health, why->text);
    if (store_open(&r->store_conf, &s, &f) != 0 ||
        generation_halt(s, r->position.generation, "rewound", why->text, &f) != 0)
        tell_failure(r, &f);
    store_close(s);
}

static void begin_log_again(struct run *r, const struct failure *why)
{
    intake_forget(&r->intake, INT64_MAX); /* its offsets are other messages' */
    r->told = -1;
    rr_counter_add(r->telemetry.logs_replaced, 1);
    rr_error(
        !r->position.serving && !r->position.as_of
            ? "ALARM: the log has lost its beginning; what the first generation lacks is read from MySQL"
              " before it serves"
            : "ALARM: the log was replaced; it is read from its beginning, and as_of stands still until the"
              " read model is proven",
        "reason=%s offset=%lld", RR_Q(why->text), (long long)r->position.next_offset);
}

static void pause_after(struct run *r, const struct failure *f)
{
    if (f->kind == FAIL_MOVED) {
        rr_counter_add(r->telemetry.errors[FAIL_MOVED], 1);
        stand_by(r);
        return;
    }
    if (f->kind == FAIL_REPLACED) {
        begin_log_again(r, f);
        return;
    }
    if (f->kind == FAIL_REWOUND) {
        halt(r, f);
        return;
    }
    if (f->kind == FAIL_CUT) {
        rr_info("looking whether the log is the same", "reason=%s", RR_Q(f->text));
        nap(r, PAUSE_MIN_MS);
        return;
    }
    if (f->kind == FAIL_NONE || (f->kind == FAIL_MESSAGE && judge_message(r, f)))
        return;
    tell_failure(r, f);
    if (f->kind == FAIL_HALTED) {
        wait_halted(r);
        return;
    }
    /* It may have been too much for PostgreSQL's time or memory. */
    if (f->kind == FAIL_POSTGRES && r->hand->batch.n_messages > 1)
        r->limit = r->hand->batch.n_messages / 2;
    nap(r, r->pause_ms);
    r->pause_ms = r->pause_ms * 2 < PAUSE_MAX_MS ? r->pause_ms * 2 : PAUSE_MAX_MS;
}

static void *run_thread(void *arg)
{
    struct run *r = arg;
    struct failure f;

    while (!stopping(r)) {
        int end = open_all(r, &f);

        while (end == 0 && !stopping(r))
            end = run_batch(r, &f);
        close_all(r);
        if (end == 0 || stopping(r))
            continue;
        if (f.kind == FAIL_MOVED && r->conf->generation) { /* it was taken over: nothing is left to do */
            health_trouble(r->health, f.text);
            break;
        }
        pause_after(r, &f);
    }
    return NULL;
}

static void fini(struct run *r)
{
    truth_close(r->truth);
    intake_fini(&r->intake);
    for (size_t i = 0; i < RR_LEN(r->taken); i++)
        batch_fini(&r->taken[i].batch);
    free(r);
}

int run_start(const struct run_conf *conf, struct health *health, struct run **ret)
{
    struct run *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return -ENOMEM;
    r->conf = conf;
    r->store_conf = conf->store;
    r->store_conf.stop = &r->wake;
    r->health = health;
    r->limit = conf->batch_events;
    r->pause_ms = PAUSE_MIN_MS;
    r->told = -1;
    telemetry_init(&r->telemetry);
    for (size_t i = 0; i < RR_LEN(r->taken); i++) {
        batch_init(&r->taken[i].batch);
        r->taken[i].batch.parked = &r->intake.parked;
    }
    r->hand = &r->taken[0];
    r->ahead = &r->taken[1];
    r->wake = eventfd(0, EFD_CLOEXEC);
    err = r->wake < 0 ? errno : pthread_create(&r->thread, NULL, run_thread, r);
    if (err) {
        if (r->wake >= 0)
            close(r->wake);
        fini(r);
        return -err;
    }
    *ret = r;
    return 0;
}

void run_stop(struct run *r)
{
    atomic_store(&r->stopping, true);
    eventfd_write(r->wake, 1);
    pthread_join(r->thread, NULL);
    close(r->wake);
    fini(r);
}
