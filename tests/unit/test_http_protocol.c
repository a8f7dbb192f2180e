/* What a client sees: a real service on a free port, spoken to in bytes. */
#include "http_client.h"

#include <time.h>

static struct rr_http *http;
static uint16_t port;
static struct answer a;

/* ---- the service ---- */

/* Says what it was asked. */
static enum rr_step echo(struct rr_req *r)
{
    struct rr_buf body = {0};
    struct rr_json j;

    rr_json_init(&j, &body);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "arg", r->arg[0]);
    rr_json_textn(&j, "body", r->body, r->body_len);
    rr_json_end_object(&j);
    return rr_reply_json(r, 200, &body);
}

static enum rr_step large(struct rr_req *r)
{
    struct rr_buf body = {0};

    for (int i = 0; i < 6000; i++)
        rr_buf_puts(&body, "0123456789");
    return rr_reply_text(r, 200, "text/plain", &body);
}

static enum rr_step resume_at_once(struct rr_req *r)
{
    struct rr_buf body = {0};

    if (r->phase++ < 3) {
        rr_resume(r);
        return RR_WAIT;
    }
    return rr_reply_json(r, 200, &body);
}

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/echo/{arg}", .handle = echo},
    {.method = "POST", .pattern = "/echo/{arg}", .handle = echo},
    {.method = "PATCH", .pattern = "/echo/{arg}", .handle = echo},
    {.method = "DELETE", .pattern = "/echo/{arg}", .handle = echo},
    {.method = "GET", .pattern = "/large", .handle = large},
    {.method = "GET", .pattern = "/resumed", .handle = resume_at_once},
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

/* ---- methods and paths ---- */

static void unknown_paths_are_404(void **state)
{
    (void)state;
    ask("GET /nowhere", "", "");
    assert_problem(404, "not-found");
    assert_non_null(strstr(a.body, "\"type\":\"/problems/not-found\""));
    ask("GET /echo/a/", "", "");
    assert_problem(404, "not-found");
    ask("OPTIONS /nowhere", "", "");
    assert_problem(404, "not-found");
}

static void another_method_is_405_with_allow(void **state)
{
    (void)state;
    ask("PUT /echo/a", "", "");
    assert_problem(405, "method-not-allowed");
    assert_string_equal("GET, HEAD, POST, PATCH, DELETE, OPTIONS", answer_header(&a, "Allow"));
    ask("BREW /large", "", "");
    assert_problem(405, "method-not-allowed");
    assert_string_equal("GET, HEAD, OPTIONS", answer_header(&a, "Allow"));
}

static void head_is_get_without_the_body(void **state)
{
    (void)state;
    ask("HEAD /large", "", "");
    assert_int_equal(200, a.status);
    assert_string_equal("60000", answer_header(&a, "Content-Length"));
}

static void options_answers_with_allow(void **state)
{
    (void)state;
    ask("OPTIONS /echo/a", "", "");
    assert_int_equal(204, a.status);
    assert_string_equal("GET, HEAD, POST, PATCH, DELETE, OPTIONS", answer_header(&a, "Allow"));
}

/* ---- bodies ---- */

#define JSON "Content-Type: application/json\r\n"

static void a_json_body_is_taken(void **state)
{
    (void)state;
    ask("POST /echo/a", JSON "Content-Length: 2\r\n", "{}");
    assert_int_equal(200, a.status);
    assert_non_null(strstr(a.body, "\"body\":\"{}\""));
    ask("PATCH /echo/a", "content-type: Application/JSON ; charset=utf-8\r\nContent-Length: 2\r\n", "{}");
    assert_int_equal(200, a.status);
    ask("POST /echo/a", JSON "Content-Encoding: identity\r\nContent-Length: 2\r\n", "{}");
    assert_int_equal(200, a.status);
}

static void a_chunked_body_is_taken(void **state)
{
    (void)state;
    ask("POST /echo/a", JSON "Transfer-Encoding: chunked\r\n", "3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n");
    assert_int_equal(200, a.status);
    assert_non_null(strstr(a.body, "\"body\":\"{\\\"a\\\":1}\""));
}

static void without_a_body_no_media_type_is_needed(void **state)
{
    (void)state;
    ask("POST /echo/a", "Content-Length: 0\r\n", "");
    assert_int_equal(200, a.status);
    ask("POST /echo/a", "", "");
    assert_int_equal(200, a.status);
    ask("POST /echo/a", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n");
    assert_int_equal(200, a.status);
}

static void another_media_type_is_415(void **state)
{
    static const char *const bad[] = {"", "Content-Type: text/plain\r\n",
                                      "Content-Type: application/jsonp\r\n",
                                      "Content-Type: application/merge-patch+json\r\n",
                                      "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"};
    char headers[128];

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        snprintf(headers, sizeof(headers), "%sContent-Length: 2\r\n", bad[i]);
        ask("POST /echo/a", headers, "{}");
        assert_problem(415, "unsupported-media-type");
    }
    ask("POST /echo/a", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    assert_problem(415, "unsupported-media-type");
}

static void a_body_where_none_belongs_is_malformed(void **state)
{
    (void)state;
    ask("GET /echo/a", JSON "Content-Length: 2\r\n", "{}");
    assert_problem(400, "bad-request");
    ask("DELETE /echo/a", JSON "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    assert_problem(400, "bad-request");
}

static void send_zeros(int fd, size_t n)
{
    static const char zeros[1000];

    for (; n; n -= n < sizeof(zeros) ? n : sizeof(zeros))
        assert_true(send(fd, zeros, n < sizeof(zeros) ? n : sizeof(zeros), MSG_NOSIGNAL) > 0);
}

static void the_largest_body_is_taken_and_one_byte_more_is_413(void **state)
{
    int fd = client_connect(port);

    (void)state;
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 1000\r\n\r\n");
    send_zeros(fd, 1000);
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 1001\r\n\r\n");
    send_zeros(fd, 1001);
    client_read(fd, &a, false);
    assert_problem(413, "body-too-large");
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n3E9\r\n");
    send_zeros(fd, 1001);
    client_send(fd, "\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, &a, false);
    assert_problem(413, "body-too-large");
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    close(fd);
}

static void a_body_far_too_large_is_answered_at_once(void **state)
{
    int fd = client_connect(port);

    (void)state;
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 9999999999\r\n\r\n");
    client_read(fd, &a, false);
    assert_problem(413, "body-too-large");
    assert_true(client_is_closed(fd));
    close(fd);
}

static void who_waits_for_100_continue_gets_it_or_the_refusal(void **state)
{
    int fd = client_connect(port);

    (void)state;
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON
                    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_read(fd, &a, true);
    assert_int_equal(100, a.status);
    client_send(fd, "{}");
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    client_send(fd, "POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_read(fd, &a, false);
    assert_problem(415, "unsupported-media-type");
    close(fd);
}

static void a_body_whose_end_is_in_doubt_is_refused_and_the_connection_closed(void **state)
{
    static const char *const doubtful[] = {
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < RR_LEN(doubtful); i++) {
        int fd = client_connect(port);

        snprintf(text, sizeof(text), "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "%s\r\n", doubtful[i]);
        client_send(fd, text);
        client_read(fd, &a, false);
        /* libmicrohttpd from 1.0 on refuses some by itself, in its own words. */
        if (answer_header(&a, "Content-Type"))
            assert_problem(400, "bad-request");
        else
            assert_true(a.status == 400 || a.status == 501);
        assert_true(client_is_closed(fd));
        close(fd);
    }
}

/* ---- connections ---- */

static void pipelined_requests_are_answered_in_order(void **state)
{
    int fd = client_connect(port);

    (void)state;
    client_send(fd, "GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo/2 HTTP/1.1\r\nHost: x\r\n" JSON
                    "Content-Length: 2\r\n\r\n{}GET /resumed HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, &a, false);
    assert_non_null(strstr(a.body, "\"arg\":\"1\""));
    client_read(fd, &a, false);
    assert_non_null(strstr(a.body, "\"arg\":\"2\""));
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    client_read(fd, &a, false);
    assert_int_equal(404, a.status);
    client_read(fd, &a, false);
    assert_int_equal(60000, a.body_len);
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    const char *text = "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 2\r\n\r\n{}";
    int fd = client_connect(port);

    (void)state;
    for (; *text; text++)
        assert_int_equal(1, send(fd, text, 1, MSG_NOSIGNAL));
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    close(fd);
}

static void a_connection_that_says_nothing_is_closed(void **state)
{
    struct rr_http_conf impatient = client_conf(1);
    struct rr_http *h;
    int idle, half;

    (void)state;
    impatient.idle_s = 1;
    assert_int_equal(0, rr_http_start(&impatient, &service, &h));
    idle = client_connect(rr_http_port(h));
    half = client_connect(rr_http_port(h));
    client_send(half, "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 2\r\n\r\n{");
    assert_true(client_is_closed(idle));
    assert_true(client_is_closed(half));
    close(idle);
    close(half);
    rr_http_stop(h);
}

/* Each byte ends a silence, so the limit on silence never strikes. Returns what came of it. */
static bool is_cut_off_when_it_trickles(uint16_t to_port, const char *text)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int fd = client_connect(to_port);
    bool cut = false;
    char c;

    for (int i = 0; i < 200 && !cut; i++) {
        if (send(fd, *text ? text : "x", 1, MSG_NOSIGNAL) != 1)
            break;
        text += *text != '\0';
        nanosleep(&pause, NULL);
        cut = recv(fd, &c, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }
    close(fd);
    return cut;
}

static void a_request_that_trickles_in_is_cut_off(void **state)
{
    struct rr_http_conf impatient = client_conf(1);
    struct rr_http *h;

    (void)state;
    impatient.request_s = 1;
    assert_int_equal(0, rr_http_start(&impatient, &service, &h));
    assert_true(is_cut_off_when_it_trickles(rr_http_port(h), "GET /echo/a HTTP/1.1\r\nHost: x\r\nX-Slow: "));
    assert_true(is_cut_off_when_it_trickles(rr_http_port(h), "POST /echo/a HTTP/1.1\r\nHost: x\r\n" JSON
                                                             "Content-Length: 900\r\n\r\n{"));
    rr_http_stop(h);
}

static void too_long_a_header_is_431(void **state)
{
    static char text[40000];
    int fd = client_connect(port);

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    client_send(fd, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ");
    client_send(fd, text + sizeof(text) - 10000);
    client_send(fd, "\r\n\r\n");
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    client_send(fd, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ");
    client_send(fd, text);
    client_read(fd, &a, true);
    assert_int_equal(431, a.status);
    close(fd);
}

static void a_handler_may_resume_itself(void **state)
{
    (void)state;
    ask("GET /resumed", "", "");
    assert_int_equal(200, a.status);
}

static int set_up(void **state)
{
    static struct rr_http_conf conf;

    (void)state;
    conf = client_conf(1);
    rr_signal_init();
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
        cmocka_unit_test(unknown_paths_are_404),
        cmocka_unit_test(another_method_is_405_with_allow),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(options_answers_with_allow),
        cmocka_unit_test(a_json_body_is_taken),
        cmocka_unit_test(a_chunked_body_is_taken),
        cmocka_unit_test(without_a_body_no_media_type_is_needed),
        cmocka_unit_test(another_media_type_is_415),
        cmocka_unit_test(a_body_where_none_belongs_is_malformed),
        cmocka_unit_test(the_largest_body_is_taken_and_one_byte_more_is_413),
        cmocka_unit_test(a_body_far_too_large_is_answered_at_once),
        cmocka_unit_test(who_waits_for_100_continue_gets_it_or_the_refusal),
        cmocka_unit_test(a_body_whose_end_is_in_doubt_is_refused_and_the_connection_closed),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(a_connection_that_says_nothing_is_closed),
        cmocka_unit_test(a_request_that_trickles_in_is_cut_off),
        cmocka_unit_test(too_long_a_header_is_431),
        cmocka_unit_test(a_handler_may_resume_itself),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
