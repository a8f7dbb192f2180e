/* watch: the service's own verify, in a thread beside the one that applies.
 *
 * Every so often it compares the serving generation with the truth, since a power cut can lose the unread end
 * of a log without a trace; what it finds is an alarm in the log and a metric, and an operator's to repair.
 * While the log is unproven (unproven_since) it verifies with repair at once, and again until one that was
 * begun later ends equal: that one clears the mark. Such a repair neither deletes nor lowers a version nor
 * puts other content under one: where the truth asks for that twice in a row, the truth was set back, and the
 * generation is halted. So is verified a first generation that does not serve yet, since its log may have
 * lost its beginning. */
#pragma once

#include "macros.h"
#include "verify.h"

#include <stdint.h>

struct watch;

/* `conf` outlives it. interval_s 0: only while the log is unproven; again_s: sooner, after one that failed or
 * differed. Returns 0, or -errno. */
int watch_start(const struct verify_conf *conf, uint32_t interval_s, uint32_t again_s,
                struct watch **ret) RR_MUST_CHECK;
/* Gives up what it is at, joins the thread, frees. */
void watch_stop(struct watch *w);
