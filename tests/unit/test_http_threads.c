/* Requests that wait for workers of other threads, and the end of a service while they do. */
#include "http_client.h"

#include "time.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { LOOPS = 3, WORKERS = 4, CLIENTS = 8, ROUNDS = 100 };

static struct rr_http_conf conf;
static struct rr_http *http;
static struct answer a;

/* ---- workers ---- */

struct job {
    struct rr_post post;
    struct rr_req *r;
    struct job *next;
    char result[32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct job *queue;
static bool workers_end;
static pthread_t workers[WORKERS];
static atomic_int handler_calls, ctx_ends;
static sem_t given_to_worker, worker_may_go_on;

static void *work(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct job *j = queue;

        if (j) {
            queue = j->next;
            pthread_mutex_unlock(&lock);
            snprintf(j->result, sizeof(j->result), "done %.20s", j->r->arg[0]);
            rr_loop_post(j->r->loop, &j->post);
            pthread_mutex_lock(&lock);
        } else if (workers_end) {
            break;
        } else {
            pthread_cond_wait(&changed, &lock);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void start_workers(void)
{
    workers_end = false;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(0, pthread_create(&workers[i], NULL, work, NULL));
}

static void end_workers(void)
{
    pthread_mutex_lock(&lock);
    workers_end = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

static void job_done(struct rr_post *p)
{
    rr_resume(((struct job *)(void *)p)->r);
}

/* ---- the service ---- */

static enum rr_step reply(struct rr_req *r, const char *text)
{
    struct rr_buf body = {0};

    rr_buf_puts(&body, text);
    return rr_reply_text(r, 200, "text/plain", &body);
}

static enum rr_step worked(struct rr_req *r)
{
    struct job *j = r->ctx;

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, j->result);
    j->r = r;
    j->post.run = job_done;
    pthread_mutex_lock(&lock);
    j->next = queue;
    queue = j;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return RR_WAIT;
}

static void count_ctx_end(void *ctx)
{
    (void)ctx;
    ctx_ends++;
}

/* A job that a thread of its own holds until the test lets it go. */
static void *hold(void *arg)
{
    struct job *j = arg;

    sem_post(&given_to_worker);
    sem_wait(&worker_may_go_on);
    snprintf(j->result, sizeof(j->result), "done %.20s", j->r->arg[0]);
    rr_loop_post(j->r->loop, &j->post);
    return NULL;
}

static pthread_t holder;
static struct rr_loop *held_loop;

static void held_is_given_up(struct rr_req *r)
{
    rr_json_text(rr_problem_members(r), "held_id", r->arg[0]);
}

static enum rr_step held(struct rr_req *r)
{
    struct job *j = r->ctx;

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, j->result);
    j->r = r;
    j->post.run = job_done;
    held_loop = r->loop;
    r->given_up = held_is_given_up;
    assert_int_equal(0, pthread_create(&holder, NULL, hold, j));
    return RR_WAIT;
}

/* A request that waits in its loop until something else happens there. */
struct loop_app {
    struct rr_turn turn;
    struct rr_req *parked;
    bool resume_after_turn;
};

static atomic_int inits, finis;

static void after_turn(struct rr_turn *t)
{
    struct loop_app *app = t->arg;

    if (!app->resume_after_turn || !app->parked)
        return;
    app->resume_after_turn = false;
    rr_resume(rr_take(app->parked));
}

static enum rr_err loop_init(struct rr_loop *l, void *arg, void **ret)
{
    struct loop_app *app = calloc(1, sizeof(*app));

    if (!app)
        return RR_NO_MEMORY;
    if (arg && ++inits == LOOPS) {
        free(app);
        return RR_INTERNAL;
    }
    app->turn = (struct rr_turn){.after = after_turn, .arg = app};
    rr_loop_after_turn(l, &app->turn);
    *ret = app;
    return RR_OK;
}

static void loop_fini(struct rr_loop *l, void *arg)
{
    struct loop_app *app = arg;

    assert_ptr_equal(app, rr_loop_app(l));
    finis++;
    if (app->parked)
        rr_resume(app->parked);
    free(app);
}

static enum rr_step park(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    handler_calls++;
    if (r->phase++ > 0)
        return reply(r, "parked and resumed");
    app->parked = r;
    sem_post(&given_to_worker);
    return RR_WAIT;
}

static enum rr_step park_for_the_turn(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    app->resume_after_turn = app->resume_after_turn || !r->phase;
    return park(r);
}

static enum rr_step unpark(struct rr_req *r)
{
    struct loop_app *app = rr_loop_app(r->loop);

    rr_resume(rr_take(app->parked));
    return reply(r, "unparked");
}

#define WITH_JOB(fn) .handle = fn, .ctx_size = sizeof(struct job), .ctx_fini = count_ctx_end

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/worked/{n}", WITH_JOB(worked)},
    {.method = "GET", .pattern = "/held/{n}", WITH_JOB(held)},
    {.method = "POST", .pattern = "/held/{n}", WITH_JOB(held)},
    {.method = "GET", .pattern = "/park", .handle = park, .ctx_size = 1, .ctx_fini = count_ctx_end},
    {.method = "GET", .pattern = "/park-for-the-turn", .handle = park_for_the_turn},
    {.method = "GET", .pattern = "/unpark", .handle = unpark},
    {0},
};

static const struct rr_http_service service = {
    .name = "test", .routes = routes, .loop_init = loop_init, .loop_fini = loop_fini};

static void start(uint32_t loops, uint32_t drain_ms)
{
    conf = client_conf(loops);
    conf.drain_ms = drain_ms;
    handler_calls = ctx_ends = inits = finis = 0;
    assert_int_equal(0, rr_http_start(&conf, &service, &http));
}

static int ask(const char *path)
{
    char text[256];
    int fd = client_connect(rr_http_port(http));

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    client_send(fd, text);
    return fd;
}

static void *stop_service(void *arg)
{
    rr_http_stop(arg);
    return NULL;
}

/* ---- waiting ---- */

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

/* ---- the end ---- */

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
        cmocka_unit_test(each_waiting_request_gets_its_own_result),
        cmocka_unit_test(a_pipelined_request_waits_for_the_one_before_it),
        cmocka_unit_test(a_request_resumed_by_a_hook_or_another_handler_does_not_wait_on),
        cmocka_unit_test(a_client_that_leaves_while_its_request_waits_harms_nobody),
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

    rr_signal_init();
    sem_init(&given_to_worker, 0, 0);
    sem_init(&worker_may_go_on, 0, 0);
    sem_init(&loop_is_held_up, 0, 0);
    sem_init(&result_is_there, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
