#include "progress.h"
#include "log.h"
#include "time.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TELL_US     (2 * RR_US_PER_SEC)
#define TERMINAL_US (RR_US_PER_SEC / 5)

void progress_init(struct progress *p)
{
    *p = (struct progress){.terminal = isatty(STDERR_FILENO), .began = rr_time_monotonic()};
}

/* How long the rest takes is not known either. */
static void tell_done(const struct progress *p, const char *step, size_t done)
{
    if (p->terminal)
        fprintf(stderr, "\r\033[K%s: %zu, of how many is not known", step, done);
    else
        rr_info("progress", "step=%s done=%zu total=unknown", step, done);
}

static void tell(struct progress *p, size_t done, int64_t now)
{
    const char *step = p->steps[p->n - 1].name;
    int64_t took = now - p->steps[p->n - 1].began;
    long long left = done ? (long long)((double)took / (double)done * (double)(p->total - done) / 1e6) : -1;

    p->told_at = now;
    if (done && !p->total)
        tell_done(p, step, done);
    else if (!p->terminal && done)
        rr_info("progress", "step=%s done=%zu total=%zu left_s=%lld", step, done, p->total, left);
    else if (!p->terminal)
        rr_info("progress", "step=%s total=%zu", step, p->total);
    else if (done)
        fprintf(stderr, "\r\033[K%s: %zu of %zu, %lld s left", step, done, p->total, left);
    else
        fprintf(stderr, "\r\033[K%s", step);
}

static void end_step(struct progress *p, int64_t now)
{
    if (p->n)
        p->steps[p->n - 1].took = now - p->steps[p->n - 1].began;
}

void progress_step(struct progress *p, const char *name, size_t total)
{
    int64_t now = rr_time_monotonic();

    end_step(p, now);
    if (p->n == PROGRESS_STEPS)
        RR_BUG("more steps than there is room for");
    p->steps[p->n].name = name;
    p->steps[p->n++].began = now;
    p->total = total;
    tell(p, 0, now);
}

void progress_at(struct progress *p, size_t done)
{
    int64_t now = rr_time_monotonic();

    if (now - p->told_at < (p->terminal ? TERMINAL_US : TELL_US))
        return;
    tell(p, p->total && done > p->total ? p->total : done, now);
}

void progress_end(struct progress *p)
{
    end_step(p, rr_time_monotonic());
    if (p->terminal)
        fputs("\r\033[K", stderr);
}
