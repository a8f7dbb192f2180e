/* A request's memory and what is read from it. Everything that a handler gets is a copy of ours:
 * libmicrohttpd's own memory ends with the connection, while a request whose answer has been given by force
 * (http_internal.h) may live on in a worker's hands. */
#include "http_internal.h"

#include "../log.h"
#include "../time.h"

#include <string.h>

enum { CHUNK = 2048 };

struct rr_chunk {
    struct rr_chunk *next;
    size_t used, cap;
    _Alignas(max_align_t) char data[];
};

struct rr_query_param {
    const char *name, *value;
    struct rr_query_param *next;
};

static struct rr_http_req *of(const struct rr_req *r)
{
    return r->http;
}

/* ---- memory ---- */

static struct rr_chunk *chunk_with(struct rr_http_req *h, size_t n)
{
    size_t cap = n > CHUNK ? n : CHUNK;
    struct rr_chunk *c = h->chunks;

    if (c && c->cap - c->used >= n)
        return c;
    c = malloc(sizeof(*c) + cap);
    if (!c)
        return NULL;
    *c = (struct rr_chunk){.next = h->chunks, .cap = cap};
    h->chunks = c;
    return c;
}

void *rr_req_alloc(struct rr_req *r, size_t n)
{
    const size_t align = _Alignof(max_align_t);
    struct rr_http_req *h = of(r);
    struct rr_chunk *c;
    void *p;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + align - 1) / align * align;
    if (n <= RR_REQ_ARENA - h->arena_used) {
        p = h->arena + h->arena_used;
        h->arena_used += n;
        return p;
    }
    c = chunk_with(h, n);
    if (!c)
        return NULL;
    p = c->data + c->used;
    c->used += n;
    return p;
}

char *rr_req_strndup(struct rr_req *r, const char *s, size_t n)
{
    char *copy = rr_req_alloc(r, n + 1);

    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void rr_req_keep(struct rr_req *r, void *p, void (*release)(void *))
{
    struct rr_http_req *h = of(r);

    if (h->n_keeps == RR_REQ_KEEPS)
        RR_BUG("a request keeps too many things");
    h->keeps[h->n_keeps].p = p;
    h->keeps[h->n_keeps++].release = release;
}

/* ---- who asks: request id and trace id ---- */

/* xoshiro256** by Blackman and Vigna: ids have to be unique, not secret. */
static uint64_t next_random(uint64_t s[4])
{
    const uint64_t x = s[1] * 5, result = (x << 7 | x >> 57) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

static void put_hex(char *out, uint64_t v)
{
    for (int i = 15; i >= 0; i--, v >>= 4)
        out[i] = "0123456789abcdef"[v & 15];
}

static void take_request_id(struct rr_http_req *h, const char *given)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = given ? strlen(given) : 0;

    if (len >= 1 && len <= RR_REQUEST_ID_MAX && strspn(given, allowed) == len) {
        memcpy(h->request_id, given, len + 1);
        return;
    }
    put_hex(h->request_id, next_random(h->hl->random));
    h->request_id[16] = '\0';
}

/* W3C Trace Context, section 3.2: version "-" trace-id "-" parent-id "-" flags, lower-case hex. Higher
 * versions may append to it. */
static bool traceparent_valid(const char *t)
{
    static const char shape[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    const size_t n = sizeof(shape) - 1;

    for (size_t i = 0; i < n; i++)
        if (shape[i] == '-' ? t[i] != '-' : !t[i] || !strchr("0123456789abcdef", t[i]))
            return false;
    if (strncmp(t, "ff", 2) == 0 || (strncmp(t, "00", 2) == 0 ? t[n] != '\0' : t[n] != '\0' && t[n] != '-'))
        return false;
    return strspn(t + 3, "0") < 32 && strspn(t + 36, "0") < 16;
}

static void take_trace_id(struct rr_http_req *h, const char *traceparent)
{
    if (traceparent && traceparent_valid(traceparent)) {
        memcpy(h->trace_id, traceparent + 3, 32);
    } else {
        put_hex(h->trace_id, next_random(h->hl->random) | 1); /* all zeros would not be valid */
        put_hex(h->trace_id + 16, next_random(h->hl->random));
    }
    h->trace_id[32] = '\0';
}

/* ---- life ---- */

struct rr_http_req *rr_http_req_new(struct rr_http_loop *hl, struct MHD_Connection *conn)
{
    struct rr_http_req *h = malloc(sizeof(*h));

    if (!h)
        return NULL;
    memset(h, 0, offsetof(struct rr_http_req, arena));
    h->hl = hl;
    h->conn = conn;
    h->headers_end = &h->headers;
    h->query_end = &h->query;
    h->started = rr_time_monotonic();
    take_request_id(h, MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "X-Request-Id"));
    take_trace_id(h, MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "traceparent"));
    h->req.loop = hl->loop;
    h->req.http = h;
    h->req.body = "";
    h->req.request_id = h->request_id;
    h->req.trace_id = h->trace_id;
    h->req.log = (struct rr_log_ctx){.req = h->request_id, .trace = h->trace_id};
    rr_ring_add(&hl->in_flight, &h->in_flight);
    rr_counts_in_flight(hl->counts, 1);
    return h;
}

void rr_http_req_free(struct rr_http_req *h)
{
    const struct rr_route *route = h->req.route;

    rr_ring_remove(&h->in_flight);
    rr_counts_in_flight(h->hl->counts, -1);
    if (route && route->ctx_fini && h->req.ctx)
        route->ctx_fini(h->req.ctx);
    while (h->n_keeps--)
        h->keeps[h->n_keeps].release(h->keeps[h->n_keeps].p);
    rr_buf_fini(&h->body);
    rr_buf_fini(&h->params);
    rr_buf_fini(&h->members);
    while (h->chunks) {
        struct rr_chunk *next = h->chunks->next;

        free(h->chunks);
        h->chunks = next;
    }
    free(h);
}

/* ---- reading ---- */

const char *rr_header(const struct rr_req *r, const char *name)
{
    struct rr_http_req *h = of(r);
    const char *value = h->conn ? MHD_lookup_connection_value(h->conn, MHD_HEADER_KIND, name) : NULL;

    return value ? rr_req_strndup(&h->req, value, strlen(value)) : NULL;
}

struct header_lines {
    const char *name;
    char *to; /* NULL: only counts */
    size_t n, len;
};

static enum MHD_Result join_line(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_lines *lines = arg;
    size_t len, comma;

    (void)kind;
    if (strcasecmp(name, lines->name) != 0)
        return MHD_YES;
    len = value ? strlen(value) : 0;
    comma = lines->len && len ? 2 : 0;
    if (lines->to && len) {
        memcpy(lines->to + lines->len, ", ", comma);
        memcpy(lines->to + lines->len + comma, value, len);
    }
    lines->n++;
    lines->len += comma + len;
    return MHD_YES;
}

const char *rr_header_list(const struct rr_req *r, const char *name)
{
    struct rr_http_req *h = of(r);
    struct header_lines lines = {.name = name};
    char *list;

    if (h->conn)
        MHD_get_connection_values(h->conn, MHD_HEADER_KIND, join_line, &lines);
    list = lines.n ? rr_req_alloc(&h->req, lines.len + 1) : NULL;
    if (!list)
        return NULL;
    list[lines.len] = '\0';
    lines = (struct header_lines){.name = name, .to = list};
    MHD_get_connection_values(h->conn, MHD_HEADER_KIND, join_line, &lines);
    return list;
}

struct header_search {
    const char *name, *first;
    unsigned n;
};

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_search *search = arg;

    (void)kind;
    if (strcasecmp(name, search->name) == 0 && search->n++ == 0)
        search->first = value ? value : "";
    return MHD_YES;
}

unsigned rr_header_values(const struct rr_req *r, const char *name, const char **ret_first)
{
    struct header_search search = {.name = name};

    MHD_get_connection_values(of(r)->conn, MHD_HEADER_KIND, take_header, &search);
    *ret_first = search.first;
    return search.n;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef",
               *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

long rr_percent_decode(char *s)
{
    char *out = s;
    const char *in = s;

    while (*in) {
        int high, low;

        if (*in != '%') {
            *out++ = *in++;
            continue;
        }
        high = hex_digit(in[1]);
        low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0 || high + low == 0)
            return -1;
        *out++ = (char)(high * 16 + low);
        in += 3;
    }
    *out = '\0';
    return (long)(out - s);
}

/* A text of the query string, decoded into the request's memory; NULL if it cannot be. */
static const char *query_text(struct rr_http_req *h, const char *s)
{
    char *copy = rr_req_strndup(&h->req, s ? s : "", s ? strlen(s) : 0);

    return copy && rr_percent_decode(copy) >= 0 ? copy : NULL;
}

static enum MHD_Result take_param(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct rr_http_req *h = arg;
    struct rr_query_param *p = rr_req_alloc(&h->req, sizeof(*p));

    (void)kind;
    if (!p)
        return MHD_NO;
    *p = (struct rr_query_param){query_text(h, name), query_text(h, value), NULL};
    *h->query_end = p;
    h->query_end = &p->next;
    return p->name && p->value ? MHD_YES : MHD_NO;
}

bool rr_http_req_query(struct rr_http_req *h)
{
    MHD_get_connection_values(h->conn, MHD_GET_ARGUMENT_KIND, take_param, h);
    for (const struct rr_query_param *p = h->query; p; p = p->next)
        if (!p->name || !p->value)
            return false;
    return true;
}

int rr_query_each(struct rr_req *r, bool (*cb)(void *arg, const char *name, const char *value), void *arg)
{
    for (const struct rr_query_param *p = of(r)->query; p; p = p->next)
        if (!cb(arg, p->name, p->value))
            return 0;
    return 1;
}
