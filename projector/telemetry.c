#include "telemetry.h"
#include "time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double event_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};

static struct rr_counter *changes_counter(const char *table, const char *kind)
{
    char labels[64];

    snprintf(labels, sizeof(labels), "table=\"%s\",kind=\"%s\"", table, kind);
    return rr_counter("rr_projector_events_total", "changes applied", labels);
}

static struct rr_counter *ignored_counter(const char *reason)
{
    char labels[64];

    snprintf(labels, sizeof(labels), "reason=\"%s\"", reason);
    return rr_counter("rr_projector_ignored_total", "messages that change nothing", labels);
}

static void init_parked(struct telemetry *t)
{
    for (int i = 0; i < LETTER_KINDS; i++) {
        char labels[64];

        snprintf(labels, sizeof(labels), "kind=\"%s\"", letter_kind_names[i]);
        t->letters[i] = rr_counter("rr_projector_parked_total", "events that were parked", labels);
    }
    t->parked = rr_gauge("rr_projector_parked", "events that are parked", NULL);
    t->breaker_open =
        rr_gauge("rr_projector_breaker_open", "1: nothing more is applied until an operator acts", NULL);
}

void telemetry_init(struct telemetry *t)
{
    init_parked(t);
    for (int i = 0; i < EVENT_KINDS; i++)
        t->events[i] = changes_counter("reservation_event", event_kind_names[i]);
    t->rooms = changes_counter("room", "changed");
    t->pulses = changes_counter("pulse", "beat");
    t->repeated = ignored_counter("repeated");
    t->impossible = rr_counter("rr_projector_impossible_total",
                               "changes that cannot come from a healthy truth, and are not applied", NULL);
    for (int i = FAIL_NONE + 1; i < FAIL_KINDS; i++) {
        char labels[64];

        snprintf(labels, sizeof(labels), "kind=\"%s\"", failure_kind_name((enum failure_kind)i));
        t->errors[i] =
            rr_counter("rr_projector_errors_total", "failures that made the projector begin again", labels);
    }
    t->batches = rr_counter("rr_projector_batches_total", "batches committed in PostgreSQL", NULL);
    t->batch_events = rr_histogram("rr_projector_batch_events", "messages in a batch", NULL, event_bounds,
                                   RR_LEN(event_bounds));
    t->batch_seconds = rr_histogram("rr_projector_batch_seconds", "from a batch's last message to its commit",
                                    NULL, rr_latency_bounds, rr_latency_n_bounds);
    t->freshness = rr_histogram("rr_projector_freshness_seconds",
                                "from an event's commit in MySQL to its commit in PostgreSQL", NULL,
                                rr_latency_bounds, rr_latency_n_bounds);
    t->as_of = rr_gauge("rr_projector_as_of_timestamp_seconds",
                        "everything committed before this instant is applied", NULL);
    t->lag_seconds = rr_gauge("rr_projector_lag_seconds", "now minus as_of; NaN: not known", NULL);
    t->unproven =
        rr_gauge("rr_projector_unproven",
                 "1: the log was replaced, and no comparison with the truth has ended equal since", NULL);
    t->rewound = rr_gauge("rr_projector_rewound",
                          "1: the truth was set back; nothing is applied until an operator acts", NULL);
    t->logs_replaced = rr_counter("rr_projector_logs_replaced_total",
                                  "times that the log was found to be another one", NULL);
    t->days_mended =
        rr_counter("rr_projector_days_mended_total",
                   "damaged days of the read model that were counted again from their reservations", NULL);
    t->lag_events =
        rr_gauge("rr_projector_lag_events", "messages in the log that are not applied; NaN: not known", NULL);
    telemetry_lag(t, &(struct position){.as_of = 0}, -1);
}

void telemetry_applied(struct telemetry *t, const struct batch *b, int64_t us)
{
    int64_t now = rr_time_now();

    for (const struct batch_event *e = b->events; e; e = e->next) {
        if (!e->is_new)
            continue;
        rr_counter_add(t->events[e->event.kind], 1);
        if (e->committed_at)
            rr_histogram_observe(t->freshness,
                                 now > e->committed_at ? (double)(now - e->committed_at) / 1e6 : 0);
    }
    for (const struct batch_room *r = b->rooms; r; r = r->next)
        if (r->is_new)
            rr_counter_add(t->rooms, 1);
    for (const struct letter *l = b->letters; l; l = l->next)
        rr_counter_add(t->letters[l->kind], 1);
    rr_counter_add(t->pulses, b->n_pulses);
    rr_counter_add(t->repeated, b->n_stale);
    rr_counter_add(t->batches, 1);
    rr_histogram_observe(t->batch_events, (double)b->n_messages);
    rr_histogram_observe(t->batch_seconds, (double)us / 1e6);
}

void telemetry_ignored(const char *reason)
{
    rr_counter_add(ignored_counter(reason), 1);
}

void telemetry_lag(struct telemetry *t, const struct position *p, int64_t end_offset)
{
    int64_t events = end_offset > p->next_offset ? end_offset - p->next_offset : 0;

    rr_gauge_set(t->as_of, p->as_of ? (double)p->as_of / 1e6 : NAN);
    rr_gauge_set(t->lag_seconds, p->as_of ? (double)(rr_time_now() - p->as_of) / 1e6 : NAN);
    rr_gauge_set(t->unproven, p->unproven);
    rr_gauge_set(t->lag_events, end_offset < 0 ? NAN : (double)events);
}

void telemetry_parked(struct telemetry *t, int32_t parked, const char *halted)
{
    rr_gauge_set(t->parked, parked);
    rr_gauge_set(t->breaker_open, strcmp(halted, "breaker") == 0);
    rr_gauge_set(t->rewound, strcmp(halted, "rewound") == 0);
}
