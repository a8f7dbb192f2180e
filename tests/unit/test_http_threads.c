/* Requests that wait for workers of other threads, or for something else of their loop. */
#include "waiting_service.h"

enum { CLIENTS = 8, ROUNDS = 100 };

/* assert_… of cmocka jumps out of its own thread only, so clients count what went well. */
struct client {
    pthread_t thread;
    int number, good;
};

static bool round_trip(int fd, int number, int round)
{
    char text[256];
    ssize_t n;

    n = snprintf(text, sizeof(text), "GET /worked/%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", number, round);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    n = recv(fd, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return false;
    text[n] = '\0';
    snprintf(text + sizeof(text) - 32, 32, "\r\n\r\ndone %d-%d", number, round);
    return strcmp(text + n - strlen(text + sizeof(text) - 32), text + sizeof(text) - 32) == 0;
}

static void *client(void *arg)
{
    struct client *c = arg;
    int fd = client_connect(rr_http_port(http));

    for (int i = 0; i < ROUNDS; i++)
        c->good += round_trip(fd, c->number, i);
    close(fd);
    return NULL;
}

static void each_waiting_request_gets_its_own_result(void **state)
{
    struct client clients[CLIENTS];

    (void)state;
    start(LOOPS, 10000);
    start_workers();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.number = i};
        assert_int_equal(0, pthread_create(&clients[i].thread, NULL, client, &clients[i]));
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(ROUNDS, clients[i].good);
    }
    rr_http_stop(http);
    end_workers();
    assert_int_equal(2 * CLIENTS * ROUNDS, handler_calls);
    assert_int_equal(CLIENTS * ROUNDS, ctx_ends);
    assert_int_equal(LOOPS, finis);
}

static void a_pipelined_request_waits_for_the_one_before_it(void **state)
{
    int fd;

    (void)state;
    start(1, 10000);
    start_workers();
    fd = client_connect(rr_http_port(http));
    client_send(fd, "GET /worked/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /worked/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, &a, false);
    assert_string_equal("done 1", a.body);
    client_read(fd, &a, false);
    assert_string_equal("ok\n", a.body);
    client_read(fd, &a, false);
    assert_string_equal("done 2", a.body);
    close(fd);
    rr_http_stop(http);
    end_workers();
}

static void a_request_resumed_by_a_hook_or_another_handler_does_not_wait_on(void **state)
{
    int parked, other;

    (void)state;
    start(1, 10000);
    parked = ask("/park-for-the-turn");
    client_read(parked, &a, false);
    assert_string_equal("parked and resumed", a.body);
    close(parked);
    sem_wait(&given_to_worker);
    parked = ask("/park");
    sem_wait(&given_to_worker);
    other = ask("/unpark");
    client_read(other, &a, false);
    client_read(parked, &a, false);
    assert_string_equal("parked and resumed", a.body);
    close(parked);
    close(other);
    rr_http_stop(http);
}

static void a_client_that_leaves_while_its_request_waits_harms_nobody(void **state)
{
    int fd;

    (void)state;
    start(1, 10000);
    fd = ask("/held/1");
    sem_wait(&given_to_worker);
    close(fd);
    sem_post(&worker_may_go_on);
    pthread_join(holder, NULL);
    fd = ask("/livez");
    client_read(fd, &a, false);
    assert_int_equal(200, a.status);
    close(fd);
    rr_http_stop(http);
    assert_int_equal(1, ctx_ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_waiting_request_gets_its_own_result),
        cmocka_unit_test(a_pipelined_request_waits_for_the_one_before_it),
        cmocka_unit_test(a_request_resumed_by_a_hook_or_another_handler_does_not_wait_on),
        cmocka_unit_test(a_client_that_leaves_while_its_request_waits_harms_nobody),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
