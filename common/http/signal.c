#include "http_internal.h"

#include "../log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void rr_signal_init(void)
{
    sigset_t set;

    our_signals(&set);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        RR_BUG("signals cannot be set up");
}

int rr_signal_wait(struct rr_http *h)
{
    sigset_t set;
    int sig;

    our_signals(&set);
    while ((sig = sigwaitinfo(&set, NULL)) < 0 || sig == SIGHUP)
        if (sig == SIGHUP)
            rr_auth_reload(h->auth);
        else if (errno != EINTR)
            RR_BUG("signals cannot be waited for");
    return sig;
}
