/* What a handler is given and what becomes of its answer. */
#include "http_client.h"

#include "http/request.h"

#include <unistd.h>

static struct rr_http_conf conf;
static struct rr_http *http;
static uint16_t port;
static struct answer a;

/* ---- the service ---- */

static bool write_param(void *arg, const char *name, const char *value)
{
    rr_json_text(arg, name, value);
    return true;
}

/* Says what it was asked. */
static enum rr_step echo(struct rr_req *r)
{
    struct rr_buf body = {0};
    struct rr_json j;

    rr_json_init(&j, &body);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "arg", r->arg[0]);
    rr_json_text(&j, "user", r->user);
    rr_json_text(&j, "trace_id", r->trace_id);
    rr_json_text(&j, "if_match", rr_header(r, "If-Match"));
    rr_json_text(&j, "if_match_all", rr_header_list(r, "If-Match"));
    rr_json_object(&j, "query");
    assert_int_equal(1, rr_query_each(r, write_param, &j));
    rr_json_end_object(&j);
    rr_json_end_object(&j);
    rr_reply_header(r, "ETag", "\"7\"");
    return rr_reply_json(r, 200, &body);
}

static enum rr_step refuse(struct rr_req *r)
{
    struct rr_json *j = rr_problem_members(r);

    rr_problem_detail(r, "room %d is taken", 7);
    rr_problem_param(r, "starts_at", "has to be before %s", "ends_at");
    rr_problem_param(r, "capacity", "has to be from 1 to 100");
    rr_json_array(j, "conflicts");
    rr_json_int(j, NULL, 1);
    rr_json_end_array(j);
    rr_json_text(j, "next", "later");
    return rr_reply_error(r, RR_SLOT_TAKEN);
}

static enum rr_step busy(struct rr_req *r)
{
    return rr_reply_error(r, RR_DB_BUSY);
}

static enum rr_step busy_for_long(struct rr_req *r)
{
    rr_reply_header(r, "Retry-After", "30");
    return rr_reply_error(r, RR_DB_BUSY);
}

static enum rr_step not_modified(struct rr_req *r)
{
    return rr_reply_empty(r, 304);
}

static enum rr_step exhausted(struct rr_req *r)
{
    struct rr_buf body = {.failed = true};

    return rr_reply_json(r, 200, &body);
}

struct big {
    char zeros[4096];
};

static int released;

static void release(void *p)
{
    assert_ptr_equal(&released, p);
    released++;
}

static void big_fini(void *ctx)
{
    assert_int_equal('x', ((struct big *)ctx)->zeros[4095]);
    assert_int_equal(0, released);
    released = 10;
}

static enum rr_step big(struct rr_req *r)
{
    struct big *ctx = r->ctx;
    struct rr_buf body = {0};

    for (size_t i = 0; i < sizeof(ctx->zeros); i++)
        assert_int_equal(0, ctx->zeros[i]);
    ctx->zeros[4095] = 'x';
    released = 0;
    rr_req_keep(r, &released, release);
    rr_req_keep(r, &released, release);
    return rr_reply_json(r, 200, &body);
}

static struct rr_buf board; /* what all who ask /board are given */

static enum rr_step show_board(struct rr_req *r)
{
    return rr_reply_shared(r, 200, "text/plain", &board, release, &released);
}

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/echo/{arg}", .handle = echo},
    {.method = "GET", .pattern = "/refuse", .handle = refuse},
    {.method = "GET", .pattern = "/busy", .handle = busy},
    {.method = "GET", .pattern = "/busy-for-long", .handle = busy_for_long},
    {.method = "GET", .pattern = "/not-modified", .handle = not_modified},
    {.method = "GET", .pattern = "/exhausted", .handle = exhausted},
    {.method = "POST", .pattern = "/exhausted", .handle = exhausted},
    {.method = "GET", .pattern = "/board", .handle = show_board},
    {.method = "GET", .pattern = "/big", .handle = big, .ctx_size = sizeof(struct big), .ctx_fini = big_fini},
    {0},
};

static const struct rr_http_service service = {.routes = routes};

static void ask(const char *line, const char *headers, const char *body)
{
    client_ask(port, line, headers, body, &a);
}

static void assert_problem(unsigned status, const char *code)
{
    char text[64];

    assert_int_equal(status, a.status);
    assert_string_equal("application/problem+json", answer_header(&a, "Content-Type"));
    snprintf(text, sizeof(text), "\"code\":\"%s\"", code);
    assert_non_null(strstr(a.body, text));
    snprintf(text, sizeof(text), "\"status\":%u", status);
    assert_non_null(strstr(a.body, text));
}

/* ---- reading ---- */

static void a_request_reaches_its_handler_decoded(void **state)
{
    (void)state;
    ask("GET /echo/a%2Fb?x=1%20%2B+2&flag&y=%C3%A9", "If-Match: \"3\"\r\n", "");
    assert_int_equal(200, a.status);
    assert_non_null(strstr(a.body, "\"arg\":\"a/b\""));
    assert_non_null(strstr(a.body, "\"user\":\"admin\""));
    assert_non_null(strstr(a.body, "\"if_match\":\"\\\"3\\\"\""));
    assert_non_null(strstr(a.body, "\"query\":{\"x\":\"1 + 2\",\"flag\":\"\",\"y\":\"\xC3\xA9\"}"));
    assert_string_equal("\"7\"", answer_header(&a, "ETag"));
    assert_string_equal("application/json", answer_header(&a, "Content-Type"));
}

static void the_lines_of_a_list_are_one_list(void **state)
{
    (void)state;
    ask("GET /echo/a", "If-Match: \"3\"\r\nif-match:\r\nX-Other: 1\r\nIF-MATCH: \"4\", \"5\"\r\n", "");
    assert_non_null(strstr(a.body, "\"if_match\":\"\\\"3\\\"\""));
    assert_non_null(strstr(a.body, "\"if_match_all\":\"\\\"3\\\", \\\"4\\\", \\\"5\\\"\""));
    ask("GET /echo/a", "If-Match:\r\n", "");
    assert_non_null(strstr(a.body, "\"if_match_all\":\"\""));
    ask("GET /echo/a", "", "");
    assert_non_null(strstr(a.body, "\"if_match_all\":null"));
}

static void a_broken_escape_in_path_or_query_is_malformed(void **state)
{
    (void)state;
    ask("GET /echo/%zz", "", "");
    assert_problem(400, "bad-request");
    ask("GET /echo/a?x=%00", "", "");
    assert_problem(400, "bad-request");
    ask("GET /echo/a?%4=1", "", "");
    assert_problem(400, "bad-request");
}

static void the_request_id_of_the_client_is_kept(void **state)
{
    (void)state;
    ask("GET /nowhere", "X-Request-Id: My_request-1.2\r\n", "");
    assert_string_equal("My_request-1.2", answer_header(&a, "X-Request-Id"));
    assert_non_null(strstr(a.body, "\"request_id\":\"My_request-1.2\""));
}

static void a_bad_request_id_is_replaced(void **state)
{
    static const char *const bad[] = {
        "", "X-Request-Id: \r\n", "X-Request-Id: a b\r\n", "X-Request-Id: a\"b\r\n",
        "X-Request-Id: 01234567890123456789012345678901234567890123456789012345678901234\r\n"};
    char before[65] = "";

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        ask("GET /livez", bad[i], "");
        assert_int_equal(16, strspn(answer_header(&a, "X-Request-Id"), "0123456789abcdef"));
        assert_string_not_equal(before, answer_header(&a, "X-Request-Id"));
        snprintf(before, sizeof(before), "%.64s", answer_header(&a, "X-Request-Id"));
    }
}

static void a_valid_traceparent_gives_the_trace_id(void **state)
{
    static const char *const good[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes",
    };
    char line[128];

    (void)state;
    for (size_t i = 0; i < RR_LEN(good); i++) {
        snprintf(line, sizeof(line), "traceparent: %s\r\n", good[i]);
        ask("GET /echo/a", line, "");
        assert_non_null(strstr(a.body, "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""));
    }
}

static void a_broken_traceparent_is_as_if_not_there(void **state)
{
    static const char *const bad[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    };
    char line[128];

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        snprintf(line, sizeof(line), "traceparent: %s\r\n", bad[i]);
        ask("GET /echo/a", line, "");
        assert_int_equal(200, a.status);
        assert_null(strcasestr(a.body, "4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_int_equal(32, strspn(strstr(a.body, "\"trace_id\":\"") + 12, "0123456789abcdef"));
    }
}

/* ---- answers ---- */

static void a_problem_says_all_that_the_handler_said(void **state)
{
    (void)state;
    ask("GET /refuse", "X-Request-Id: r1\r\n", "");
    assert_problem(409, "slot-taken");
    assert_string_equal(
        "{\"type\":\"/problems/slot-taken\",\"title\":\"the room is already reserved for this time\","
        "\"status\":409,\"detail\":\"room 7 is taken\",\"code\":\"slot-taken\",\"request_id\":\"r1\","
        "\"invalid_params\":[{\"name\":\"starts_at\",\"reason\":\"has to be before ends_at\"},"
        "{\"name\":\"capacity\",\"reason\":\"has to be from 1 to 100\"}],"
        "\"conflicts\":[1],\"next\":\"later\"}",
        a.body);
}

static void transient_errors_say_when_to_retry(void **state)
{
    (void)state;
    ask("GET /busy", "", "");
    assert_problem(503, "database-busy");
    assert_string_equal("1", answer_header(&a, "Retry-After"));
    ask("GET /busy-for-long", "", "");
    assert_string_equal("30", answer_header(&a, "Retry-After"));
}

static void an_empty_answer_has_no_body(void **state)
{
    (void)state;
    ask("GET /not-modified", "", "");
    assert_int_equal(304, a.status);
    assert_null(answer_header(&a, "Content-Type"));
    assert_non_null(answer_header(&a, "X-Request-Id"));
}

static void an_answer_without_memory_is_503(void **state)
{
    (void)state;
    ask("GET /exhausted", "", "");
    assert_problem(503, "no-memory");
    assert_string_equal("1", answer_header(&a, "Retry-After"));
}

static void what_a_request_without_memory_for_its_answer_has_changed_is_not_known(void **state)
{
    (void)state;
    ask("POST /exhausted", "", "");
    assert_problem(503, "outcome-unknown");
    assert_string_equal("1", answer_header(&a, "Retry-After"));
}

static void a_context_is_zeroed_and_released_before_what_the_request_keeps(void **state)
{
    (void)state;
    ask("GET /big", "", "");
    ask("GET /livez", "", "");
    rr_http_stop(http);
    assert_int_equal(12, released);
    assert_int_equal(0, rr_http_start(&conf, &service, &http));
    port = rr_http_port(http);
}

/* ---- health and metrics ---- */

static void livez_and_metrics_are_built_in(void **state)
{
    (void)state;
    ask("GET /livez", "", "");
    assert_int_equal(200, a.status);
    assert_string_equal("ok\n", a.body);
    ask("GET /echo/a", "", "");
    ask("GET /nowhere", "", "");
    ask("GET /metrics", "", "");
    assert_int_equal(200, a.status);
    assert_non_null(
        strstr(a.body, "\nrr_http_requests_total{route=\"/echo/{arg}\",method=\"GET\",status=\"200\"} "));
    assert_non_null(strstr(a.body, "\nrr_http_request_seconds_count{route=\"none\"} "));
    assert_non_null(strstr(a.body, "\nrr_http_in_flight 1\n"));
    assert_non_null(strstr(a.body, "\nrr_http_connections "));
}

/* ---- starting ---- */

static void without_authentication_only_loopback_is_listened_on(void **state)
{
    struct rr_http_conf open = client_conf(1);
    struct rr_http *h;

    (void)state;
    open.host = "0.0.0.0";
    assert_int_equal(-EPERM, rr_http_start(&open, &service, &h));
    open.host = "::";
    assert_int_equal(-EPERM, rr_http_start(&open, &service, &h));
    open.host = "0.0.0.0";
    open.auth_off_beyond_loopback = 1;
    assert_int_equal(0, rr_http_start(&open, &service, &h));
    rr_http_stop(h);
}

static void a_port_in_use_is_refused(void **state)
{
    struct rr_http_conf same = client_conf(2);
    struct rr_http *h;

    (void)state;
    same.port = port;
    assert_int_equal(-EADDRINUSE, rr_http_start(&same, &service, &h));
}

static void an_unknown_host_is_refused(void **state)
{
    struct rr_http_conf nowhere = client_conf(1);
    struct rr_http *h;

    (void)state;
    nowhere.host = "no.such.host.invalid";
    assert_int_equal(-EADDRNOTAVAIL, rr_http_start(&nowhere, &service, &h));
}

static void bytes_that_answers_share_are_released_once_for_each(void **state)
{
    struct rr_http_conf own = client_conf(1);
    struct rr_http *h;

    (void)state;
    assert_int_equal(rr_http_start(&own, &service, &h), 0);
    released = 0;
    rr_buf_puts(&board, "chess, go");
    for (int i = 0; i < 2; i++) {
        client_ask(rr_http_port(h), "GET /board", "", "", &a);
        assert_int_equal(200, a.status);
        assert_string_equal("chess, go", a.body);
        assert_string_equal("text/plain", answer_header(&a, "Content-Type"));
    }
    board.failed = true;
    client_ask(rr_http_port(h), "GET /board", "", "", &a);
    assert_int_equal(503, a.status);
    rr_http_stop(h);
    assert_int_equal(3, released);
    rr_buf_fini(&board);
}

static int set_up(void **state)
{
    (void)state;
    rr_signal_init();
    conf = client_conf(1);
    if (rr_http_start(&conf, &service, &http))
        return -1;
    port = rr_http_port(http);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rr_http_stop(http);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(livez_and_metrics_are_built_in),
        cmocka_unit_test(a_request_reaches_its_handler_decoded),
        cmocka_unit_test(the_lines_of_a_list_are_one_list),
        cmocka_unit_test(a_broken_escape_in_path_or_query_is_malformed),
        cmocka_unit_test(the_request_id_of_the_client_is_kept),
        cmocka_unit_test(a_bad_request_id_is_replaced),
        cmocka_unit_test(a_valid_traceparent_gives_the_trace_id),
        cmocka_unit_test(a_broken_traceparent_is_as_if_not_there),
        cmocka_unit_test(a_problem_says_all_that_the_handler_said),
        cmocka_unit_test(transient_errors_say_when_to_retry),
        cmocka_unit_test(an_empty_answer_has_no_body),
        cmocka_unit_test(an_answer_without_memory_is_503),
        cmocka_unit_test(what_a_request_without_memory_for_its_answer_has_changed_is_not_known),
        cmocka_unit_test(a_context_is_zeroed_and_released_before_what_the_request_keeps),
        cmocka_unit_test(bytes_that_answers_share_are_released_once_for_each),
        cmocka_unit_test(without_authentication_only_loopback_is_listened_on),
        cmocka_unit_test(a_port_in_use_is_refused),
        cmocka_unit_test(an_unknown_host_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
