/* sample: how long each write of a run took, and what became of it. Threads: one at a time. */
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
/* Prints one JSON object and frees. */
void sample_end(struct sample *s, FILE *out);
