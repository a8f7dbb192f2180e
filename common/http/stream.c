/* An answer that goes on, by libmicrohttpd's content reader.
 *
 * The reader is asked when the client can take more. With nothing to send it suspends its connection, and
 * what is appended next resumes it. A connection whose client takes nothing is never asked: what is appended
 * meanwhile waits here, up to max_bytes, and then the socket is shut down, which libmicrohttpd sees as an
 * error. The kernel's buffers are kept small, because they would hold some megabytes more for each client. */
#include "stream.h"
#include "http_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { BLOCK_BYTES = 2048, KERNEL_BYTES = 64 * 1024 };

struct rr_stream {
    struct rr_http_req *h;
    struct rr_buf out;
    size_t sent, max_bytes; /* sent: of `out`, handed over */
    void (*drained)(struct rr_req *r);
    bool suspended, ending, cut;
};

static int socket_of(const struct rr_stream *s)
{
    const union MHD_ConnectionInfo *info =
        s->h->conn ? MHD_get_connection_info(s->h->conn, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;

    return info ? info->connect_fd : -1;
}

static void wake(struct rr_stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    rr_exchange_resume(s->h);
}

static void cut(struct rr_stream *s)
{
    int fd = socket_of(s);

    s->cut = true;
    rr_buf_fini(&s->out);
    s->sent = 0;
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    wake(s);
}

/* ---- libmicrohttpd's side ---- */

static ssize_t take(struct rr_stream *s, char *to, size_t max)
{
    size_t left = s->out.len - s->sent, n = left < max ? left : max;

    memcpy(to, s->out.data + s->sent, n);
    s->sent += n;
    if (n == left) { /* an idle stream holds no memory for bytes */
        rr_buf_fini(&s->out);
        s->sent = 0;
    }
    return (ssize_t)n;
}

static ssize_t read_more(void *cls, uint64_t pos, char *to, size_t max)
{
    struct rr_stream *s = cls;

    (void)pos;
    if (!s->out.len && !s->ending && !s->cut && s->drained)
        s->drained(&s->h->req);
    if (s->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->out.len)
        return take(s, to, max);
    if (s->ending)
        return MHD_CONTENT_READER_END_OF_STREAM;
    s->suspended = true;
    MHD_suspend_connection(s->h->conn);
    return 0;
}

/* A client that has vanished without a word is given up like an idle one. */
static void limit_socket(const struct rr_stream *s)
{
    const int bytes = KERNEL_BYTES;
    const unsigned ms = s->h->hl->http->conf->idle_s * 1000;
    int fd = socket_of(s);

    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static void release(void *p)
{
    struct rr_stream *s = p;

    rr_buf_fini(&s->out);
}

/* ---- the handler's side ---- */

enum rr_step rr_reply_stream(struct rr_req *r, const char *content_type, size_t max_bytes,
                             void (*drained)(struct rr_req *r))
{
    struct rr_http_req *h = r->http;
    struct rr_stream *s = rr_req_alloc(r, sizeof(*s));
    struct MHD_Response *response = NULL;

    if (s) {
        *s =
            (struct rr_stream){.h = h, .max_bytes = max_bytes, .drained = drained, .ending = h->hl->stopping};
        rr_req_keep(r, s, release);
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_more, s, NULL);
    }
    if (response) {
        h->stream = s;
        limit_socket(s);
    }
    return rr_reply_queue(h, 200, response, content_type);
}

bool rr_stream_put(struct rr_req *r, const void *data, size_t len)
{
    struct rr_stream *s = r->http->stream;

    if (!s || s->ending || s->cut)
        return false;
    if (s->out.len - s->sent <= s->max_bytes) {
        if (s->sent > s->out.len / 2) {
            memmove(s->out.data, s->out.data + s->sent, s->out.len - s->sent);
            s->out.len -= s->sent;
            s->sent = 0;
        }
        rr_buf_put(&s->out, data, len);
        if (!s->out.failed) {
            wake(s);
            return true;
        }
    }
    cut(s);
    return false;
}

void rr_stream_end(struct rr_req *r)
{
    struct rr_stream *s = r->http->stream;

    if (!s)
        return;
    s->ending = true;
    wake(s);
}

void rr_streams_end(struct rr_http_loop *hl)
{
    for (struct rr_ring *l = hl->in_flight.next; l != &hl->in_flight; l = l->next)
        rr_stream_end(&RR_RING_ENTRY(l, struct rr_http_req, in_flight)->req);
}
