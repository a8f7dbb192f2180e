/* The story of a read, without a client and without PostgreSQL: both are played by the test. */
#include "unit.h"

#include "http/http_internal.h"
#include "read.h"
#include "time.h"
#include "token.h"

static struct {
    struct query_loop loop;
    struct rr_query *submitted; /* what waits for its answer */
    const char *token;          /* the request's Consistency-Token */
    enum rr_err answered;
} world;

void *__wrap_rr_loop_app(const struct rr_loop *l);
enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q);
bool __wrap_rr_pg_is_up(const struct rr_pg *pg);
void __wrap_rr_resume(struct rr_req *r);
const char *__wrap_rr_header(const struct rr_req *r, const char *name);
int __wrap_rr_query_each(struct rr_req *r, bool (*each)(void *arg, const char *name, const char *value),
                         void *arg);
enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err);

void *__wrap_rr_loop_app(const struct rr_loop *l)
{
    (void)l;
    return &world.loop;
}

enum rr_err __wrap_rr_pg_submit(struct rr_pg *pg, struct rr_query *q)
{
    (void)pg;
    world.submitted = q;
    return RR_OK;
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

const char *__wrap_rr_header(const struct rr_req *r, const char *name)
{
    (void)r;
    return strcmp(name, "Consistency-Token") == 0 ? world.token : NULL;
}

int __wrap_rr_query_each(struct rr_req *r, bool (*each)(void *arg, const char *name, const char *value),
                         void *arg)
{
    (void)r;
    (void)each;
    (void)arg;
    return 0;
}

enum rr_step __wrap_rr_reply_error(struct rr_req *r, enum rr_err err)
{
    (void)r;
    world.answered = err;
    return RR_DONE;
}

/* ---- a read of one statement ---- */

static enum rr_err parse(struct read *rd)
{
    static const struct rr_pg_stmt stmt = {"thing", "SELECT 1"};

    read_statement(rd, &stmt);
    return RR_OK;
}

static const struct read_kind kind = {.parse = parse};

struct fixture {
    struct rr_http_req http;
    struct rr_route route;
    struct read rd;
};

static int set_up(void **state)
{
    static const struct query_conf conf = {.pg.timeout_ms = 1000, .request_timeout_ms = 5000};
    struct fixture *f = calloc(1, sizeof(*f));

    memset(&world, 0, sizeof(world));
    world.loop.conf = &conf;
    world.loop.session.generation = 1;
    f->route.may = RR_USERS;
    f->http.req = (struct rr_req){.route = &f->route, .http = &f->http, .ctx = &f->rd};
    f->http.headers_end = &f->http.headers;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
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

    while (read_step(&f->http.req, &kind) == RR_WAIT) {
        assert_true(++asked <= 100);
        answer_with(RR_DB_UNAVAILABLE);
    }
    assert_true(asked >= 2);
    assert_int_equal(world.answered, RR_DB_UNAVAILABLE);
}

static void who_is_nobody_waits_for_no_token(void **state)
{
    struct fixture *f = *state;

    f->route.may = RR_EVERYBODY;
    world.token = "AgAAAAAAAAABAAAAASVP6u8";
    assert_int_equal(read_step(&f->http.req, &kind), RR_WAIT);
    assert_int_equal(f->rd.waiter.n_tokens, 0);
    assert_string_equal(world.submitted->stmt->name, "thing");
}

/* ---- parameters ---- */

static const char *time_param(struct read *rd, const char *text)
{
    int64_t us;

    assert_null(rr_time_parse(text, strlen(text), &us));
    rd->query.n_params = 0;
    read_param_time(rd, us);
    return rd->query.params[0];
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
    assert_string_equal(f->rd.query.params[0], "-infinity");
    assert_string_equal(f->rd.query.params[1], "infinity");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_read_that_loses_every_connection_is_unavailable_and_no_fault_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_nobody_waits_for_no_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_instant_that_can_be_asked_for_is_finite, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beyond_them_lies_infinity, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
