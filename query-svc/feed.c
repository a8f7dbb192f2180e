#include "feed.h"

#include "log.h"
#include "time.h"

#include "http/stream.h"

#include <stdio.h>

/* A page is what all live streams are given at once; a window is what one that is behind looks through. */
enum { PAGE = 100, WINDOW = 500, ASKING_MAX = 4, RETRY_MS = 200 };

const struct rr_pg_stmt feed_stmt = {
    "feed",
    SQL_META "SELECT m.*, coalesce(t.newest, 0), i.* FROM meta m "
             "CROSS JOIN (SELECT max(n) AS newest FROM reservation_history) t "
             "LEFT JOIN (SELECT " EVENT_COLUMNS " FROM reservation_history h "
             "WHERE n > $1::bigint AND n <= $2::bigint ORDER BY n LIMIT $3::integer) i ON true ORDER BY i.n",
};
enum { COL_NEWEST = COL_DATA, COL_EVENT };

/* ---- asking ---- */

static enum rr_err ask(struct feed *f, struct feed_question *q, int64_t after, int64_t to, int limit,
                       void (*done)(struct rr_query *q), void *arg)
{
    const int64_t params[FEED_PARAMS] = {after, to, limit};
    bool known = f->session->generation;

    /* Where the generation is not known, the answer to session_stmt makes it known, and has no events. */
    q->query = (struct rr_query){.stmt = known ? &feed_stmt : &session_stmt,
                                 .n_params = known ? FEED_PARAMS : 0,
                                 .timeout_ms = f->timeout_ms,
                                 .done = done,
                                 .arg = arg};
    for (int i = 0; i < FEED_PARAMS; i++) {
        snprintf(q->text[i], sizeof(q->text[i]), "%lld", (long long)params[i]);
        q->query.params[i] = q->text[i];
    }
    return rr_pg_submit(f->session->pg, &q->query);
}

static void retry_soon(struct feed *f)
{
    if (!f->retry.heap_index &&
        rr_timer_arm(f->loop, &f->retry, rr_time_monotonic() + RETRY_MS * RR_US_PER_SEC / 1000))
        rr_warn("event streams wait for the next heartbeat: no memory", "");
}

/* ---- telling ---- */

static void put(struct feed *f, struct feed_stream *s, const struct rr_buf *frame)
{
    if (!frame->failed && rr_stream_put(s->r, frame->data, frame->len)) {
        s->full = true;
        s->given += frame->len;
        rr_counter_add(f->sent, 1);
        return;
    }
    rr_counter_add(f->cut, 1);
    rr_stream_end(s->r);
    feed_leave(s);
}

/* To one stream; each view is rendered at its first use. */
static void tell(struct feed *f, struct feed_stream *s, const PGresult *res, int row)
{
    enum event_view view = event_view(&s->filter, res, row, COL_EVENT);
    struct rr_buf *frame = &f->frame[view];

    if (view == EVENT_HIDDEN)
        return;
    if (!frame->len)
        event_write(frame, f->generation, view, res, row, COL_EVENT);
    put(f, s, frame);
}

static void begin_event(struct feed *f)
{
    for (size_t i = 0; i < RR_LEN(f->frame); i++)
        rr_buf_reset(&f->frame[i]);
}

static int events_in(const PGresult *res)
{
    return PQgetisnull(res, 0, COL_EVENT) ? 0 : PQntuples(res);
}

static void tell_live(struct feed *f, const PGresult *res, int row)
{
    int64_t n = render_int(res, row, COL_EVENT + EVENT_N);
    struct feed_stream *next;

    begin_event(f);
    for (struct feed_stream *s = f->head.next; s != &f->head; s = next) {
        next = s->next;
        if (!s->live || s->n >= n)
            continue;
        s->n = n;
        tell(f, s, res, row);
    }
    f->n = n;
}

/* All that was told before is void. */
static void change_generation(struct feed *f, const struct feed_state *at)
{
    struct feed_stream *next;

    f->generation = at->generation;
    f->n = at->newest;
    f->as_of = at->as_of;
    begin_event(f);
    event_write_reset(&f->frame[0], at->generation, at->newest);
    for (struct feed_stream *s = f->head.next; s != &f->head; s = next) {
        next = s->next;
        s->n = at->newest;
        s->live = true;
        put(f, s, &f->frame[0]);
    }
}

/* What an answer is worth: true if it is of the generation at hand and complete. */
static bool is_good(struct feed *f, const struct rr_query *q, struct feed_state *ret_at)
{
    enum rr_err err = RR_OK;

    if (session_judge(f->session, q, NULL, &ret_at->as_of, &err) != SESSION_SERVED || q->stmt != &feed_stmt) {
        retry_soon(f);
        return false;
    }
    ret_at->generation = (int)render_int(q->res, 0, COL_GENERATION);
    ret_at->newest = render_int(q->res, 0, COL_NEWEST);
    if (ret_at->generation == f->generation)
        return true;
    change_generation(f, ret_at);
    retry_soon(f);
    return false;
}

/* ---- for all live streams ---- */

static void answered(struct rr_query *q);

static void ask_for_live(struct feed *f)
{
    if (f->ended || !f->n_streams)
        return;
    if (f->under_way) {
        f->again = true;
        return;
    }
    f->again = false;
    f->asked = f->n;
    f->under_way = !ask(f, &f->question, f->n, INT64_MAX, PAGE, answered, f);
    if (!f->under_way)
        retry_soon(f);
}

static void answered(struct rr_query *q)
{
    struct feed *f = q->arg;
    struct feed_state at;

    f->under_way = false;
    if (f->ended || !f->n_streams)
        return;
    if (is_good(f, q, &at) && f->asked == f->n) {
        int rows = events_in(q->res);

        for (int row = 0; row < rows; row++)
            tell_live(f, q->res, row);
        if (rows == PAGE)
            f->again = true;
        else if (f->as_of < at.as_of)
            f->as_of = at.as_of;
    }
    if (f->again || f->asked > f->n)
        ask_for_live(f);
}

/* ---- for one that is behind ---- */

static void put_last(struct feed *f, struct feed_stream *s)
{
    s->next = &f->head;
    s->prev = f->head.prev;
    s->prev->next = f->head.prev = s;
}

static void take_out(struct feed_stream *s)
{
    s->prev->next = s->next;
    s->next->prev = s->prev;
}

static void caught_up(struct rr_query *q);

/* Not for one whose client has yet to take what it was given. */
static void ask_for_one(struct feed_stream *s)
{
    struct feed *f = s->feed;

    if (s->live || s->asking || s->full || f->n_asking >= ASKING_MAX)
        return;
    s->given = 0;
    s->asking = !ask(f, &s->question, s->n, s->n + WINDOW, WINDOW, caught_up, s);
    f->n_asking += s->asking;
    if (!s->asking)
        retry_soon(f);
}

static void ask_for_those_behind(struct feed *f)
{
    for (struct feed_stream *s = f->head.next; s != &f->head && f->n_asking < ASKING_MAX; s = s->next)
        ask_for_one(s);
}

/* Tells what the answer holds, but no more than a client can be given at once: one that comes again with the
 * same id would else be cut off each time. The rest is asked for when it has taken this. */
static void tell_window(struct feed *f, struct feed_stream *s, const PGresult *res, int64_t newest)
{
    int64_t end = s->n + WINDOW;

    s->n = end < newest ? end : newest;
    for (int row = 0; row < events_in(res) && s->feed; row++) {
        begin_event(f);
        tell(f, s, res, row);
        if (s->given > f->conf->buffer_bytes / 2) {
            s->n = render_int(res, row, COL_EVENT + EVENT_N);
            break;
        }
    }
    s->live = s->n >= f->n;
}

static void caught_up(struct rr_query *q)
{
    struct feed_stream *s = q->arg;
    struct feed *f = s->feed;
    struct feed_state at;

    s->asking = false;
    f->n_asking--;
    if (f->ended)
        return;
    /* Behind those who wait for a place to ask: of the next windows, too, it may be told nothing. */
    take_out(s);
    put_last(f, s);
    if (!is_good(f, q, &at))
        return; /* retry() asks, and not at once */
    if (!s->live)
        tell_window(f, s, q->res, at.newest);
    ask_for_those_behind(f);
}

/* ---- what makes us ask ---- */

void feed_notified(struct feed *f)
{
    ask_for_live(f);
}

void feed_drained(struct feed_stream *s)
{
    s->full = false;
    if (s->feed)
        ask_for_one(s);
}

static void retry(struct rr_timer *t)
{
    struct feed *f = t->arg;

    ask_for_live(f);
    ask_for_those_behind(f);
}

static void arm_heartbeat(struct feed *f)
{
    if (rr_timer_arm(f->loop, &f->heartbeat, rr_time_monotonic() + f->conf->heartbeat_s * RR_US_PER_SEC))
        rr_warn("event streams have no heartbeat: no memory", "");
}

/* Bytes keep proxies from closing and show us who has left; the id lets a client whose events are rare go on
 * from here and not from its last event. */
static void beat(struct rr_timer *t)
{
    struct feed *f = t->arg;
    int64_t oldest = rr_time_monotonic() - f->conf->stream_s * RR_US_PER_SEC;
    char as_of[RR_TIME_TEXT];
    struct feed_stream *next;

    rr_time_format(f->as_of, as_of);
    for (struct feed_stream *s = f->head.next; s != &f->head; s = next) {
        next = s->next;
        begin_event(f);
        if (s->live)
            rr_buf_printf(&f->frame[0], ": as of %s\n", as_of);
        event_write_id(&f->frame[0], f->generation, s->live && f->n > s->n ? f->n : s->n);
        put(f, s, &f->frame[0]);
        if (s->feed && s->began < oldest) {
            rr_stream_end(s->r);
            feed_leave(s);
        }
    }
    ask_for_live(f);
    if (f->n_streams)
        arm_heartbeat(f);
}

/* ---- coming and going ---- */

static uint32_t streams_of(const struct feed *f, const char *user)
{
    uint32_t n = 0;

    for (const struct feed_stream *s = f->head.next; s != &f->head; s = s->next)
        n += !s->filter.admin && strcmp(s->filter.user, user) == 0;
    return n;
}

bool feed_is_full(const struct feed *f, const struct event_filter *filter)
{
    return f->n_streams >= f->conf->streams ||
           (!filter->admin && streams_of(f, filter->user) >= f->conf->streams_user);
}

static void add(struct feed *f, struct feed_stream *s)
{
    s->feed = f;
    s->began = rr_time_monotonic();
    put_last(f, s);
    rr_gauge_add(f->streams, 1);
    if (f->n_streams++ == 0)
        arm_heartbeat(f);
}

void feed_join(struct feed *f, struct feed_stream *s, const struct feed_state *at, int64_t last, bool reset)
{
    if (!f->n_streams) {
        f->generation = at->generation;
        f->n = at->newest;
        f->as_of = at->as_of;
    } else if (f->generation != at->generation) {
        change_generation(f, at);
    }
    add(f, s);
    s->n = last >= 0 && !reset ? last : at->newest;
    s->live = s->n >= f->n;
    begin_event(f);
    rr_buf_puts(&f->frame[0], "retry: 1000\n");
    if (reset)
        event_write_reset(&f->frame[0], at->generation, s->n);
    else
        event_write_id(&f->frame[0], at->generation, s->n);
    put(f, s, &f->frame[0]);
    ask_for_live(f);
}

void feed_leave(struct feed_stream *s)
{
    struct feed *f = s->feed;
    bool asking = s->asking;

    if (!f)
        return;
    if (asking)
        rr_pg_abandon(f->session->pg, &s->question.query);
    f->n_asking -= asking;
    s->asking = false;
    s->feed = NULL;
    take_out(s);
    f->n_streams--;
    rr_gauge_add(f->streams, -1);
    /* Its place is that of the next one behind, but whoever calls us may be going through the ring. */
    if (asking && f->n_streams)
        retry_soon(f);
}

/* ---- life ---- */

void feed_init(struct feed *f, struct rr_loop *l, struct session *s, const struct rr_pg_conf *pg,
               const struct feed_conf *conf)
{
    *f = (struct feed){.loop = l, .session = s, .conf = conf, .timeout_ms = pg->timeout_ms};
    f->head.next = f->head.prev = &f->head;
    f->retry = (struct rr_timer){.fire = retry, .arg = f};
    f->heartbeat = (struct rr_timer){.fire = beat, .arg = f};
    f->streams = rr_gauge("rr_event_streams", "open event streams", NULL);
    f->sent =
        rr_counter("rr_events_sent_total", "events, resets and heartbeats given to event streams", NULL);
    f->cut = rr_counter("rr_event_streams_cut_total",
                        "event streams cut off because their clients took too little", NULL);
}

void feed_end(struct feed *f)
{
    f->ended = true;
    if (!f->loop)
        return;
    rr_timer_cancel(f->loop, &f->retry);
    rr_timer_cancel(f->loop, &f->heartbeat);
}

void feed_fini(struct feed *f)
{
    for (size_t i = 0; i < RR_LEN(f->frame); i++)
        rr_buf_fini(&f->frame[i]);
}
