/* What server.c needs of a loop beyond loop.h: its libmicrohttpd daemon and its place in the program. */
#pragma once

#include "loop.h"

/* Each turn runs `mhd` and waits no longer than it allows. NULL: no more; the daemon is the caller's. 0 or
 * -errno. */
int rr_loop_set_mhd(struct rr_loop *l, struct MHD_Daemon *mhd) RR_MUST_CHECK;
struct MHD_Daemon *rr_loop_mhd(const struct rr_loop *l);

/* After MHD_resume_connection(), which neither wakes the loop nor shows in MHD_get_timeout(). */
void rr_loop_run_mhd_again(struct rr_loop *l);

void rr_loop_set_app(struct rr_loop *l, void *app);

/* What was posted until now, without waiting; for the time after the last turn. */
void rr_loop_run_posts(struct rr_loop *l);
