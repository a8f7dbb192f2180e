#include "http.h"

#include "../log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void rr_signal_init(void)
{
    sigset_t set;

    ending_signals(&set);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        RR_BUG("signals cannot be set up");
}

int rr_signal_wait(void)
{
    sigset_t set;
    int sig;

    ending_signals(&set);
    while ((sig = sigwaitinfo(&set, NULL)) < 0)
        if (errno != EINTR)
            RR_BUG("signals cannot be waited for");
    return sig;
}
