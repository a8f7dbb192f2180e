/* GET /v1/events: what happens to reservations, as Server-Sent Events (HTML Standard, section 9.2).
 *
 * The first query tells where the stream begins: at the newest event that this answer, as of its
 * Projection-As-Of, includes; or after Last-Event-ID, if that is one of the serving generation's. */
#include "events.h"
#include "endpoints.h"
#include "feed.h"

#include "http/stream.h"

enum { ROOM, USER, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {
    [ROOM] = {"room_id", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL},
    [USER] = {"user_id", RR_FIELD_TEXT, 0, 1, 128, NULL},
};

static struct events *of(struct read *rd)
{
    return (struct events *)rd;
}

static enum rr_err parse(struct read *rd)
{
    struct event_filter *filter = &of(rd)->stream.filter;
    const struct rr_req *r = rd->r;

    *filter =
        (struct event_filter){.room = (int64_t)rd->v[ROOM].u, .user = rd->v[USER].text, .admin = r->admin};
    if (!r->admin) {
        if (filter->user && strcmp(filter->user, r->user) != 0) {
            rr_problem_detail(rd->r, "these are another user's");
            return RR_FORBIDDEN;
        }
        filter->user = r->user;
    }
    read_statement(rd, &feed_stmt);
    for (int i = 0; i < FEED_PARAMS; i++)
        read_param_int(rd, 0);
    return RR_OK;
}

static enum rr_err render(struct read *rd, const PGresult *res)
{
    struct events *e = of(rd);

    e->at = (struct feed_state){.generation = (int)render_int(res, 0, COL_GENERATION),
                                .newest = render_int(res, 0, COL_DATA),
                                .as_of = rd->answer->as_of};
    return RR_OK;
}

static void drained(struct rr_req *r)
{
    feed_drained(&((struct events *)r->ctx)->stream);
}

static enum rr_step reply(struct read *rd)
{
    struct events *e = of(rd);
    struct feed *feed = &rd->loop->feed;
    const char *last = rr_header(rd->r, "Last-Event-ID");
    int generation;
    int64_t n = -1;
    bool reset = last && (!event_parse_id(last, &generation, &n) || generation != e->at.generation ||
                          n > e->at.newest);
    enum rr_step step;

    /* Not before: many may have asked by then, and only who joins is counted. */
    if (feed_is_full(feed, &e->stream.filter)) {
        rr_problem_detail(rd->r, "too many event streams are open");
        return rr_reply_error(rd->r, RR_OVERLOADED);
    }
    /* nginx, for one, would collect what is to come at once */
    rr_reply_header(rd->r, "X-Accel-Buffering", "no");
    step = rr_reply_stream(rd->r, "text/event-stream", feed->conf->buffer_bytes, drained);
    e->stream.r = rd->r;
    feed_join(feed, &e->stream, &e->at, n, reset);
    return step;
}

const struct rr_operation events_operation = {
    .method = "GET",
    .pattern = "/v1/events",
    .id = "streamEvents",
    .summary = "What happens to reservations, as Server-Sent Events",
    .status = 200,
    .media = "text/event-stream",
    .flags = RR_OP_READ | RR_OP_EVENTS,
    .query = fields,
    .n_query = N_FIELDS,
    .errors = {RR_FORBIDDEN},
};

enum rr_step events(struct rr_req *r)
{
    static const struct read_kind kind = {.fields = fields,
                                          .n_fields = N_FIELDS,
                                          .parse = parse,
                                          .render = render,
                                          .reply = reply,
                                          .shared = BY_NOBODY};

    return read_step(r, &kind);
}

void events_fini(void *ctx)
{
    struct events *e = ctx;

    feed_leave(&e->stream);
    read_fini(ctx);
}
