/* rr_process_metrics: the process_… metrics that Prometheus' own clients have, from /proc/self. */
#pragma once

#include "buf.h"

void rr_process_metrics_render(struct rr_buf *out);
