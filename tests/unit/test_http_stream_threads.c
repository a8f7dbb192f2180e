/* Answers that go on: what a client gets of what a loop appends, and how they end. */
#include "http_client.h"

#include "http/stream.h"

#include <semaphore.h>
#include <stdatomic.h>

enum { MAX_BYTES = 32 * 1024 };

static struct rr_http_conf conf;
static struct rr_http *http;
static struct rr_req *stream; /* the newest one; the loop's */
static struct rr_loop *loop;
static sem_t begun, over, ran;
static atomic_int drains;

/* ---- the service ---- */

static void drained(struct rr_req *r)
{
    if (drains++ == 0)
        assert_true(rr_stream_put(r, "hello ", 6));
}

static enum rr_step begin(struct rr_req *r)
{
    enum rr_step step = rr_reply_stream(r, "text/event-stream", MAX_BYTES, drained);

    stream = r;
    loop = r->loop;
    sem_post(&begun);
    return step;
}

static void ctx_fini(void *ctx)
{
    (void)ctx;
    stream = NULL;
    sem_post(&over);
}

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/stream", .handle = begin, .ctx_size = 1, .ctx_fini = ctx_fini},
    {0},
};
static const struct rr_http_service service = {.routes = routes};

static int start(void **state)
{
    (void)state;
    conf = client_conf(1);
    drains = 0;
    sem_init(&begun, 0, 0);
    sem_init(&over, 0, 0);
    sem_init(&ran, 0, 0);
    assert_int_equal(0, rr_http_start(&conf, &service, &http));
    return 0;
}

static int stop_service(void **state)
{
    (void)state;
    if (http)
        rr_http_stop(http);
    http = NULL;
    return 0;
}

/* ---- in the loop's thread ---- */

static struct {
    struct rr_post post;
    void (*run)(void);
} task;

static void run_task(struct rr_post *p)
{
    (void)p;
    task.run();
    sem_post(&ran);
}

static void in_loop(void (*run)(void))
{
    task.post.run = run_task;
    task.run = run;
    rr_loop_post(loop, &task.post);
    sem_wait(&ran);
}

static void put_world(void)
{
    assert_true(rr_stream_put(stream, "world", 5));
}

static void end(void)
{
    rr_stream_end(stream);
    assert_false(rr_stream_put(stream, "late", 4));
}

static bool took_all;

static void put_much(void)
{
    static char kilobyte[1024];

    took_all = stream != NULL;
    for (int i = 0; i < 16 && took_all; i++)
        took_all = rr_stream_put(stream, kilobyte, sizeof(kilobyte));
}

/* A client that takes everything: what comes out is what went in. */
static void put_long(void)
{
    char block[3000];

    for (int i = 0; i < 10; i++) {
        memset(block, 'a' + i, sizeof(block));
        assert_true(rr_stream_put(stream, block, sizeof(block)));
    }
    rr_stream_end(stream);
}

/* ---- the client ---- */

static int ask(const char *version)
{
    int fd = client_connect(rr_http_port(http));
    char text[64];

    snprintf(text, sizeof(text), "GET /stream HTTP/%s\r\nHost: test\r\n\r\n", version);
    client_send(fd, text);
    sem_wait(&begun);
    return fd;
}

static void read_exactly(int fd, char *to, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = recv(fd, to + got, n - got, 0);

        assert_true(more > 0);
        got += (size_t)more;
    }
    to[n] = '\0';
}

/* The length of the next chunk, whose bytes are in `to`; 0: the end. */
static size_t read_chunk(int fd, char *to)
{
    char line[16] = "";
    size_t n = 0, len;

    while (n < 2 || line[n - 1] != '\n')
        read_exactly(fd, line + n++, 1);
    len = strtoul(line, NULL, 16);
    read_exactly(fd, to, len + 2);
    assert_memory_equal(to + len, "\r\n", 2);
    to[len] = '\0';
    return len;
}

static void assert_chunk(int fd, const char *text)
{
    char chunk[ANSWER_BYTES];

    assert_int_equal(read_chunk(fd, chunk), strlen(text));
    assert_string_equal(chunk, text);
}

static void read_head(int fd)
{
    static struct answer a;

    assert_true(client_read_head(fd, &a));
    assert_non_null(strstr(a.head, " 200 "));
    assert_string_equal("text/event-stream", answer_header(&a, "Content-Type"));
    assert_non_null(answer_header(&a, "X-Request-Id"));
}

/* ---- tests ---- */

static void what_is_appended_comes_at_once(void **state)
{
    int fd = ask("1.1");

    (void)state;
    read_head(fd);
    assert_chunk(fd, "hello ");
    in_loop(put_world);
    assert_chunk(fd, "world");
    in_loop(put_world);
    assert_chunk(fd, "world");
    in_loop(end);
    assert_chunk(fd, "");
    sem_wait(&over);
    /* the connection stays usable */
    client_send(fd, "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_false(client_is_closed(fd));
    close(fd);
}

static void a_client_without_chunks_gets_the_bytes_until_the_connection_closes(void **state)
{
    char text[16];
    int fd = ask("1.0");

    (void)state;
    read_head(fd);
    read_exactly(fd, text, 6);
    in_loop(put_world);
    read_exactly(fd, text + 6, 5);
    assert_string_equal("hello world", text);
    in_loop(end);
    assert_true(client_is_closed(fd));
    sem_wait(&over);
    close(fd);
}

static void long_streams_come_whole_and_in_order(void **state)
{
    static char all[2 * ANSWER_BYTES];
    size_t len = 0, more;
    int fd = ask("1.1");

    (void)state;
    read_head(fd);
    assert_chunk(fd, "hello ");
    in_loop(put_long);
    while ((more = read_chunk(fd, all + len)))
        len += more;
    assert_int_equal(len, 30000);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(all[i], 'a' + (char)(i / 3000));
    sem_wait(&over);
    close(fd);
}

static void a_client_that_left_is_noticed_when_something_is_sent(void **state)
{
    int fd = ask("1.1");

    (void)state;
    read_head(fd);
    assert_chunk(fd, "hello ");
    close(fd);
    do {
        in_loop(put_much);
    } while (took_all);
    sem_wait(&over);
}

static void a_client_that_takes_too_little_is_cut_off(void **state)
{
    const int small = 4096;
    struct linger at_once = {.l_onoff = 1};
    int fd = ask("1.1"), rounds = 0;

    (void)state;
    assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
    do {
        in_loop(put_much);
        rounds++;
    } while (took_all);
    assert_true(rounds > 2);
    assert_true(rounds < 1000);
    sem_wait(&over);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void streams_end_when_the_service_stops(void **state)
{
    int fd = ask("1.1");

    (void)state;
    read_head(fd);
    assert_chunk(fd, "hello ");
    assert_int_equal(0, stop_service(NULL));
    assert_chunk(fd, "");
    assert_true(client_is_closed(fd));
    assert_int_equal(0, sem_trywait(&over));
    close(fd);
}

static void a_stream_that_nobody_reads_does_not_hold_the_end_up(void **state)
{
    int fd;

    (void)state;
    conf.drain_ms = 200;
    fd = ask("1.1");
    in_loop(put_much);
    in_loop(put_much);
    in_loop(put_much);
    assert_int_equal(0, stop_service(NULL));
    assert_int_equal(0, sem_trywait(&over));
    close(fd);
}

static void head_is_answered_without_a_body(void **state)
{
    static struct answer a;
    int fd = client_connect(rr_http_port(http));

    (void)state;
    client_send(fd, "HEAD /stream HTTP/1.1\r\nHost: test\r\n\r\n");
    sem_wait(&begun);
    sem_wait(&over);
    client_read(fd, &a, true);
    assert_int_equal(200, a.status);
    assert_int_equal(0, drains);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop_service)
UNIT_MAIN(TEST(what_is_appended_comes_at_once),
          TEST(a_client_without_chunks_gets_the_bytes_until_the_connection_closes),
          TEST(long_streams_come_whole_and_in_order),
          TEST(a_client_that_left_is_noticed_when_something_is_sent),
          TEST(a_client_that_takes_too_little_is_cut_off), TEST(streams_end_when_the_service_stops),
          TEST(a_stream_that_nobody_reads_does_not_hold_the_end_up), TEST(head_is_answered_without_a_body))
