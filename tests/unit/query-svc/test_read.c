/* The story of a read, without a client and without PostgreSQL: both are played by the test. */
#include "unit.h"

#include "endpoints.h"
#include "http/http_internal.h"
#include "read.h"
#include "result.h"
#include "time.h"
#include "token.h"

/* A request, and what it was told. */
struct fixture {
    struct rr_http_req http;
    struct rr_route route;
    struct read rd;
    struct rr_value value;       /* its query string's */
    const char *from, *to;       /* likewise, of an endpoint that has a range */
    const char *token, *version; /* its Consistency-Token and If-None-Match */
    enum rr_err err;
    unsigned status;
    char body[80];
};

static struct {
    struct rr_loop *rr_loop;
    struct query_loop loop;
    struct rr_query *submitted; /* what waits for its answer */
    int n_submitted, n_rendered;
    int n_known; /* how often what has to be known first was told */
} world;

void *__wrap_rr_loop_app(const struct rr_loop *l);
enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q);
bool __wrap_rr_pg_is_sent(const struct rr_query *q);
bool __wrap_rr_pg_is_up(const struct rr_pg *pg);
void __wrap_rr_resume(struct rr_req *r);
const char *__wrap_rr_header_list(const struct rr_req *r, const char *name);
int __wrap_rr_query_each(struct rr_req *r, bool (*each)(void *arg, const char *name, const char *value),
                         void *arg);
enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err);
enum rr_step __wrap_rr_reply_shared(struct rr_req *r, unsigned status, const char *content_type,
                                    const struct rr_buf *body, void (*release)(void *owner), void *owner);
enum rr_step __wrap_rr_reply_empty(struct rr_req *r, unsigned status);

static struct fixture *of(const struct rr_req *r)
{
    return (struct fixture *)(void *)r->http;
}

void *__wrap_rr_loop_app(const struct rr_loop *l)
{
    (void)l;
    return &world.loop;
}

enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q)
{
    (void)pg;
    q->timer.due = rr_time_monotonic() + (int64_t)q->timeout_ms * 1000;
    world.submitted = q;
    world.n_submitted++;
    return RR_OK;
}

/* Statements of slow queries only: they are sent at once. */
bool __wrap_rr_pg_is_sent(const struct rr_query *q)
{
    return q->slow;
}

bool __wrap_rr_pg_is_up(const struct rr_pg *pg)
{
    (void)pg;
    return true;
}

void __wrap_rr_resume(struct rr_req *r)
{
    (void)r;
}

const char *__wrap_rr_header_list(const struct rr_req *r, const char *name)
{
    if (strcmp(name, "Consistency-Token") == 0)
        return of(r)->token;
    return strcmp(name, "If-None-Match") == 0 ? of(r)->version : NULL;
}

int __wrap_rr_query_each(struct rr_req *r, bool (*each)(void *arg, const char *name, const char *value),
                         void *arg)
{
    const struct fixture *f = of(r);

    return !f->from || (each(arg, "from", f->from) && each(arg, "to", f->to));
}

enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err)
{
    of(r)->err = err;
    return RR_DONE;
}

enum rr_step __wrap_rr_reply_shared(struct rr_req *r, unsigned status, const char *content_type,
                                    const struct rr_buf *body, void (*release)(void *owner), void *owner)
{
    (void)content_type;
    of(r)->status = status;
    snprintf(of(r)->body, sizeof(of(r)->body), "%s", body->data);
    release(owner);
    return RR_DONE;
}

enum rr_step __wrap_rr_reply_empty(struct rr_req *r, unsigned status)
{
    of(r)->status = status;
    return RR_DONE;
}

/* ---- reads of one statement ---- */

static const struct rr_field fields[] = {{"q", RR_FIELD_TEXT, 0, 1, 200, NULL}};

static enum rr_err parse(struct read *rd)
{
    static const struct rr_pg_stmt stmt = {"thing", "SELECT 1"};

    rd->v[0] = of(rd->r)->value;
    read_statement(rd, &stmt);
    return RR_OK;
}

/* Says for whom it was made; version 7. */
static enum rr_err render(struct read *rd, const PGresult *res)
{
    (void)res;
    world.n_rendered++;
    if (read_not_modified(rd, "7", true))
        return RR_OK;
    rr_buf_printf(&rd->answer->body, "%s %s", rd->r->user, rd->v[0].set ? rd->v[0].text : "all");
    return RR_OK;
}

static const struct read_kind
    by_caller = {.fields = fields, .n_fields = 1, .parse = parse, .render = render},
    by_all = {.fields = fields, .n_fields = 1, .parse = parse, .render = render, .shared = BY_ALL},
    by_nobody = {.fields = fields, .n_fields = 1, .parse = parse, .render = render, .shared = BY_NOBODY};

static const struct rr_route route = {.method = "GET", .pattern = "/v1/things", .may = RR_USERS};

static void init(struct fixture *f, const char *user)
{
    *f = (struct fixture){.http.req = {.route = &route, .user = user}};
    f->http.req.http = &f->http;
    f->http.req.ctx = &f->rd;
    f->http.headers_end = &f->http.headers;
}

static int set_up(void **state)
{
    static const struct query_conf conf = {.pg.timeout_ms = 1000, .request_timeout_ms = 5000};
    struct fixture *f = calloc(3, sizeof(*f)); /* ann, once more ann, bob */

    memset(&world, 0, sizeof(world));
    assert_int_equal(rr_loop_new(0, &world.rr_loop), 0);
    world.loop.conf = &conf;
    world.loop.session = (struct session){.timeout_ms = conf.pg.timeout_ms, .generation = 1};
    read_shared_init(&world.loop, world.rr_loop);
    for (int i = 0; i < 3; i++)
        init(&f[i], i < 2 ? "ann" : "bob");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        read_fini(&f[i].rd);
    rr_loop_free(world.rr_loop);
    free(f);
    return 0;
}

static void answer_with(enum rr_err err)
{
    struct rr_query *q = rr_take(world.submitted);

    q->err = err;
    q->done(q);
}

static void a_read_that_loses_every_connection_is_unavailable_and_no_fault_of_ours(void **state)
{
    struct fixture *f = *state;
    int asked = 0;

    while (read_step(&f->http.req, &by_caller) == RR_WAIT) {
        assert_true(++asked <= 100);
        answer_with(RR_DB_UNAVAILABLE);
    }
    assert_true(asked >= 2);
    assert_int_equal(f->err, RR_DB_UNAVAILABLE);
}

static void who_is_nobody_waits_for_no_token(void **state)
{
    struct fixture *f = *state;

    f->route = route;
    f->route.may = RR_EVERYBODY;
    f->http.req.route = &f->route;
    f->token = "AgAAAAAAAAABAAAAASVP6u8";
    assert_int_equal(read_step(&f->http.req, &by_caller), RR_WAIT);
    assert_int_equal(f->rd.waiter.n_tokens, 0);
    assert_string_equal(world.submitted->stmt->name, "thing");
}

static const struct rr_pg_stmt before = {"before", "SELECT 2"};

static const struct rr_pg_stmt *ask_before(struct read *rd)
{
    (void)rd;
    return &before;
}

static enum rr_err parse_slow(struct read *rd)
{
    rd->question.query.slow = true;
    return parse(rd);
}

static void what_a_statistic_has_to_know_first_is_slow_too(void **state)
{
    static const struct read_kind statistic = {.parse = parse_slow, .first = ask_before};
    struct fixture *f = *state;

    assert_int_equal(read_step(&f->http.req, &statistic), RR_WAIT);
    assert_ptr_equal(world.submitted->stmt, &before);
    assert_true(world.submitted->slow);
}

static void what_another_read_has_to_know_first_is_not_slow(void **state)
{
    static const struct read_kind other = {.parse = parse, .first = ask_before};
    struct fixture *f = *state;

    assert_int_equal(read_step(&f->http.req, &other), RR_WAIT);
    assert_ptr_equal(world.submitted->stmt, &before);
    assert_false(world.submitted->slow);
}

/* ---- reads that have to know the same first ---- */

/* Which then refuses blue things. */
static const struct rr_pg_stmt *ask_until_known(struct read *rd)
{
    if (!world.n_known)
        return &before;
    rd->err = rd->v[0].set ? RR_RULE_BROKEN : RR_OK;
    return NULL;
}

static enum rr_err know(struct read *rd, const PGresult *res)
{
    (void)rd;
    (void)res;
    world.n_known++;
    return RR_OK;
}

static enum rr_err make_no_sense(struct read *rd, const PGresult *res)
{
    (void)rd;
    (void)res;
    return RR_INTERNAL;
}

static const struct read_kind knowing = {.fields = fields,
                                         .n_fields = 1,
                                         .parse = parse_slow,
                                         .first = ask_until_known,
                                         .first_answered = know,
                                         .render = render};

/* All three have come, with different questions. */
static void all_have_to_know(struct fixture *f, const struct read_kind *kind)
{
    f[1].value = (struct rr_value){.set = true, .text = "blue", .len = 4};
    for (int i = 0; i < 3; i++)
        assert_int_equal(read_step(&f[i].http.req, kind), RR_WAIT);
    assert_int_equal(world.n_submitted, 1);
    assert_ptr_equal(world.submitted->stmt, &before);
}

static void what_many_have_to_know_first_is_asked_once(void **state)
{
    struct fixture *f = *state;

    all_have_to_know(f, &knowing);
    answer_with(RR_OK);
    assert_int_equal(world.n_known, 1);
    assert_int_equal(read_step(&f[0].http.req, &knowing), RR_WAIT);
    assert_string_equal(world.submitted->stmt->name, "thing");
    assert_int_equal(read_step(&f[1].http.req, &knowing), RR_DONE);
    assert_int_equal(f[1].err, RR_RULE_BROKEN);
    assert_int_equal(read_step(&f[2].http.req, &knowing), RR_WAIT);
    assert_int_equal(world.n_submitted, 3);
}

static void that_it_cannot_be_known_is_told_to_all_and_not_asked_again(void **state)
{
    struct fixture *f = *state;

    all_have_to_know(f, &knowing);
    answer_with(RR_DB_BUSY);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_step(&f[i].http.req, &knowing), RR_DONE);
        assert_int_equal(f[i].err, RR_DB_BUSY);
    }
    assert_int_equal(world.n_submitted, 1);
    assert_int_equal(world.n_known, 0);
}

static void an_answer_that_makes_no_sense_is_our_fault_for_all(void **state)
{
    static const struct read_kind senseless = {
        .parse = parse_slow, .first = ask_until_known, .first_answered = make_no_sense};
    struct fixture *f = *state;

    all_have_to_know(f, &senseless);
    answer_with(RR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_step(&f[i].http.req, &senseless), RR_DONE);
        assert_int_equal(f[i].err, RR_INTERNAL);
    }
}

static void who_has_no_time_left_does_not_wait_for_what_others_want_to_know(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_step(&f[0].http.req, &knowing), RR_WAIT);
    assert_int_equal(read_step(&f[1].http.req, &knowing), RR_WAIT);
    assert_int_equal(rr_timer_arm(world.rr_loop, &f[1].rd.before.timer, 0), RR_OK);
    rr_loop_turn(world.rr_loop, 0);
    assert_int_equal(read_step(&f[1].http.req, &knowing), RR_DONE);
    assert_int_equal(f[1].err, RR_DB_BUSY);
    answer_with(RR_OK);
    assert_int_equal(world.n_known, 1);
    assert_int_equal(read_step(&f[0].http.req, &knowing), RR_WAIT);
}

static void the_list_of_time_zones_is_a_slow_query(void **state)
{
    struct zones zones;

    (void)state;
    zones_init(&zones, world.rr_loop, NULL, 1000);
    zones_ask(&zones);
    assert_ptr_equal(world.submitted, &zones.query);
    assert_true(world.submitted->slow);
    zones_end(&zones);
}

static bool free_times_are_slow(struct fixture *f, const char *from, const char *to)
{
    static const struct rr_route free_route = {
        .method = "GET", .pattern = "/v1/rooms/{id}/free", .may = RR_USERS};

    f->http.req.route = &free_route;
    f->http.req.arg[0] = "7";
    f->from = from;
    f->to = to;
    assert_int_equal(room_free(&f->http.req), RR_WAIT);
    return world.submitted->slow;
}

/* A room's reservations of years are read for the few gaps that are long enough. */
static void free_times_of_more_than_a_month_are_a_slow_query(void **state)
{
    struct fixture *f = *state;

    assert_false(free_times_are_slow(&f[0], "2026-12-01T00:00Z", "2027-01-01T00:00Z"));
    assert_true(free_times_are_slow(&f[1], "2026-12-01T00:00Z", "2027-12-01T00:00Z"));
}

/* ---- reads that share ---- */

static void wait_for_answer(struct fixture *f, const struct read_kind *kind)
{
    assert_int_equal(read_step(&f->http.req, kind), RR_WAIT);
}

/* The rows that answer what was submitted last. */
static void rows_come(void)
{
    static const char *const row[] = {"t", "1", "2026-12-01 09:00:00+00", "0", "x"};
    struct rr_query *q = rr_take(world.submitted);
    PGresult *res = result_new(COL_DATA + 1);

    result_add(res, row);
    q->err = RR_OK;
    q->res = res;
    q->done(q);
    PQclear(res);
}

static void answered(struct fixture *f, const struct read_kind *kind, unsigned status, const char *body)
{
    assert_int_equal(read_step(&f->http.req, kind), RR_DONE);
    assert_int_equal(f->status, status);
    assert_string_equal(f->body, body);
}

static void one_answer_is_made_for_all_who_ask_the_same(void **state)
{
    struct fixture *f = *state;

    wait_for_answer(&f[0], &by_caller);
    wait_for_answer(&f[1], &by_caller);
    rows_come();
    answered(&f[0], &by_caller, 200, "ann all");
    answered(&f[1], &by_caller, 200, "ann all");
    assert_int_equal(world.n_submitted, 1);
    assert_int_equal(world.n_rendered, 1);
}

static void users_with_other_rights_never_share(void **state)
{
    struct fixture *f = *state;

    f[1].http.req.admin = true;
    for (int i = 0; i < 3; i++)
        wait_for_answer(&f[i], &by_caller);
    assert_int_equal(world.n_submitted, 3);
    rows_come();
    answered(&f[2], &by_caller, 200, "bob all");
}

static void an_answer_that_is_the_same_for_all_users_is_shared_by_them(void **state)
{
    struct fixture *f = *state;

    f[1].http.req.admin = true;
    for (int i = 0; i < 3; i++)
        wait_for_answer(&f[i], &by_all);
    rows_come();
    for (int i = 0; i < 3; i++)
        answered(&f[i], &by_all, 200, "ann all");
    assert_int_equal(world.n_submitted, 1);
}

static void what_changes_something_is_asked_each_time(void **state)
{
    struct fixture *f = *state;

    wait_for_answer(&f[0], &by_nobody);
    wait_for_answer(&f[1], &by_nobody);
    assert_int_equal(world.n_submitted, 2);
}

static void another_query_string_or_path_is_another_question(void **state)
{
    struct fixture *f = *state;

    f[1].value = (struct rr_value){.set = true, .text = "blue", .len = 4};
    f[2].http.req.arg[0] = "7";
    for (int i = 0; i < 3; i++)
        wait_for_answer(&f[i], &by_all);
    assert_int_equal(world.n_submitted, 3);
}

static void ask_with_three_hashes(struct fixture *f, const struct read_kind *kind)
{
    for (int i = 0; i < 3; i++)
        wait_for_answer(&f[i], kind);
    for (int i = 0; i < 3; i++)
        assert_true(f[i].rd.question.hash != f[(i + 1) % 3].rd.question.hash);
}

/* Else each of a thousand would be compared with all the others. */
static void those_who_cannot_share_have_different_hashes(void **state)
{
    struct fixture *f = *state;

    f[1].http.req.admin = true;
    ask_with_three_hashes(f, &by_caller);
}

static void what_is_never_shared_has_a_hash_of_its_own(void **state)
{
    ask_with_three_hashes(*state, &by_nobody);
}

static void each_decides_for_itself_whether_it_has_the_answer(void **state)
{
    struct fixture *f = *state;

    f[1].version = "\"7\"";
    f[2].version = "\"6\"";
    for (int i = 0; i < 3; i++)
        wait_for_answer(&f[i], &by_all);
    rows_come();
    answered(&f[0], &by_all, 200, "ann all");
    answered(&f[1], &by_all, 304, "");
    answered(&f[2], &by_all, 200, "ann all");
    assert_int_equal(world.n_submitted, 1);
}

static void what_is_no_list_of_etags_matches_nothing(void **state)
{
    struct fixture *f = *state;

    f[0].version = "\"7\"x";
    f[1].version = "*x";
    for (int i = 0; i < 2; i++)
        wait_for_answer(&f[i], &by_all);
    rows_come();
    for (int i = 0; i < 2; i++)
        answered(&f[i], &by_all, 200, "ann all");
}

static void a_switch_of_generation_sends_all_who_share_round_again(void **state)
{
    static const char *const elsewhere[] = {"f", "1", "2026-12-01 09:00:00+00", "0", "x"};
    struct fixture *f = *state;
    PGresult *res = result_new(COL_DATA + 1);
    struct rr_query *q;

    result_add(res, elsewhere);
    wait_for_answer(&f[0], &by_caller);
    wait_for_answer(&f[1], &by_caller);
    q = rr_take(world.submitted);
    q->err = RR_OK;
    q->res = res;
    q->done(q);
    PQclear(res);
    wait_for_answer(&f[0], &by_caller);
    wait_for_answer(&f[1], &by_caller);
    rows_come();
    answered(&f[0], &by_caller, 200, "ann all");
    answered(&f[1], &by_caller, 200, "ann all");
    assert_int_equal(world.n_submitted, 2);
}

/* ---- parameters ---- */

static const char *time_param(struct read *rd, const char *text)
{
    int64_t us;

    assert_null(rr_time_parse(text, strlen(text), &us));
    rd->question.query.n_params = 0;
    read_param_time(rd, us);
    return rd->question.query.params[0];
}

static void every_instant_that_can_be_asked_for_is_finite(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(time_param(&f->rd, "0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
    assert_string_equal(time_param(&f->rd, "9999-12-31T23:59:59.999999Z"), "9999-12-31T23:59:59.999999Z");
}

static void beyond_them_lies_infinity(void **state)
{
    struct fixture *f = *state;

    read_param_time(&f->rd, INT64_MIN);
    read_param_time(&f->rd, INT64_MAX);
    assert_string_equal(f->rd.question.query.params[0], "-infinity");
    assert_string_equal(f->rd.question.query.params[1], "infinity");
}

#define TEST(rule) cmocka_unit_test_setup_teardown(rule, set_up, tear_down)
UNIT_MAIN(
    TEST(a_read_that_loses_every_connection_is_unavailable_and_no_fault_of_ours),
    TEST(who_is_nobody_waits_for_no_token), TEST(what_a_statistic_has_to_know_first_is_slow_too),
    TEST(what_another_read_has_to_know_first_is_not_slow), TEST(what_many_have_to_know_first_is_asked_once),
    TEST(that_it_cannot_be_known_is_told_to_all_and_not_asked_again),
    TEST(an_answer_that_makes_no_sense_is_our_fault_for_all),
    TEST(who_has_no_time_left_does_not_wait_for_what_others_want_to_know),
    TEST(the_list_of_time_zones_is_a_slow_query), TEST(free_times_of_more_than_a_month_are_a_slow_query),
    TEST(one_answer_is_made_for_all_who_ask_the_same), TEST(users_with_other_rights_never_share),
    TEST(an_answer_that_is_the_same_for_all_users_is_shared_by_them),
    TEST(what_changes_something_is_asked_each_time), TEST(another_query_string_or_path_is_another_question),
    TEST(those_who_cannot_share_have_different_hashes), TEST(what_is_never_shared_has_a_hash_of_its_own),
    TEST(each_decides_for_itself_whether_it_has_the_answer), TEST(what_is_no_list_of_etags_matches_nothing),
    TEST(a_switch_of_generation_sends_all_who_share_round_again),
    TEST(every_instant_that_can_be_asked_for_is_finite), TEST(beyond_them_lies_infinity))
