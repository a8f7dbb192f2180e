/* answer: what the rows of a statement came to. Held by each read that is given it, and by libmicrohttpd
 * until its bytes have been sent; the last one frees it. Threads: belongs to its loop. */
#pragma once

#include "buf.h"

#include <stdint.h>

enum { ANSWER_ETAG = 28 };

struct answer {
    unsigned holders;
    int64_t as_of;
    int parked;
    struct rr_buf body;     /* empty: 204 */
    struct rr_buf link;     /* the header of that name; empty: none */
    char etag[ANSWER_ETAG]; /* as it is sent, with its quotes; "": none */
};

struct answer *answer_new(void);              /* held by the caller; NULL: no memory */
struct answer *answer_hold(struct answer *a); /* NULL is fine for both */
void answer_release(void *a);
