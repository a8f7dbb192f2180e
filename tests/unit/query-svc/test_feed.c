/* The streams of a loop, without HTTP and PostgreSQL: both are played by the test, in thousands of random
 * orders of what can happen. Whatever happens, each stream is told every event that is its own exactly once,
 * in order. A client that takes what it is given is not cut off, however far behind it began. */
#include "feed.h"
#include "result.h"
#include "unit.h"

#include "http/stream.h"
#include "log.h"
#include "time.h"

#include <stdio.h>

enum { SEEDS = 25, STREAMS = 12, EVENTS = 4000, PENDING = 64, COLUMNS = COL_DATA + 1 + EVENT_END };

/* ---- the read model ---- */

static struct {
    int generation;
    int64_t n;              /* the newest number */
    bool there[EVENTS + 1]; /* numbers have holes */
    int room[EVENTS + 1];
    const char *title; /* of all of them */
} model;

static void commit_one(void)
{
    if (model.n == EVENTS)
        return;
    if (rand() % 10 == 0 && model.n + 1 < EVENTS)
        model.there[++model.n] = false;
    model.there[++model.n] = true;
    model.room[model.n] = 1 + rand() % 3;
}

static void other_generation(void)
{
    model.generation++;
    model.n = rand() % 50;
    for (int64_t n = 1; n <= model.n; n++) {
        model.there[n] = true;
        model.room[n] = 1;
    }
}

/* A second an event, a day a generation: "2026-12-02T00:00:07Z" is behind the seventh of the first one. */
static void as_of(int64_t n, char text[64])
{
    snprintf(text, 64, "2026-12-%02dT%02d:%02d:%02dZ", 1 + model.generation, (int)(n / 3600),
             (int)(n / 60 % 60), (int)(n % 60));
}

static void add_row(PGresult *res, int64_t n)
{
    char generation[16], newest[24], number[24], room[16], applied[64];
    const char *row[COLUMNS] = {"t",
                                generation,
                                applied,
                                "0",
                                newest,
                                NULL,
                                "1",
                                "created",
                                "2026-12-01 08:30:00+00",
                                "x",
                                NULL,
                                "{}",
                                room,
                                model.title ? model.title : "t",
                                "2026-12-01 09:00:00+00",
                                "2026-12-01 10:00:00+00",
                                "confirmed",
                                "Aurora",
                                number,
                                "ann"};

    snprintf(generation, sizeof(generation), "%d", model.generation);
    as_of(model.n, applied);
    applied[10] = ' '; /* as PostgreSQL writes it */
    strcpy(applied + 19, "+00");
    snprintf(newest, sizeof(newest), "%lld", (long long)model.n);
    snprintf(number, sizeof(number), "%lld", (long long)n);
    snprintf(room, sizeof(room), "%d", n ? model.room[n] : 0);
    if (n)
        row[COL_DATA + 1] = "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10";
    result_add(res, row);
}

static PGresult *run(const struct rr_query *q)
{
    int64_t after = atoll(q->params[0]), to = atoll(q->params[1]), limit = atoll(q->params[2]);
    PGresult *res = result_new(q->stmt == &feed_stmt ? COLUMNS : COL_DATA);

    if (q->stmt != &feed_stmt)
        to = 0;
    for (int64_t n = after + 1; n <= model.n && n <= to && PQntuples(res) < limit; n++)
        if (model.there[n])
            add_row(res, n);
    if (!PQntuples(res))
        add_row(res, 0);
    return res;
}

/* ---- the connection: a snapshot is taken somewhere between question and answer ---- */

static struct {
    struct rr_query *q[PENDING];
    PGresult *res[PENDING]; /* NULL: no snapshot yet */
    int n;
    bool down;
} link_;

enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q);
enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q)
{
    (void)pg;
    if (link_.down || link_.n == PENDING)
        return RR_DB_UNAVAILABLE;
    link_.q[link_.n] = q;
    link_.res[link_.n++] = NULL;
    return RR_OK;
}

enum rr_err __wrap_rr_pg_set_session(struct rr_pg *pg, const char *session_sql);
enum rr_err __wrap_rr_pg_set_session(struct rr_pg *pg, const char *session_sql)
{
    (void)pg;
    (void)session_sql;
    return RR_OK;
}

bool __wrap_rr_pg_is_up(const struct rr_pg *pg);
bool __wrap_rr_pg_is_up(const struct rr_pg *pg)
{
    (void)pg;
    return !link_.down;
}

static void drop(int i)
{
    PQclear(link_.res[i]);
    link_.n--;
    memmove(link_.q + i, link_.q + i + 1, (size_t)(link_.n - i) * sizeof(struct rr_query *));
    memmove(link_.res + i, link_.res + i + 1, (size_t)(link_.n - i) * sizeof(PGresult *));
}

void __wrap_rr_pg_abandon(struct rr_pg *pg, struct rr_query *q);
void __wrap_rr_pg_abandon(struct rr_pg *pg, struct rr_query *q)
{
    (void)pg;
    for (int i = link_.n - 1; i >= 0; i--)
        if (link_.q[i] == q)
            drop(i);
}

static void take_snapshot(void)
{
    for (int i = 0; i < link_.n; i++)
        if (!link_.res[i]) {
            link_.res[i] = run(link_.q[i]);
            return;
        }
}

static void answer_one(int i, bool fails)
{
    struct rr_query *q = link_.q[i];
    PGresult *res = link_.res[i] ? link_.res[i] : run(q);

    link_.res[i] = NULL;
    drop(i);
    q->err = fails ? RR_DB_UNAVAILABLE : RR_OK;
    q->res = fails ? NULL : res;
    q->done(q);
    PQclear(res);
}

/* Of several connections any may be the first to answer. */
static void answer(bool fails)
{
    if (link_.n)
        answer_one(rand() % link_.n, fails);
}

/* ---- the clients ---- */

static struct client {
    struct rr_req r; /* first: what feed knows */
    struct feed_stream s;
    bool open, hungry;
    int64_t from, last; /* told all of its events in (from, last] */
    int generation;
    size_t waiting; /* bytes that it has not taken yet */
} clients[STREAMS];

static bool cuts;
static size_t buffer_bytes = SIZE_MAX;

static bool is_mine(const struct client *c, int64_t n)
{
    return model.there[n] && (!c->s.filter.room || model.room[n] == c->s.filter.room);
}

/* Between the last told number and this one nothing of its own may have been left out. */
static void assert_no_gap(const struct client *c, int64_t n)
{
    if (c->generation != model.generation)
        return; /* what was committed there is forgotten here */
    for (int64_t between = c->last + 1; between < n; between++)
        assert_false(is_mine(c, between));
}

/* What was committed before the time in a heartbeat has been told. */
static void assert_as_of(const struct client *c, const char *heartbeat)
{
    int day, hours, minutes, seconds;

    assert_int_equal(sscanf(heartbeat, ": as of 2026-12-%dT%d:%d:%dZ", &day, &hours, &minutes, &seconds), 4);
    assert_int_equal(day, 1 + c->generation);
    assert_no_gap(c, 3600 * hours + 60 * minutes + seconds + 1);
}

bool __wrap_rr_stream_put(struct rr_req *r, const void *data, size_t len);
bool __wrap_rr_stream_put(struct rr_req *r, const void *data, size_t len)
{
    struct client *c = (struct client *)r;
    const char *text = data, *id = strstr(text, "id: ");
    bool reset = strstr(text, "event: reset"), event = !reset && strstr(text, "data: ");
    long long n;
    int generation;

    if ((cuts && rand() % 500 == 0) || c->waiting > buffer_bytes)
        return false;
    c->waiting += len;
    assert_int_equal(sscanf(id, "id: %d-%lld", &generation, &n), 2);
    c->hungry = false;
    if (*text == ':')
        assert_as_of(c, text);
    if (reset) {
        c->generation = generation;
        c->last = n;
        return true;
    }
    assert_int_equal(generation, c->generation);
    if (event) {
        assert_true(n > c->last);
        assert_no_gap(c, n);
        if (generation == model.generation)
            assert_true(is_mine(c, n));
        c->last = n;
    } else { /* an opening or a heartbeat: goes on from there */
        assert_true(n >= c->last);
        assert_no_gap(c, n + 1);
        c->last = n;
    }
    return true;
}

void __wrap_rr_stream_end(struct rr_req *r);
void __wrap_rr_stream_end(struct rr_req *r)
{
    ((struct client *)r)->open = false;
}

static struct feed_state state_at(int64_t newest)
{
    struct feed_state at = {.generation = model.generation, .newest = newest};
    char text[64];

    as_of(newest, text);
    assert_null(rr_time_parse(text, strlen(text), &at.as_of));
    return at;
}

/* The answer with which a client begins may be older than what others have been told since. */
static int64_t older_newest(void)
{
    int64_t n = model.n - (rand() % 3 ? 0 : rand() % 20);

    while (n > 0 && !model.there[n])
        n--;
    return n < 0 ? 0 : n;
}

static void come(struct feed *f, struct client *c)
{
    int64_t newest = older_newest();
    int64_t last = rand() % 3 ? rand() % (newest + 1) : -1;
    struct feed_state at = state_at(newest);

    *c = (struct client){.open = true, .generation = model.generation, .last = last < 0 ? newest : last};
    c->s.r = &c->r;
    c->s.filter = (struct event_filter){.admin = true, .room = rand() % 4};
    feed_join(f, &c->s, &at, last, false);
}

static void leave(struct client *c)
{
    feed_leave(&c->s);
    c->open = false;
}

static void take_all(struct client *c)
{
    c->hungry = true;
    c->waiting = 0;
    feed_drained(&c->s);
}

/* ---- the play ---- */

static void happen(struct feed *f)
{
    struct client *c = &clients[rand() % STREAMS];

    switch (rand() % 13) {
    case 0:
    case 1: commit_one(); break;
    case 2:
        for (int i = rand() % 300; i > 0; i--)
            commit_one();
        break;
    case 3: feed_notified(f); break;
    case 4: take_snapshot(); break;
    case 5:
    case 6: answer(rand() % 20 == 0); break;
    case 7:
        if (c->open && rand() % 4 == 0)
            leave(c);
        else if (!c->open)
            come(f, c);
        break;
    case 8:
    case 9:
        if (c->open)
            take_all(c);
        break;
    case 10:
        if (rand() % 8 == 0)
            f->heartbeat.fire(&f->heartbeat);
        else
            f->retry.fire(&f->retry);
        break;
    case 11: link_.down = rand() % 6 == 0; break;
    case 12: /* a table was missing for a moment */
        if (rand() % 4 == 0)
            f->session->generation = 0;
        break;
    }
}

/* Everything goes well from here on: all catch up. */
static void settle(struct feed *f)
{
    link_.down = false;
    cuts = false;
    for (int i = 0; i < 40; i++) {
        feed_notified(f);
        f->retry.fire(&f->retry);
        for (int j = 0; j < STREAMS; j++)
            if (clients[j].open)
                take_all(&clients[j]);
        while (link_.n)
            answer(false);
    }
    f->heartbeat.fire(&f->heartbeat); /* its id tells that nothing was left out at the end */
    for (int i = 0; i < STREAMS; i++)
        if (clients[i].open) {
            assert_int_equal(clients[i].generation, model.generation);
            assert_int_equal(clients[i].last, model.n);
        }
}

static void begin(struct feed *f, struct session *session, const struct feed_conf *conf)
{
    static const struct rr_pg_conf pg_conf = {.timeout_ms = 1000};
    struct rr_loop *loop;

    rr_log_init("test_feed", RR_LOG_ERROR);
    memset(&model, 0, sizeof(model));
    memset(clients, 0, sizeof(clients));
    model.generation = 1;
    *session = (struct session){.generation = 1};
    assert_int_equal(rr_loop_new(0, &loop), 0);
    feed_init(f, loop, session, &pg_conf, conf);
}

static void end(struct feed *f)
{
    struct rr_loop *loop = f->loop;

    for (int i = 0; i < STREAMS; i++)
        if (clients[i].open)
            leave(&clients[i]);
    assert_int_equal(f->n_streams, 0);
    assert_int_equal(f->n_asking, 0);
    feed_end(f);
    while (link_.n)
        answer(true);
    feed_fini(f);
    rr_loop_free(loop);
}

static void play(unsigned seed, bool switches)
{
    static const struct feed_conf conf = {STREAMS, STREAMS, 1 << 20, 3600, 86400};
    struct session session;
    struct feed f;

    srand(seed);
    begin(&f, &session, &conf);
    cuts = true;
    for (int i = 0; i < 400; i++) {
        happen(&f);
        if (switches && rand() % 100 == 0)
            other_generation();
    }
    settle(&f);
    end(&f);
}

static void each_stream_is_told_its_events_once_and_in_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++)
        play(seed, false);
}

static void another_generation_begins_with_a_reset(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++)
        play(seed, true);
}

/* ---- one thing at a time ---- */

static const struct feed_conf one_at_a_time = {STREAMS, STREAMS, 4096, 3600, 86400};

static void join(struct feed *f, struct client *c, int64_t last)
{
    struct feed_state at = state_at(model.n);

    *c = (struct client){
        .open = true, .generation = 1, .last = last, .s.r = &c->r, .s.filter = {.admin = true}};
    feed_join(f, &c->s, &at, last, false);
}

static void a_stream_far_behind_is_given_no_more_than_may_wait_for_it(void **state)
{
    struct session session;
    struct client *c = &clients[0];
    struct feed f;

    (void)state;
    begin(&f, &session, &one_at_a_time);
    model.title = "a title that is long enough for a window of such events to be far more than may wait";
    for (int i = 0; i < 1200; i++)
        commit_one();
    buffer_bytes = one_at_a_time.buffer_bytes;
    join(&f, c, 0);
    for (int i = 0; i < 1200 && c->last < model.n; i++) {
        assert_true(c->open);
        take_all(c);
        while (link_.n)
            answer(false);
    }
    assert_int_equal(c->last, model.n);
    assert_true(c->s.live);
    buffer_bytes = SIZE_MAX;
    end(&f);
}

static void the_first_heartbeat_has_the_time_of_the_answer_that_began_the_stream(void **state)
{
    struct session session;
    struct feed f;

    (void)state;
    begin(&f, &session, &one_at_a_time);
    for (int i = 0; i < 10; i++)
        commit_one();
    join(&f, &clients[0], model.n);
    f.heartbeat.fire(&f.heartbeat);
    assert_int_equal(f.as_of, state_at(model.n).as_of);
    end(&f);
}

static void who_waits_to_ask_does_so_when_those_who_asked_have_left(void **state)
{
    enum { BEHIND = 6 };
    struct session session;
    struct feed f;
    uint32_t asked;

    (void)state;
    begin(&f, &session, &one_at_a_time);
    for (int i = 0; i < 600; i++)
        commit_one();
    join(&f, &clients[BEHIND], model.n);
    for (int i = 0; i < BEHIND; i++) {
        join(&f, &clients[i], 0);
        take_all(&clients[i]);
    }
    asked = f.n_asking;
    assert_true(asked > 0 && asked < BEHIND);
    for (uint32_t i = 0; i < asked; i++)
        leave(&clients[i]);
    assert_int_equal(f.n_asking, 0);
    assert_true(f.retry.heap_index);
    f.retry.fire(&f.retry);
    assert_int_equal(f.n_asking, BEHIND - asked);
    end(&f);
}

static void those_behind_take_turns_also_if_nothing_is_theirs(void **state)
{
    enum { ASKING = 4, NO_ROOM = 9 };
    struct client *first = &clients[0], *last = &clients[ASKING];
    struct session session;
    struct feed f;
    int64_t once = 0;

    (void)state;
    begin(&f, &session, &one_at_a_time);
    for (int i = 0; i < 2000; i++)
        commit_one();
    for (int i = 0; i <= ASKING; i++) {
        join(&f, &clients[i], 0);
        clients[i].s.filter.room = NO_ROOM;
        take_all(&clients[i]);
    }
    assert_true(first->s.asking);
    assert_false(last->s.asking);
    while (!last->s.n) {
        answer_one(0, false);
        if (!once)
            once = first->s.n;
    }
    assert_true(once > 0 && once < model.n);
    assert_int_equal(first->s.n, once);
    end(&f);
}

UNIT_MAIN(cmocka_unit_test(each_stream_is_told_its_events_once_and_in_order),
          cmocka_unit_test(another_generation_begins_with_a_reset),
          cmocka_unit_test(a_stream_far_behind_is_given_no_more_than_may_wait_for_it),
          cmocka_unit_test(the_first_heartbeat_has_the_time_of_the_answer_that_began_the_stream),
          cmocka_unit_test(who_waits_to_ask_does_so_when_those_who_asked_have_left),
          cmocka_unit_test(those_behind_take_turns_also_if_nothing_is_theirs))
