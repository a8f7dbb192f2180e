/* log_writer: the thread that writes what rr_log() says, once rr_log_collect() has started it. Internal to
 * rr_log. Threads: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One whole line, with its end. `written`: wait until it is, and all before it. False: there is no such
 * thread, and nothing was taken. */
bool log_writer_put(const char *line, size_t len, bool written);
/* To standard error, at once. */
void log_write(const char *text, size_t len);
