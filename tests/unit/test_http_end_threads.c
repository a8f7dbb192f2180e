/* The end of a service, and what becomes of the requests that wait then. */
#include "waiting_service.h"

static void *stop_service(void *arg)
{
    rr_http_stop(arg);
    return NULL;
}

static void idle_connections_are_closed_when_the_service_stops(void **state)
{
    int never_used, used, half;

    (void)state;
    start(1, 10000);
    never_used = client_connect(rr_http_port(http));
    half = client_connect(rr_http_port(http));
    client_send(half, "GET /livez HTT");
    used = ask("/livez");
    client_read(used, &a, false);
    assert_null(answer_header(&a, "Connection"));
    rr_http_stop(http);
    assert_true(client_is_closed(never_used));
    assert_true(client_is_closed(used));
    assert_true(client_is_closed(half));
    close(never_used);
    close(used);
    close(half);
}

static void what_is_in_flight_when_the_service_stops_is_finished(void **state)
{
    pthread_t stopper;
    int fd, idle;

    (void)state;
    start(1, 10000);
    idle = client_connect(rr_http_port(http));
    fd = ask("/held/1");
    sem_wait(&given_to_worker);
    assert_int_equal(0, pthread_create(&stopper, NULL, stop_service, http));
    assert_true(client_is_closed(idle)); /* the stop has begun */
    sem_post(&worker_may_go_on);
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    assert_string_equal("done 1", a.body);
    assert_string_equal("close", answer_header(&a, "Connection"));
    assert_true(client_is_closed(fd));
    pthread_join(stopper, NULL);
    pthread_join(holder, NULL);
    assert_int_equal(1, ctx_ends);
    close(fd);
    close(idle);
}

static void what_takes_longer_is_answered_503_and_its_owner_may_come_later(void **state)
{
    pthread_t stopper;
    int fd;

    (void)state;
    start(1, 50);
    fd = ask("/held/1");
    sem_wait(&given_to_worker);
    assert_int_equal(0, pthread_create(&stopper, NULL, stop_service, http));
    client_read(fd, &a, false);
    assert_int_equal(503, a.status);
    assert_non_null(strstr(a.body, "\"code\":\"overloaded\""));
    assert_string_equal("1", answer_header(&a, "Retry-After"));
    assert_true(client_is_closed(fd));
    pthread_join(stopper, NULL);
    assert_int_equal(1, finis);
    sem_post(&worker_may_go_on); /* writes into its context and posts to its loop */
    pthread_join(holder, NULL);
    assert_int_equal(1, handler_calls);
    assert_int_equal(0, ctx_ends);
    close(fd);
}

static void a_write_that_takes_longer_has_an_unknown_outcome(void **state)
{
    pthread_t stopper;
    int fd;

    (void)state;
    start(1, 50);
    fd = client_connect(rr_http_port(http));
    client_send(fd, "POST /held/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    sem_wait(&given_to_worker);
    assert_int_equal(0, pthread_create(&stopper, NULL, stop_service, http));
    client_read(fd, &a, false);
    assert_int_equal(503, a.status);
    assert_non_null(strstr(a.body, "\"code\":\"outcome-unknown\""));
    assert_non_null(strstr(a.body, "\"held_id\":\"1\""));
    sem_post(&worker_may_go_on);
    pthread_join(holder, NULL);
    pthread_join(stopper, NULL);
    close(fd);
}

enum { DRAIN_MS = 1000 };

static sem_t loop_is_held_up, result_is_there;

static void hold_loop_up(struct rr_post *post)
{
    (void)post;
    sem_post(&loop_is_held_up);
    sem_wait(&result_is_there);
}

static void let_time_end(struct rr_post *post)
{
    const struct timespec past_drain = {.tv_sec = DRAIN_MS / 1000, .tv_nsec = 100000000};

    (void)post;
    nanosleep(&past_drain, NULL);
}

static void a_result_that_is_there_when_the_time_ends_is_still_told(void **state)
{
    struct rr_post held_up = {.run = hold_loop_up}, time_ends = {.run = let_time_end};
    pthread_t stopper;
    int fd, idle;

    (void)state;
    start(1, DRAIN_MS);
    idle = client_connect(rr_http_port(http));
    fd = client_connect(rr_http_port(http));
    client_send(fd, "POST /held/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    sem_wait(&given_to_worker);
    assert_int_equal(0, pthread_create(&stopper, NULL, stop_service, http));
    assert_true(client_is_closed(idle)); /* the stop has begun */
    rr_loop_post(held_loop, &held_up);
    sem_wait(&loop_is_held_up);
    sem_post(&worker_may_go_on);
    pthread_join(holder, NULL);
    rr_loop_post(held_loop, &time_ends);
    sem_post(&result_is_there); /* the loop meets the result and the end of the time in one turn */
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    assert_string_equal("done 1", a.body);
    pthread_join(stopper, NULL);
    close(fd);
    close(idle);
}

static void an_owner_that_comes_in_time_after_the_503_releases_the_request(void **state)
{
    pthread_t stopper;
    int fd, slow;

    (void)state;
    start(1, 50);
    slow = client_connect(rr_http_port(http)); /* holds the loop's end up for the time of the flush */
    client_send(slow, "POST /park HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
    fd = ask("/held/1");
    sem_wait(&given_to_worker);
    assert_int_equal(0, pthread_create(&stopper, NULL, stop_service, http));
    client_read(fd, &a, false);
    assert_int_equal(503, a.status);
    sem_post(&worker_may_go_on);
    pthread_join(stopper, NULL);
    pthread_join(holder, NULL);
    assert_int_equal(1, handler_calls);
    assert_int_equal(1, ctx_ends);
    close(fd);
    close(slow);
}

static void what_the_service_hands_back_at_the_end_is_released(void **state)
{
    int fd;

    (void)state;
    start(1, 0);
    fd = ask("/park");
    sem_wait(&given_to_worker);
    rr_http_stop(http);
    client_read(fd, &a, false);
    assert_int_equal(503, a.status);
    assert_int_equal(1, handler_calls);
    assert_int_equal(1, ctx_ends);
    assert_int_equal(1, finis);
    close(fd);
}

static void a_stopped_service_listens_no_more(void **state)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    start(LOOPS, 0);
    addr.sin_port = htons(rr_http_port(http));
    rr_http_stop(http);
    assert_int_equal(-1, connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    assert_int_equal(ECONNREFUSED, errno);
    close(fd);
}

static void a_loop_that_cannot_be_set_up_stops_the_start_and_the_others_are_released(void **state)
{
    struct rr_http_service broken = service;

    (void)state;
    conf = client_conf(LOOPS);
    inits = finis = 0;
    broken.app = &inits;
    assert_int_equal(-EIO, rr_http_start(&conf, &broken, &http));
    assert_int_equal(LOOPS, inits);
    assert_int_equal(LOOPS - 1, finis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_connections_are_closed_when_the_service_stops),
        cmocka_unit_test(what_is_in_flight_when_the_service_stops_is_finished),
        cmocka_unit_test(what_takes_longer_is_answered_503_and_its_owner_may_come_later),
        cmocka_unit_test(a_write_that_takes_longer_has_an_unknown_outcome),
        cmocka_unit_test(a_result_that_is_there_when_the_time_ends_is_still_told),
        cmocka_unit_test(an_owner_that_comes_in_time_after_the_503_releases_the_request),
        cmocka_unit_test(what_the_service_hands_back_at_the_end_is_released),
        cmocka_unit_test(a_stopped_service_listens_no_more),
        cmocka_unit_test(a_loop_that_cannot_be_set_up_stops_the_start_and_the_others_are_released),
    };

    sem_init(&loop_is_held_up, 0, 0);
    sem_init(&result_is_there, 0, 0);
    return cmocka_run_group_tests(tests, prepare, NULL);
}
