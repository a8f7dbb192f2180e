/* Kafka: a topic that is not what is needed is refused, also when it becomes so while it is read. */
#include "kafka.h"
#include "time.h"
#include "unit.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#define TOPIC    "changes"
#define MESSAGES 2000 /* more than is taken from librdkafka's queue at once */
#define WAIT_MS  10000

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static struct rr_kafka_conf conf;
static struct rr_kafka *kafka;
static int64_t later; /* µs that the clock is ahead */
static bool grown;    /* the topic has two partitions, though the mock's topics cannot grow */

int64_t __real_rr_time_monotonic(void);
int64_t __wrap_rr_time_monotonic(void);

int64_t __wrap_rr_time_monotonic(void)
{
    return __real_rr_time_monotonic() + later;
}

rd_kafka_resp_err_t __real_rd_kafka_metadata(rd_kafka_t *rk, int all, rd_kafka_topic_t *topic,
                                             const struct rd_kafka_metadata **ret, int timeout_ms);
rd_kafka_resp_err_t __wrap_rd_kafka_metadata(rd_kafka_t *rk, int all, rd_kafka_topic_t *topic,
                                             const struct rd_kafka_metadata **ret, int timeout_ms);

rd_kafka_resp_err_t __wrap_rd_kafka_metadata(rd_kafka_t *rk, int all, rd_kafka_topic_t *topic,
                                             const struct rd_kafka_metadata **ret, int timeout_ms)
{
    rd_kafka_resp_err_t err = __real_rd_kafka_metadata(rk, all, topic, ret, timeout_ms);

    if (!err && grown)
        (*ret)->topics[0].partition_cnt = 2;
    return err;
}

static int set_up(void **state)
{
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    char error[200];

    (void)state;
    assert_int_equal(rd_kafka_conf_set(c, "test.mock.num.brokers", "1", error, sizeof(error)),
                     RD_KAFKA_CONF_OK);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, c, error, sizeof(error));
    assert_non_null(producer);
    cluster = rd_kafka_handle_mock_cluster(producer);
    conf = (struct rr_kafka_conf){
        .bootstrap = rd_kafka_mock_cluster_bootstraps(cluster), .topic = TOPIC, .group = "test"};
    kafka = NULL;
    later = 0;
    grown = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rr_kafka_close(kafka);
    rd_kafka_destroy(producer);
    return 0;
}

static void produce(int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(0),
                                           RD_KAFKA_V_VALUE((void *)"x", 1),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void open_full_topic(void)
{
    assert_int_equal(rd_kafka_mock_topic_create(cluster, TOPIC, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    produce(MESSAGES);
    assert_int_equal(rr_kafka_open(&conf, WAIT_MS, &kafka), RR_KAFKA_OK);
    assert_int_equal(rr_kafka_start(kafka, 0), RR_KAFKA_OK);
}

/* Reads to the end, or until it fails; returns how many came. */
static int read_all(enum rr_kafka_end *ret_end)
{
    struct rr_kafka_message m;
    int n = 0;

    while (n < MESSAGES && (*ret_end = rr_kafka_next(kafka, WAIT_MS, &m)) == RR_KAFKA_OK)
        assert_int_equal(m.offset, n++);
    return n;
}

static void a_topic_of_two_partitions_is_refused(void **state)
{
    (void)state;
    assert_int_equal(rd_kafka_mock_topic_create(cluster, TOPIC, 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rr_kafka_open(&conf, WAIT_MS, &kafka), RR_KAFKA_FAILED);
    assert_non_null(strstr(rr_kafka_error(kafka), "has 2 partitions; it has to have one"));
}

static void a_topic_is_read_in_order(void **state)
{
    enum rr_kafka_end end;

    (void)state;
    open_full_topic();
    assert_int_equal(read_all(&end), MESSAGES);
}

static void an_added_partition_is_noticed_while_there_is_always_something_to_read(void **state)
{
    struct rr_kafka_message m;
    enum rr_kafka_end end;

    (void)state;
    open_full_topic();
    assert_int_equal(rr_kafka_next(kafka, WAIT_MS, &m), RR_KAFKA_OK);
    grown = true;
    later = 31 * RR_US_PER_SEC;
    do
        end = rr_kafka_next(kafka, WAIT_MS, &m);
    while (end == RR_KAFKA_OK && m.offset < MESSAGES - 1);
    assert_int_equal(end, RR_KAFKA_FAILED);
    assert_non_null(strstr(rr_kafka_error(kafka), "has 2 partitions"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(a_topic_of_two_partitions_is_refused), TEST(a_topic_is_read_in_order),
          TEST(an_added_partition_is_noticed_while_there_is_always_something_to_read))
