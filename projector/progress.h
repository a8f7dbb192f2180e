/* progress: tells whoever waits how far a long piece of work has come, and about how long it takes: a line
 * that is written over on a terminal, lines of the log anywhere else. Not shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_STEPS 16

struct progress {
    bool terminal;
    int64_t began, told_at; /* monotonic */
    size_t total;
    int n; /* steps that have begun; the last one goes on */
    struct {
        const char *name;
        int64_t began, took; /* µs */
    } steps[PROGRESS_STEPS];
};

void progress_init(struct progress *p);
/* Ends the step before. `name` is a constant; `total` 0: not known, or it has no parts. */
void progress_step(struct progress *p, const char *name, size_t total);
void progress_at(struct progress *p, size_t done);
void progress_end(struct progress *p); /* ends the last step */
