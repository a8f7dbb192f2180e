#include "answer.h"

struct answer *answer_new(void)
{
    struct answer *a = calloc(1, sizeof(*a));

    if (a)
        *a = (struct answer){.holders = 1};
    return a;
}

struct answer *answer_hold(struct answer *a)
{
    if (a)
        a->holders++;
    return a;
}

void answer_release(void *answer)
{
    struct answer *a = answer;

    if (!a || --a->holders)
        return;
    rr_buf_fini(&a->body);
    rr_buf_fini(&a->link);
    free(a);
}
