#include "metrics.h"

#include "log.h"
#include "process_metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

struct metric {
    struct metric *next; /* by name, then labels: the order of rendering */
    enum kind kind;
    const char *name, *help;
    char *labels; /* "" for none */
};

struct rr_counter {
    struct metric m;
    _Atomic uint64_t value;
};

struct rr_gauge {
    struct metric m;
    _Atomic double value;
};

struct rr_histogram {
    struct metric m;
    const double *bounds;
    size_t n_bounds;
    _Atomic double sum;
    _Atomic uint64_t buckets[]; /* n_bounds + 1, each for itself; rendering adds them up */
};

const double rr_latency_bounds[] = {0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03,
                                    0.05,   0.08,  0.12,  0.2,   0.5,   1,     2,     5,    10};
const size_t rr_latency_n_bounds = sizeof(rr_latency_bounds) / sizeof(rr_latency_bounds[0]);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *first;

static int compare(const struct metric *m, const char *name, const char *labels)
{
    int by_name = strcmp(m->name, name);

    return by_name ? by_name : strcmp(m->labels, labels);
}

static void *must(void *p)
{
    if (!p)
        RR_BUG("no memory for a metric");
    return p;
}

/* The metric of this name and these labels, made with `size` zeroed bytes if there is none. Holds the lock:
 * the caller completes a new one and unlocks. */
static struct metric *locked_metric(enum kind kind, size_t size, const char *name, const char *help,
                                    const char *labels)
{
    struct metric **at = &first, *m;

    labels = labels ? labels : "";
    pthread_mutex_lock(&lock);
    while (*at && compare(*at, name, labels) < 0)
        at = &(*at)->next;
    m = *at;
    if (m && compare(m, name, labels) == 0) {
        if (m->kind != kind)
            RR_BUG("one name for two kinds of metric");
        return m;
    }
    m = must(calloc(1, size));
    *m = (struct metric){
        .next = *at, .kind = kind, .name = name, .help = help, .labels = must(strdup(labels))};
    *at = m;
    return m;
}

struct rr_counter *rr_counter(const char *name, const char *help, const char *labels)
{
    struct metric *m = locked_metric(COUNTER, sizeof(struct rr_counter), name, help, labels);

    pthread_mutex_unlock(&lock);
    return (struct rr_counter *)m;
}

struct rr_gauge *rr_gauge(const char *name, const char *help, const char *labels)
{
    struct metric *m = locked_metric(GAUGE, sizeof(struct rr_gauge), name, help, labels);

    pthread_mutex_unlock(&lock);
    return (struct rr_gauge *)m;
}

struct rr_histogram *rr_histogram(const char *name, const char *help, const char *labels,
                                  const double *bounds, size_t n_bounds)
{
    size_t size = sizeof(struct rr_histogram) + (n_bounds + 1) * sizeof(_Atomic uint64_t);
    struct rr_histogram *h = (struct rr_histogram *)locked_metric(HISTOGRAM, size, name, help, labels);

    if (!h->bounds) { /* new: nobody observes yet */
        h->bounds = bounds;
        h->n_bounds = n_bounds;
    }
    pthread_mutex_unlock(&lock);
    return h;
}

/* ---- counting ---- */

void rr_counter_add(struct rr_counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

uint64_t rr_counter_value(const struct rr_counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void add_real(_Atomic double *to, double v)
{
    double old = atomic_load_explicit(to, memory_order_relaxed);

    while (
        !atomic_compare_exchange_weak_explicit(to, &old, old + v, memory_order_relaxed, memory_order_relaxed))
        ;
}

void rr_gauge_set(struct rr_gauge *g, double v)
{
    atomic_store_explicit(&g->value, v, memory_order_relaxed);
}

void rr_gauge_add(struct rr_gauge *g, double v)
{
    add_real(&g->value, v);
}

void rr_histogram_observe(struct rr_histogram *h, double seconds)
{
    size_t i = 0;

    if (!(seconds > 0)) /* a clock was set back: a sum must not fall */
        seconds = 0;
    while (i < h->n_bounds && seconds > h->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    add_real(&h->sum, seconds);
}

/* ---- rendering ---- */

static void put_real(struct rr_buf *out, double v)
{
    if (isfinite(v))
        rr_buf_real(out, v);
    else
        rr_buf_puts(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

/* name_suffix{labels,extra} and a blank */
static void put_series(struct rr_buf *out, const struct metric *m, const char *suffix, const char *extra)
{
    const bool labels = *m->labels || *extra;

    rr_buf_printf(out, "%s%s%s%s%s%s%s ", m->name, suffix, labels ? "{" : "", m->labels,
                  *m->labels && *extra ? "," : "", extra, labels ? "}" : "");
}

static void put_histogram(struct rr_buf *out, const struct rr_histogram *h)
{
    uint64_t count = 0;
    char le[48];

    for (size_t i = 0; i <= h->n_bounds; i++) {
        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        if (i < h->n_bounds)
            snprintf(le, sizeof(le), "le=\"%.15g\"", h->bounds[i]);
        else
            snprintf(le, sizeof(le), "le=\"+Inf\"");
        put_series(out, &h->m, "_bucket", le);
        rr_buf_printf(out, "%llu\n", (unsigned long long)count);
    }
    put_series(out, &h->m, "_sum", "");
    put_real(out, atomic_load_explicit(&h->sum, memory_order_relaxed));
    rr_buf_puts(out, "\n");
    put_series(out, &h->m, "_count", "");
    rr_buf_printf(out, "%llu\n", (unsigned long long)count);
}

static void put_metric(struct rr_buf *out, const struct metric *m)
{
    if (m->kind == HISTOGRAM) {
        put_histogram(out, (const struct rr_histogram *)m);
        return;
    }
    put_series(out, m, "", "");
    if (m->kind == COUNTER)
        rr_buf_printf(out, "%llu\n", (unsigned long long)rr_counter_value((const struct rr_counter *)m));
    else {
        put_real(out, atomic_load_explicit(&((const struct rr_gauge *)m)->value, memory_order_relaxed));
        rr_buf_puts(out, "\n");
    }
}

void rr_metrics_render(struct rr_buf *out)
{
    const char *group = "";

    pthread_mutex_lock(&lock);
    for (const struct metric *m = first; m; m = m->next) {
        if (strcmp(m->name, group) != 0)
            rr_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                          kind_names[m->kind]);
        group = m->name;
        put_metric(out, m);
    }
    pthread_mutex_unlock(&lock);
    rr_process_metrics_render(out);
}
