/* sample: how long each request of a run took, and what became of it. Threads: one at a time. */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct sample {
    uint32_t *us;
    size_t n, cap;
    uint64_t failed;
    int64_t from, until; /* rr_time_monotonic(): what ends in between counts */
};

/* Counts what ends after `warm_up_s`, for `seconds`. */
void sample_begin(struct sample *s, unsigned warm_up_s, unsigned seconds);
void sample_add(struct sample *s, int64_t began, int64_t ended, int ok);
/* Prints one JSON object, in which `what` ("writes") is their number, and frees. */
void sample_end(struct sample *s, const char *what, FILE *out);
