/* rr_metrics: counters, gauges and histograms in Prometheus' text format 0.0.4.
 *
 * A metric is made once, at start or on the first use of a label set, and lives until the process ends.
 * Making and rendering take a lock; counting and observing are relaxed atomics and may be called from any
 * thread. Units in names: …_seconds, …_bytes, …_total. */
#pragma once

#include "buf.h"

#include <stddef.h>
#include <stdint.h>

struct rr_counter;
struct rr_gauge;
struct rr_histogram;

/* `name` and `help` are constants; `labels` is `route="/v1/rooms",status="200"` without braces, or NULL, and
 * is copied. The same name and labels give the same object. Running out of memory here is the end of the
 * process: it happens at start or never. */
struct rr_counter *rr_counter(const char *name, const char *help, const char *labels);
struct rr_gauge *rr_gauge(const char *name, const char *help, const char *labels);
/* `bounds` in seconds, rising, a constant array; +Inf is implied. */
struct rr_histogram *rr_histogram(const char *name, const char *help, const char *labels,
                                  const double *bounds, size_t n_bounds);

void rr_counter_add(struct rr_counter *c, uint64_t n);
uint64_t rr_counter_value(const struct rr_counter *c);
void rr_gauge_set(struct rr_gauge *g, double v);
void rr_gauge_add(struct rr_gauge *g, double v);
void rr_histogram_observe(struct rr_histogram *h, double seconds);

/* 0.5 ms … 10 s, for request and query times. */
extern const double rr_latency_bounds[];
extern const size_t rr_latency_n_bounds;

/* All metrics, and the usual process_… ones: CPU, start time, memory, open files, threads. */
void rr_metrics_render(struct rr_buf *out);
