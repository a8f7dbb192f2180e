/* rr_stream: an answer whose body goes on for as long as the client listens, such as Server-Sent Events.
 *
 *   return rr_reply_stream(r, "text/event-stream", max_bytes, drained);
 *   …later, in the loop's thread: rr_stream_put(r, data, len), at last perhaps rr_stream_end(r)
 *
 * The request lives on, and with it r->ctx, until the client has left, the stream was cut or has ended: then
 * the route's ctx_fini() is called, which therefore has to make everybody forget `r`. That a client has left
 * is noticed only when something is sent to it: send a heartbeat. When the service stops, all streams are
 * ended in good order. Threads: everything belongs to the request's loop. */
#pragma once

#include "http.h"

#include <stdbool.h>
#include <stddef.h>

/* Answers 200; a handler's last call, like any reply. `drained`, if not NULL, is called when the client has
 * taken all there is and could take more: it may put more, and may queue work, but not end the request. */
enum rr_step rr_reply_stream(struct rr_req *r, const char *content_type, size_t max_bytes,
                             void (*drained)(struct rr_req *r));

/* Appends a copy of `data`. False: the stream is over, nothing of this reaches the client: it has taken too
 * little, so that more than max_bytes were waiting, and is cut off; or memory is out; or rr_stream_end() was
 * called. ctx_fini() comes later, never from inside. */
bool rr_stream_put(struct rr_req *r, const void *data, size_t len);
/* What was put is still sent; then the answer ends as if it were complete. */
void rr_stream_end(struct rr_req *r);
