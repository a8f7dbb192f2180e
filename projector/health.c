#include "health.h"
#include "time.h"

#include <stdio.h>

void health_init(struct health *h, uint32_t ready_lag_ms)
{
    *h = (struct health){.trouble = "starting", .ready_lag_ms = ready_lag_ms};
    pthread_mutex_init(&h->lock, NULL);
}

void health_trouble(struct health *h, const char *why)
{
    pthread_mutex_lock(&h->lock);
    snprintf(h->trouble, sizeof(h->trouble), "%s", why);
    pthread_mutex_unlock(&h->lock);
}

void health_well(struct health *h, const struct position *p)
{
    pthread_mutex_lock(&h->lock);
    h->trouble[0] = '\0';
    h->serving = p->serving;
    h->unproven = p->unproven;
    h->as_of = p->as_of;
    pthread_mutex_unlock(&h->lock);
}

/* Writes why not into `why`, or leaves it empty. */
static enum rr_err judge(struct health *h, char *why, size_t size)
{
    enum rr_err err = RR_NOT_READY;
    int64_t lag_ms;

    pthread_mutex_lock(&h->lock);
    lag_ms = (rr_time_now() - h->as_of) / 1000;
    if (h->trouble[0]) {
        snprintf(why, size, "%s", h->trouble);
    } else if (h->unproven) {
        snprintf(why, size, "the log was replaced: the read model is being compared with the truth");
    } else if (!h->serving) {
        snprintf(why, size, "the read model is being built: the snapshot's end has not been reached");
        err = RR_PROJECTION_NOT_READY;
    } else if (lag_ms > h->ready_lag_ms) {
        snprintf(why, size, "behind by %lld ms: no change and no pulse has come for that long",
                 (long long)lag_ms);
    } else {
        err = RR_OK;
    }
    pthread_mutex_unlock(&h->lock);
    return err;
}

enum rr_step readyz(struct rr_req *r)
{
    struct rr_buf body = {.data = NULL};
    char why[700] = "";
    enum rr_err err = judge(rr_loop_app(r->loop), why, sizeof(why));

    if (err) {
        rr_problem_detail(r, "%s", why);
        return rr_reply_error(r, err);
    }
    rr_buf_puts(&body, "{\"status\":\"ready\"}");
    return rr_reply_json(r, 200, &body);
}
