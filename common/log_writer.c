/* Lines are appended to one buffer while the thread writes the other one. The first line of a buffer wakes
 * the thread, which then gives others a moment to join it: hundreds of lines a second are few wake-ups and
 * few writes. When both are full the callers wait, as they would for the write itself: no line is dropped. */
#include "log_writer.h"

#include "log.h"
#include "time.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, COLLECT_US = 5000 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t lines, written; /* for the thread; for callers */
    pthread_t thread;
    bool running, hurry;
    char buffers[2][BUFFER_BYTES];
    char *filling;
    size_t len;             /* of what is in it */
    const char *writing;    /* the other one */
    size_t writing_len;     /* what the thread writes of it at this moment */
    uint64_t n_put, n_done; /* bytes, of all lines so far */
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .written = PTHREAD_COND_INITIALIZER, .filling = w.buffers[0]};

void log_write(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);

        if (n < 0 && errno != EINTR)
            return; /* nobody could be told */
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

bool log_writer_put(const char *line, size_t len, bool written)
{
    uint64_t end;

    pthread_mutex_lock(&w.lock);
    while (w.running && w.len + len > BUFFER_BYTES)
        pthread_cond_wait(&w.written, &w.lock);
    if (!w.running) {
        pthread_mutex_unlock(&w.lock);
        return false;
    }
    memcpy(w.filling + w.len, line, len);
    w.len += len;
    end = w.n_put += len;
    w.hurry = w.hurry || written;
    if (written || w.len == len)
        pthread_cond_signal(&w.lines);
    while (written && w.n_done < end)
        pthread_cond_wait(&w.written, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return true;
}

/* Under the lock: until there is something to write, and then until others had time to join it. */
static void await_lines(void)
{
    struct timespec until;
    int64_t then;

    while (!w.len && w.running)
        pthread_cond_wait(&w.lines, &w.lock);
    then = rr_time_monotonic() + COLLECT_US;
    until = (struct timespec){.tv_sec = then / RR_US_PER_SEC, .tv_nsec = then % RR_US_PER_SEC * 1000};
    while (w.running && !w.hurry && pthread_cond_timedwait(&w.lines, &w.lock, &until) != ETIMEDOUT)
        ;
    w.hurry = false;
}

static void *write_lines(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&w.lock);
    while (w.running || w.len) {
        const char *text = w.filling;
        size_t len;

        await_lines();
        len = w.len;
        w.writing = text;
        w.writing_len = len;
        w.filling = text == w.buffers[0] ? w.buffers[1] : w.buffers[0];
        w.len = 0;
        pthread_mutex_unlock(&w.lock);
        log_write(text, len);
        pthread_mutex_lock(&w.lock);
        w.writing_len = 0;
        w.n_done += len;
        pthread_cond_broadcast(&w.written);
    }
    pthread_mutex_unlock(&w.lock);
    return NULL;
}

/* At the end of the process; who still speaks after it writes for itself. */
static void end(void)
{
    pthread_mutex_lock(&w.lock);
    w.running = false;
    pthread_cond_signal(&w.lines);
    pthread_cond_broadcast(&w.written);
    pthread_mutex_unlock(&w.lock);
    pthread_join(w.thread, NULL);
}

/* ---- crashes ---- */

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
static struct sigaction before[RR_LEN(fatal)];

/* Without the lock, which whoever crashes may hold. What the thread is writing may not be written yet, and
 * nobody can wait for it: at worst lines come twice, or the two copies mix. Then it goes on as it would have
 * without us: the instruction fails again, and what was sent is sent again. */
static void crashed(int sig, siginfo_t *info, void *context)
{
    (void)context;
    log_write(w.writing, w.writing_len);
    log_write(w.filling, w.len);
    for (size_t i = 0; i < RR_LEN(fatal); i++)
        if (fatal[i] == sig)
            sigaction(sig, &before[i], NULL);
    if (info->si_code <= 0)
        raise(sig);
}

static void watch_for_crashes(void)
{
    struct sigaction act = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO};

    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < RR_LEN(fatal); i++)
        sigaction(fatal[i], &act, &before[i]);
}

void rr_log_collect(void)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w.lines, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&w.lock);
    w.running = pthread_create(&w.thread, NULL, write_lines, NULL) == 0 && atexit(end) == 0;
    if (w.running)
        watch_for_crashes();
    pthread_mutex_unlock(&w.lock);
}
