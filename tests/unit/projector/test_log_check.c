/* Is the log the one that a position counts in? Asked of librdkafka's mock cluster, over its sockets. */
#include "log_check.h"
#include "unit.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>

#define TOPIC    "cdc.test"
#define KAFKA_MS 20000

struct cluster {
    rd_kafka_t *producer;
    rd_kafka_mock_cluster_t *mock;
    char bootstrap[200];
};

static struct cluster cluster;
static struct failure failure;
static struct log_found found;

static void cluster_start(struct cluster *c)
{
    char error[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", error, sizeof(error)), 0);
    c->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    assert_non_null(c->producer);
    c->mock = rd_kafka_handle_mock_cluster(c->producer);
    snprintf(c->bootstrap, sizeof(c->bootstrap), "%s", rd_kafka_mock_cluster_bootstraps(c->mock));
    assert_int_equal(rd_kafka_mock_topic_create(c->mock, TOPIC, 1, 1), 0);
}

static void produce(struct cluster *c, const char *value)
{
    assert_int_equal(rd_kafka_producev(c->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_TIMESTAMP(1000),
                                       RD_KAFKA_V_VALUE((void *)value, strlen(value)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(c->producer, KAFKA_MS), 0);
}

static int set_up(void **state)
{
    (void)state;
    cluster_start(&cluster);
    produce(&cluster, "zero");
    produce(&cluster, "one");
    produce(&cluster, "two");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rd_kafka_destroy(cluster.producer);
    return 0;
}

static struct rr_kafka *connect_to(const struct cluster *c)
{
    const struct rr_kafka_conf conf = {.bootstrap = c->bootstrap, .topic = TOPIC, .group = "test"};
    struct rr_kafka *k = NULL;

    assert_int_equal(rr_kafka_open(&conf, KAFKA_MS, &k), RR_KAFKA_OK);
    return k;
}

static struct rr_kafka_message next(struct rr_kafka *k)
{
    struct rr_kafka_message m;

    assert_int_equal(rr_kafka_next(k, KAFKA_MS, &m), RR_KAFKA_OK);
    return m;
}

/* A generation that has applied everything up to and with `last`. */
static struct generation applied(int64_t last)
{
    struct generation g = {.position = {.next_offset = last + 1}, .has_fingerprint = true};
    struct rr_kafka *k = connect_to(&cluster);

    snprintf(g.cluster_id, sizeof(g.cluster_id), "%s", rr_kafka_cluster_id(k));
    assert_int_equal(rr_kafka_start(k, last), RR_KAFKA_OK);
    g.fingerprint = next(k).fingerprint;
    rr_kafka_close(k);
    return g;
}

static void check(const struct generation *g)
{
    struct rr_kafka *k = connect_to(&cluster);

    assert_int_equal(log_check(k, g, &found, &failure), 0);
    rr_kafka_close(k);
}

static void the_same_log_is_read_on_at_the_position(void **state)
{
    struct generation g = applied(1);
    struct rr_kafka *k = connect_to(&cluster);

    (void)state;
    assert_int_equal(log_check(k, &g, &found, &failure), 0);
    assert_true(found.same);
    assert_int_equal(next(k).offset, 2);
    rr_kafka_close(k);
}

static void another_message_before_the_position_is_another_log(void **state)
{
    struct generation g = applied(1);

    (void)state;
    g.fingerprint = applied(0).fingerprint;
    check(&g);
    assert_false(found.same);
    assert_non_null(strstr(found.why, "offset 1 is not the one that was applied"));
    assert_int_equal(found.begin, 0);
}

static void another_cluster_is_another_log(void **state)
{
    struct generation g = applied(1);

    (void)state;
    snprintf(g.cluster_id, sizeof(g.cluster_id), "of-before");
    check(&g);
    assert_false(found.same);
    assert_non_null(strstr(found.why, "of-before"));
}

static void a_log_that_ends_before_the_position_is_another_one(void **state)
{
    struct generation g = applied(2);

    (void)state;
    g.position.next_offset = 4;
    check(&g);
    assert_false(found.same);
    assert_non_null(strstr(found.why, "ends at offset 3"));
}

static void who_has_applied_nothing_begins_with_any_log_that_is_whole(void **state)
{
    struct generation g = {.position = {.next_offset = 0}};

    (void)state;
    check(&g);
    assert_true(found.same);
    g.position.next_offset = 2; /* as a rebuild makes it */
    check(&g);
    assert_true(found.same);
    g.position.as_of = 1; /* something was applied: nobody knows of which log */
    check(&g);
    assert_false(found.same);
    g.position =
        (struct position){.as_of = 1, .unproven = true}; /* as it is set when the log is another one */
    check(&g);
    assert_true(found.same);
}

static void after_a_lost_connection_nothing_is_given_out(void **state)
{
    struct generation g = applied(1);
    struct rr_kafka *k = connect_to(&cluster);
    struct rr_kafka_message m;
    enum rr_kafka_end end;

    (void)state;
    assert_int_equal(log_check(k, &g, &found, &failure), 0);
    assert_int_equal(next(k).offset, 2);
    rd_kafka_mock_broker_set_down(cluster.mock, 1);
    rd_kafka_mock_broker_set_up(cluster.mock, 1);
    produce(&cluster, "three");
    while ((end = rr_kafka_next(k, 100, &m)) == RR_KAFKA_NONE)
        ;
    assert_int_equal(end, RR_KAFKA_CUT);
    assert_int_equal(rr_kafka_next(k, 100, &m), RR_KAFKA_CUT);
    rr_kafka_close(k);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(the_same_log_is_read_on_at_the_position),
          TEST(another_message_before_the_position_is_another_log), TEST(another_cluster_is_another_log),
          TEST(a_log_that_ends_before_the_position_is_another_one),
          TEST(who_has_applied_nothing_begins_with_any_log_that_is_whole),
          TEST(after_a_lost_connection_nothing_is_given_out))
