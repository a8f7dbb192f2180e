#include "rebuild.h"
#include "bulk.h"
#include "json.h"
#include "log.h"
#include "progress.h"
#include "succession.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

#define KAFKA_MS    5000
#define STALL_US    (60 * RR_US_PER_SEC)
#define FIND_OUT_US (20 * RR_US_PER_SEC) /* how long it is asked whether the switch has been done */
#define TIMEOUT_MS  3600000              /* an index on a big table is one statement */
#define TOLD        20                   /* differences */
#define SWITCHES    5
#define SWITCH_US   (4 * RR_US_PER_SEC) /* between two that could not even be asked for */
/* How long readers of a write that was just made wait for it: less than they wait by default, 2 s. Only the
 * last switch, without which all would have been in vain, takes the time of two big batches. */
#define HELD_US      RR_US_PER_SEC
#define HELD_LAST_US (3 * RR_US_PER_SEC)

enum { SWITCHED, DIFFERENT, COULD_NOT, UNKNOWN };

struct rebuild {
    struct store_conf store;
    struct rr_kafka_conf kafka;
    struct run_conf run_conf;
    struct verify_conf verify_conf;
    bool rolling_back;
    struct succession *succession;
    struct generation serving;
    int32_t number; /* the new one; 0: not made yet */
    int64_t end_offset;
    struct progress progress;
    struct bulk_totals bulk;
    struct health health;
    struct run *run;
    struct report report;
    struct verify_totals totals;
};

/* ---- before ---- */

static int find_serving(struct rebuild *r, struct failure *f)
{
    struct store *s = NULL;
    int end = store_open(&r->store, &s, f) == 0 ? generation_find(s, &r->serving, f) : -1;

    store_close(s);
    if (end == 0 && (!r->serving.found || !r->serving.position.serving))
        return fail(f, FAIL_POSTGRES, "no generation serves yet: `projector run` makes the first");
    return end;
}

/* The position of the serving generation has to mean something in this log. */
static int check_log(struct rebuild *r, const char *cluster_id, struct failure *f)
{
    const struct generation *g = &r->serving;

    if (strcmp(g->topic, r->kafka.topic) != 0)
        return fail(f, FAIL_KAFKA, "generation %d is filled from topic %s, not from %s",
                    g->position.generation, g->topic, r->kafka.topic);
    if (*g->cluster_id && cluster_id && strcmp(g->cluster_id, cluster_id) != 0)
        return fail(f, FAIL_KAFKA,
                    "the log was replaced: generation %d counts in the Kafka cluster %s, this is %s",
                    g->position.generation, g->cluster_id, cluster_id);
    if (g->position.next_offset > r->end_offset)
        return fail(f, FAIL_KAFKA, "the log was replaced: it ends at %lld, generation %d stands at %lld",
                    (long long)r->end_offset, g->position.generation, (long long)g->position.next_offset);
    return 0;
}

static int look_at_log(struct rebuild *r, struct failure *f)
{
    struct rr_kafka *k = NULL;
    int64_t begin;
    int end;

    if (rr_kafka_open(&r->kafka, KAFKA_MS, &k) != RR_KAFKA_OK ||
        rr_kafka_query_offsets(k, KAFKA_MS, &begin, &r->end_offset) != RR_KAFKA_OK)
        end = fail(f, FAIL_KAFKA, "%s", rr_kafka_error(k));
    else
        end = check_log(r, rr_kafka_cluster_id(k), f);
    rr_kafka_close(k);
    return end;
}

static void tidy(struct rebuild *r)
{
    struct failure f = {.kind = FAIL_NONE};
    int left = 0;

    if (succession_tidy(r->succession, &left, &f) != 0 || left)
        rr_warn("old generations are left to the next rebuild", "generations=%d reason=%s", left,
                RR_Q(f.text));
}

/* ---- building ---- */

static int fill(struct rebuild *r, struct truth *truth, struct arena *arena, struct failure *f)
{
    struct finishing finishing;
    int64_t now;
    int end;

    progress_step(&r->progress, "snapshot", 0);
    if (truth_settle(truth, f) != 0 || truth_snapshot(truth, &now, f) != 0 ||
        succession_begin(r->succession, &r->serving, r->end_offset, arena, &r->number, &finishing, f) != 0)
        return -1;
    end = bulk_fill(&r->store, r->number, truth, &r->progress, &r->bulk, f);
    truth_release(truth);
    progress_step(&r->progress, "indexes", finishing.n);
    for (size_t i = 0; i < finishing.n && end == 0; i++) {
        end = succession_run(r->succession, finishing.sql[i], f);
        progress_at(&r->progress, i + 1);
    }
    return end;
}

static int build(struct rebuild *r, struct failure *f)
{
    struct arena arena = {.chunks = NULL};
    struct truth *truth = NULL;
    int end = -1;

    if (truth_open(r->verify_conf.mysql, &truth, f) == 0)
        end = fill(r, truth, &arena, f);
    truth_close(truth);
    arena_fini(&arena);
    return end;
}

/* The totals of months, too, which would otherwise be counted at the switch, while writers wait. */
static int analyze(struct rebuild *r, struct failure *f)
{
    static const char *const tables[] = {"room",     "reservation", "reservation_history",
                                         "room_day", "room_month",  "total_day"};
    char sql[64];

    progress_step(&r->progress, "analyze", 0);
    snprintf(sql, sizeof(sql), "SELECT projection.count_months(%d)", r->number);
    if (succession_run(r->succession, sql, f) != 0)
        return -1;
    for (size_t i = 0; i < RR_LEN(tables); i++) {
        snprintf(sql, sizeof(sql), "ANALYZE g%d.%s", r->number, tables[i]);
        if (succession_run(r->succession, sql, f) != 0)
            return -1;
    }
    return 0;
}

/* ---- catching up ---- */

static int stalled(struct rebuild *r, int64_t position, struct failure *f)
{
    char why[sizeof(r->health.trouble)];

    pthread_mutex_lock(&r->health.lock);
    memcpy(why, r->health.trouble, sizeof(why));
    pthread_mutex_unlock(&r->health.lock);
    return fail(f, FAIL_KAFKA, "generation %d has stood at offset %lld for a minute%s%.400s", r->number,
                (long long)position, *why ? ": " : "", why);
}

static int catch_up(struct rebuild *r, struct failure *f)
{
    int64_t first = -1, seen = -1, position = 0, since = rr_time_monotonic();

    r->run_conf.generation = r->number;
    health_init(&r->health, UINT32_MAX);
    if (look_at_log(r, f) != 0)
        return -1;
    if (run_start(&r->run_conf, &r->health, &r->run) != 0)
        return fail(f, FAIL_NONE, "no thread can be started");
    for (;;) {
        if (succession_position(r->succession, r->number, &position, f) != 0)
            return -1;
        if (first < 0) {
            first = position;
            progress_step(&r->progress, "catch-up",
                          (size_t)(r->end_offset > first ? r->end_offset - first : 0));
        }
        if (position >= r->end_offset)
            return 0;
        if (position != seen)
            since = rr_time_monotonic();
        else if (rr_time_monotonic() - since > STALL_US)
            return stalled(r, position, f);
        seen = position;
        progress_at(&r->progress, (size_t)(position - first));
        truth_wait();
    }
}

/* ---- comparing, and going over ---- */

static void verified_so_far(void *arg, size_t events)
{
    struct rebuild *r = arg;

    progress_at(&r->progress, events);
}

static int compare(struct rebuild *r, struct failure *f)
{
    progress_step(&r->progress, "verify", r->bulk.events);
    r->verify_conf.progress = verified_so_far;
    r->verify_conf.progress_arg = r;
    return verify(&r->verify_conf, r->number, &r->report, &r->totals, f);
}

/* The switch was asked for, and has failed with *f, as far as anybody has told. */
static int find_out(struct rebuild *r, struct failure *f)
{
    int32_t before = r->serving.position.generation;
    int64_t deadline = rr_time_monotonic() + FIND_OUT_US;
    struct failure why;
    bool switched;

    while (succession_find_out(r->succession, before, r->number, &switched, &why) != 0) {
        if (rr_time_monotonic() > deadline) {
            fail(f, why.kind,
                 "nobody knows whether generation %d or still %d serves, for the answer to the switch was "
                 "lost: "
                 "see `projector status` when it can be asked; if it is %d, begin again. %.200s",
                 r->number, before, before, why.text);
            return UNKNOWN;
        }
        truth_wait();
    }
    return switched ? SWITCHED : COULD_NOT;
}

static int go_over(struct rebuild *r, struct failure *f)
{
    int32_t before = r->serving.position.generation;
    int tries = 0, end;

    progress_step(&r->progress, "switch", 0);
    do {
        int64_t next = rr_time_monotonic() + SWITCH_US;
        int64_t held_us = tries + 1 < SWITCHES ? HELD_US : HELD_LAST_US;
        bool sent;

        if (succession_switch(r->succession, before, r->number, held_us, &sent, f) == 0)
            return SWITCHED;
        end = sent ? find_out(r, f) : COULD_NOT;
        while (!sent && rr_time_monotonic() < next)
            truth_wait();
    } while (end == COULD_NOT && f->kind == FAIL_POSTGRES && ++tries < SWITCHES);
    return end;
}

static void stop_running(struct rebuild *r)
{
    if (r->run)
        run_stop(rr_take(r->run));
}

/* What is not to serve is dropped, or kept for another try to go back to it. Best effort: the next one does
 * what is left. */
static void give_up(struct rebuild *r)
{
    struct failure f;

    stop_running(r);
    if (r->number && r->rolling_back && succession_retire(r->succession, r->number, &f) != 0)
        rr_warn("the next rebuild retires it", "generation=%d reason=%s", r->number, RR_Q(f.text));
    else if (r->number)
        tidy(r);
}

static void after(struct rebuild *r)
{
    struct store *s = NULL;
    struct failure f;

    stop_running(r);
    progress_step(&r->progress, "tidy", 0);
    if (store_open(&r->store, &s, &f) == 0)
        generation_show(s);
    store_close(s);
    tidy(r);
}

static int prepare(struct rebuild *r, struct failure *f)
{
    if (find_serving(r, f) != 0 || look_at_log(r, f) != 0)
        return -1;
    if (r->rolling_back)
        return succession_reopen(r->succession, &r->number, f);
    tidy(r);
    return build(r, f) == 0 ? analyze(r, f) : -1;
}

static int take_place(struct rebuild *r, struct failure *f)
{
    if (prepare(r, f) != 0 || catch_up(r, f) != 0 || compare(r, f) != 0)
        return COULD_NOT;
    if (r->report.n)
        return DIFFERENT;
    return go_over(r, f);
}

/* ---- telling ---- */

static void print_differences(const struct rebuild *r)
{
    struct rr_buf buf = {.data = NULL};
    int n = 0;

    for (const struct difference *d = r->report.first; d && n < TOLD; d = d->next, n++)
        fprintf(stderr, "%s\n", difference_text(d, &buf));
    fprintf(stderr,
            "projector: generation %d differs from the truth in %zu places: generation %d goes on serving\n",
            r->number, r->report.n, r->serving.position.generation);
    rr_buf_fini(&buf);
}

static void print_text(const struct rebuild *r)
{
    double total = 0;

    for (int i = 0; i < r->progress.n; i++)
        total += (double)r->progress.steps[i].took / 1e6;
    printf("generation %d serves in place of %d: %zu reservations, %zu events, %zu rooms; %.1f s:", r->number,
           r->serving.position.generation, r->totals.reservations, r->totals.events, r->totals.rooms, total);
    for (int i = 0; i < r->progress.n; i++)
        printf("%s %s %.1f", i ? "," : "", r->progress.steps[i].name,
               (double)r->progress.steps[i].took / 1e6);
    putchar('\n');
}

static void print_json(const struct rebuild *r)
{
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;

    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    rr_json_int(&j, "generation", r->number);
    rr_json_int(&j, "before", r->serving.position.generation);
    rr_json_uint(&j, "reservations", r->totals.reservations);
    rr_json_uint(&j, "events", r->totals.events);
    rr_json_uint(&j, "rooms", r->totals.rooms);
    rr_json_object(&j, "seconds");
    for (int i = 0; i < r->progress.n; i++)
        rr_json_real(&j, r->progress.steps[i].name, (double)r->progress.steps[i].took / 1e6);
    rr_json_end_object(&j);
    rr_json_end_object(&j);
    puts(buf.failed ? "{}" : buf.data);
    rr_buf_fini(&buf);
}

static int run_all(struct rebuild *r, bool as_json)
{
    struct failure f;
    int end;

    if (succession_open(&r->store, &r->succession, &f) != 0) {
        fprintf(stderr, "projector: %s\n", f.text);
        return COULD_NOT;
    }
    end = take_place(r, &f);
    switch (end) {
    case SWITCHED: after(r); break;
    case UNKNOWN: stop_running(r); break; /* it may serve: nothing of it is dropped */
    default: give_up(r); break;
    }
    progress_end(&r->progress);
    if (end == DIFFERENT)
        print_differences(r);
    else if (end == COULD_NOT || end == UNKNOWN)
        fprintf(stderr, "projector: %s\n", f.text);
    else if (as_json)
        print_json(r);
    else
        print_text(r);
    return end;
}

int rebuild_verb(const struct rebuild_conf *conf, bool rolling_back, bool as_json)
{
    struct rebuild r = {.store = conf->run->store,
                        .kafka = conf->run->kafka,
                        .run_conf = *conf->run,
                        .rolling_back = rolling_back};
    int end;

    r.store.timeout_ms = TIMEOUT_MS;
    r.kafka.group = "projector-rebuild"; /* monitors look at the service's */
    r.run_conf.kafka = r.kafka;
    r.verify_conf = (struct verify_conf){.store = &r.store, .kafka = &r.kafka, .mysql = conf->mysql};
    progress_init(&r.progress);
    if (r.progress.terminal) /* its line is not to be torn */
        rr_log_init("projector", RR_LOG_WARN);
    report_init(&r.report);
    end = run_all(&r, as_json);
    report_fini(&r.report);
    succession_close(r.succession);
    return end;
}
