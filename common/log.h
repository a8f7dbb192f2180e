/* rr_log: one line an event on standard error, key=value (logfmt).
 *
 *   ts=2026-12-01T10:00:00.123456Z lvl=info svc=command req=7f3a… trace=4bf9… msg="room created" room=7
 *
 * Common code returns errors and does not log them; whoever decides what happens logs, once. Lines are
 * written whole, so those of several threads do not mix. A text that a client or a server gave goes through
 * RR_Q. Thread-safe. */
#pragma once

#include "macros.h"

enum rr_log_level { RR_LOG_ERROR, RR_LOG_WARN, RR_LOG_INFO, RR_LOG_DEBUG };
extern const char *const rr_log_level_names[]; /* NULL-terminated, for the config table */

/* Who speaks, for the lines of one request; NULL fields are left out. */
struct rr_log_ctx {
    const char *req, *trace;
};

void rr_log_init(const char *svc, enum rr_log_level level);
/* From here on a thread writes the lines, a few milliseconds later and many at once, so that a slow disk or
 * pipe holds up nobody; only when 256 KiB wait do callers wait, too. Warnings, errors and BUG lines, with all
 * before them, are written before the call returns; what waits is also written when the process exits, and
 * when it crashes (then some lines may come twice), unless by an overflow of the stack: that leaves no room
 * to write from. That, and SIGKILL, may lose the last few milliseconds of lines. Since many lines are one
 * write, those of several processes in one pipe may mix. After rr_signal_init(); if there can be no thread,
 * all stays as it was. */
void rr_log_collect(void);
/* `msg` is a constant; `fmt` makes the further key=value pairs, "" for none. */
void rr_log(enum rr_log_level level, const struct rr_log_ctx *ctx, const char *msg, const char *fmt, ...)
    RR_PRINTF(4, 5);

#define rr_error(...) rr_log(RR_LOG_ERROR, NULL, __VA_ARGS__)
#define rr_warn(...)  rr_log(RR_LOG_WARN, NULL, __VA_ARGS__)
#define rr_info(...)  rr_log(RR_LOG_INFO, NULL, __VA_ARGS__)
#define rr_debug(...) rr_log(RR_LOG_DEBUG, NULL, __VA_ARGS__)

/* `s` in double quotes, with quotes, backslashes and control characters escaped, cut after about 480 bytes.
 * Lives in one of eight thread-local buffers, used in turn: good for the arguments of one log call. NULL
 * gives "". */
const char *rr_log_quote(const char *s);
#define RR_Q(s) rr_log_quote(s)

/* A broken invariant of ours: a line that begins with BUG, then abort(). Never for what a client or server
 * did. */
#define RR_BUG(why) rr_bug(__FILE__, __LINE__, why)
_Noreturn void rr_bug(const char *file, int line, const char *why);
