#include "watch.h"
#include "generation.h"
#include "log.h"
#include "metrics.h"
#include "repair.h"
#include "time.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS  1000 /* how soon it is noticed that the log is unproven */
#define SORRY_MS 5000 /* after a failure */
#define FIRST    24   /* the first comparison comes after this part of the interval: a restart is no excuse */
#define LOGGED   20   /* differences; `projector verify` tells all */
#define AGAIN_US (5 * RR_US_PER_SEC) /* between two while the log is unproven */
#define REWOUND  2 /* so many in a row: once may be a truth that is slow to show what it has committed */

struct watch {
    struct verify_conf conf;
    uint32_t interval_s, again_s;
    atomic_bool stopping;
    int wake; /* eventfd: readable when stopping */
    pthread_t thread;
    int64_t next;       /* monotonic */
    int64_t not_before; /* the next repair of an unproven log */
    int rewound;        /* comparisons in a row that have found the truth set back */
    struct rr_gauge *differences, *seconds, *verified_at;
};

/* A comparison needs what is else made when the generation begins to serve. */
static const struct statement sql_count_months = {NULL, "SELECT projection.count_months($1::integer)"};
static const struct statement sql_unproven = {
    NULL, "SELECT unproven_since FROM projection.position WHERE generation = $1::integer"};
static const struct statement sql_proven = {
    NULL, "UPDATE projection.position SET unproven_since = NULL"
          " WHERE generation = $1::integer AND unproven_since = $2::timestamptz"};

/* The generation to be compared, 0 if there is none; *ret_since 0: its log is proven. While it is halted
 * nothing is applied to it, and it cannot be compared. */
static int look(struct watch *w, int32_t *ret_generation, int64_t *ret_since, struct failure *f)
{
    struct store *s = NULL;
    struct params p = {.n = 0};
    struct generation g;
    int number, end = -1;

    *ret_generation = 0;
    *ret_since = 0;
    if (store_open(w->conf.store, &s, f) != 0 || generation_find(s, &g, f) != 0)
        goto out;
    end = 0;
    if (!g.found || *g.halted || (!g.position.serving && !g.position.unproven))
        goto out;
    params_int4(&p, g.position.generation);
    if (!g.position.serving)
        store_add(s, &sql_count_months, &p);
    number = store_add(s, &sql_unproven, &p);
    end = store_trip(s, f);
    if (end != 0)
        goto out;
    if (!PQgetisnull(store_result(s, number), 0, 0))
        *ret_since = store_time(store_result(s, number), 0, 0);
    *ret_generation = g.position.generation;
    generation_show(s);
out:
    store_close(s);
    return end;
}

static int clear(struct watch *w, int32_t generation, int64_t since, struct failure *f)
{
    struct store *s = NULL;
    struct params p = {.n = 0};
    int end = store_open(w->conf.store, &s, f);

    if (end == 0) {
        params_int4(&p, generation);
        params_time(&p, since);
        store_add(s, &sql_proven, &p);
        end = store_trip(s, f);
    }
    store_close(s);
    return end;
}

static void tell(const struct report *report, int32_t generation)
{
    struct rr_buf buf = {.data = NULL};
    int n = 0;

    rr_error("ALARM: the read model differs from the truth", "generation=%d differences=%zu", generation,
             report->n);
    for (const struct difference *d = report->first; d && n < LOGGED; d = d->next, n++)
        rr_error("difference", "what=%s", RR_Q(difference_text(d, &buf)));
    rr_buf_fini(&buf);
}

static int halt(struct watch *w, int32_t generation, const struct difference *d, struct failure *f)
{
    struct rr_buf buf = {.data = NULL};
    struct store *s = NULL;
    struct failure why;
    int end;

    fail(&why, FAIL_REWOUND, "the truth is behind what was applied: %s", difference_text(d, &buf));
    rr_buf_fini(&buf);
    rr_error("ALARM: the truth was set back; nothing more is applied until an operator acts",
             "generation=%d reason=%s", generation, RR_Q(why.text));
    end = store_open(w->conf.store, &s, f);
    if (end == 0)
        end = generation_halt(s, generation, "rewound", why.text, f);
    store_close(s);
    return end;
}

/* Unless the mark that began it has been taken away meanwhile, or set anew. */
static int judge_rewound(struct watch *w, int32_t generation, int64_t since, const struct report *report,
                         struct failure *f)
{
    const struct difference *d = report->rewound;
    int32_t still_generation;
    int64_t still_since;

    w->rewound = d ? w->rewound + 1 : 0;
    if (w->rewound < REWOUND)
        return 0;
    if (look(w, &still_generation, &still_since, f) != 0)
        return -1;
    return still_generation == generation && still_since == since ? halt(w, generation, d, f) : 0;
}

/* *ret_equal: it ended equal. With `since`, the mark of an unproven log, what differs is repaired, and the
 * next comparison has to show that it is. */
static int compare(struct watch *w, int32_t generation, int64_t since, bool *ret_equal, struct failure *f)
{
    int64_t began = rr_time_monotonic();
    struct repair_totals repaired = {.rooms = 0};
    struct verify_totals totals;
    struct report report;
    int end;

    report_init(&report);
    end = verify(&w->conf, generation, &report, &totals, f);
    *ret_equal = end == 0 && report.n == 0;
    if (end == 0) {
        if (report.n)
            tell(&report, generation);
        else
            rr_info("the read model equals the truth", "generation=%d reservations=%zu events=%zu",
                    generation, totals.reservations, totals.events);
        /* Whoever the gauges call finds the differences in the log. */
        rr_gauge_set(w->differences, (double)report.n);
        rr_gauge_set(w->seconds, (double)(rr_time_monotonic() - began) / 1e6);
        rr_gauge_set(w->verified_at, (double)rr_time_now() / 1e6);
    }
    if (end == 0 && report.n && since) {
        end = repair(&w->conf, generation, &report, &repaired, f);
        rr_warn("repaired", "rooms=%zu reservations=%zu room_days=%zu left_alone=%zu", repaired.rooms,
                repaired.reservations, repaired.days, repair_left(&repaired));
    }
    if (end == 0 && since)
        end = judge_rewound(w, generation, since, &report, f);
    report_fini(&report);
    return end;
}

static int turn(struct watch *w, struct failure *f)
{
    int64_t now = rr_time_monotonic(), since;
    int32_t generation;
    bool equal, due = w->interval_s && now >= w->next;

    if (look(w, &generation, &since, f) != 0)
        return -1;
    if (!generation || (!due && (!since || now < w->not_before)))
        return 0;
    w->not_before = now + AGAIN_US;
    w->next = now + (int64_t)w->again_s * RR_US_PER_SEC;
    if (compare(w, generation, since, &equal, f) != 0)
        return -1;
    if (equal)
        w->next = now + (int64_t)w->interval_s * RR_US_PER_SEC;
    if (!since)
        return 0;
    if (!equal) /* repaired now, or not to be: the next one tells */
        return 0;
    rr_info("the log is proven", "generation=%d", generation);
    return clear(w, generation, since, f);
}

static void *watch_thread(void *arg)
{
    struct watch *w = arg;
    struct pollfd p = {.fd = w->wake, .events = POLLIN};
    struct failure f;
    int end = 0;

    while (poll(&p, 1, end == 0 ? LOOK_MS : SORRY_MS) == 0) {
        end = turn(w, &f);
        if (end != 0 && !atomic_load(&w->stopping))
            rr_warn("the read model could not be compared with the truth", "kind=%s reason=%s",
                    failure_kind_name(f.kind), RR_Q(f.text));
    }
    return NULL;
}

int watch_start(const struct verify_conf *conf, uint32_t interval_s, uint32_t again_s, struct watch **ret)
{
    struct watch *w = calloc(1, sizeof(*w));
    int err;

    if (!w)
        return -ENOMEM;
    w->conf = *conf;
    w->conf.stopping = &w->stopping;
    w->interval_s = interval_s;
    w->again_s = again_s < interval_s ? again_s : interval_s;
    w->next = rr_time_monotonic() + (int64_t)interval_s * RR_US_PER_SEC / FIRST;
    w->differences = rr_gauge("rr_projector_verify_differences",
                              "differences from the truth that the last comparison found", NULL);
    w->seconds = rr_gauge("rr_projector_verify_seconds", "how long the last comparison took", NULL);
    w->verified_at = rr_gauge("rr_projector_verified_timestamp_seconds",
                              "when the read model was last compared with the truth; 0: not yet", NULL);
    w->wake = eventfd(0, EFD_CLOEXEC);
    err = w->wake < 0 ? errno : pthread_create(&w->thread, NULL, watch_thread, w);
    if (err) {
        if (w->wake >= 0)
            close(w->wake);
        free(w);
        return -err;
    }
    *ret = w;
    return 0;
}

void watch_stop(struct watch *w)
{
    atomic_store(&w->stopping, true);
    eventfd_write(w->wake, 1);
    pthread_join(w->thread, NULL);
    close(w->wake);
    free(w);
}
