#include "kafka.h"
#include "log.h"
#include "metrics.h"
#include "time.h"

#include <librdkafka/rdkafka.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PARTITION       0
#define FETCHED         500 /* messages taken from librdkafka's queue in one call */
#define REPORT_EVERY_US RR_US_PER_SEC
#define INSPECT_IDLE_US (5 * RR_US_PER_SEC)
#define INSPECT_BUSY_US (30 * RR_US_PER_SEC)
#define INSPECT_MS      1000
#define SILENT_MAX      3 /* so many unanswered inspections in a row: a busy broker may miss one */
#define WATCHED_MAX     1024

struct rr_kafka {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *topic;
    struct rr_kafka_conf conf;
    char *cluster_id;
    rd_kafka_message_t *fetched[FETCHED];
    size_t n_fetched, at; /* fetched[at] is given next; fetched[at - 1] was given last */
    int64_t expected;
    int64_t reported_at, inspected_at;
    int silent;
    /* Both set by librdkafka's threads. */
    atomic_bool cut, watched[WATCHED_MAX];
    struct rr_counter *dropped, *jumped;
    char error[400];
};

static enum rr_kafka_end failed(struct rr_kafka *k, enum rr_kafka_end end, const char *fmt, ...)
    RR_PRINTF(3, 4);

static enum rr_kafka_end failed(struct rr_kafka *k, enum rr_kafka_end end, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(k->error, sizeof(k->error), fmt, ap);
    va_end(ap);
    return end;
}

const char *rr_kafka_error(const struct rr_kafka *k)
{
    return k->error;
}

const char *rr_kafka_cluster_id(const struct rr_kafka *k)
{
    return k->cluster_id;
}

/* ---- opening ---- */

/* librdkafka tells of each attempt to connect; what matters comes back as an error of a call. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    rr_debug("librdkafka", "facility=%s text=%s", facility, RR_Q(text));
}

/* Messages come from brokers that the cluster has told of, which have a number. From 2.10 on librdkafka keeps
 * the connection to the configured address apart from those, and ends it by itself when it knows them. */
static rd_kafka_resp_err_t on_request(rd_kafka_t *rk, int fd, const char *broker, int32_t broker_id,
                                      int16_t api, int16_t version, int32_t id, size_t size, void *opaque)
{
    struct rr_kafka *k = opaque;

    (void)rk, (void)broker, (void)api, (void)version, (void)id, (void)size;
    if (broker_id >= 0 && fd >= 0 && fd < WATCHED_MAX)
        atomic_store(&k->watched[fd], true);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *error,
                                  size_t size)
{
    (void)conf, (void)error, (void)size;
    return rd_kafka_interceptor_add_on_request_sent(rk, "rr", on_request, opaque);
}

/* A connection that never got an answer, to the second address of a host for instance, was none. */
static int on_close(int fd, void *opaque)
{
    struct rr_kafka *k = opaque;
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t size = sizeof(info);

    if (fd < WATCHED_MAX && !atomic_exchange(&k->watched[fd], false))
        return close(fd);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_bytes_received > 0)
        atomic_store(&k->cut, true);
    return close(fd);
}

static bool set(struct rr_kafka *k, rd_kafka_conf_t *conf, const char *name, const char *value)
{
    return rd_kafka_conf_set(conf, name, value, k->error, sizeof(k->error)) == RD_KAFKA_CONF_OK;
}

static enum rr_kafka_end connect_client(struct rr_kafka *k)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok =
        set(k, conf, "bootstrap.servers", k->conf.bootstrap) && set(k, conf, "group.id", k->conf.group) &&
        set(k, conf, "client.id", "rr") && set(k, conf, "enable.auto.commit", "false") &&
        set(k, conf, "enable.auto.offset.store", "false") &&
        set(k, conf, "auto.offset.reset", "error") && /* an offset out of range is told, not mended */
        set(k, conf, "allow.auto.create.topics", "false") && set(k, conf, "socket.nagle.disable", "true") &&
        set(k, conf, "reconnect.backoff.max.ms", "1000") && set(k, conf, "log.connection.close", "false");

    ok = ok && rd_kafka_conf_interceptor_add_on_new(conf, "rr", on_new, k) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (ok) {
        rd_kafka_conf_set_log_cb(conf, on_log);
        rd_kafka_conf_set_opaque(conf, k);
        rd_kafka_conf_set_closesocket_cb(conf, on_close);
        k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, k->error, sizeof(k->error));
    }
    if (!k->rk) {
        rd_kafka_conf_destroy(conf);
        return RR_KAFKA_FAILED;
    }
    rd_kafka_poll_set_consumer(k->rk);
    k->queue = rd_kafka_queue_get_consumer(k->rk);
    k->topic = rd_kafka_topic_new(k->rk, k->conf.topic, NULL);
    return k->topic ? RR_KAFKA_OK
                    : failed(k, RR_KAFKA_FAILED, "Kafka: topic name %s is not valid", k->conf.topic);
}

static enum rr_kafka_end check_topic(struct rr_kafka *k, const struct rd_kafka_metadata_topic *t)
{
    if (t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return failed(k, RR_KAFKA_WAITING, "Kafka: there is no topic %s yet", k->conf.topic);
    if (t->err)
        return failed(k, RR_KAFKA_FAILED, "Kafka: topic %s: %s", k->conf.topic, rd_kafka_err2str(t->err));
    if (t->partition_cnt != 1)
        return failed(k, RR_KAFKA_FAILED,
                      "Kafka: topic %s has %d partitions; it has to have one, for the order of changes "
                      "across tables is lost otherwise",
                      k->conf.topic, t->partition_cnt);
    return RR_KAFKA_OK;
}

static enum rr_kafka_end inspect_topic(struct rr_kafka *k, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(k->rk, 0, k->topic, &metadata, timeout_ms);
    enum rr_kafka_end end;

    k->silent = err == RD_KAFKA_RESP_ERR__TIMED_OUT ? k->silent + 1 : 0;
    k->inspected_at = rr_time_monotonic();
    if (err)
        return failed(k, RR_KAFKA_FAILED, "Kafka: %s does not answer: %s", k->conf.bootstrap,
                      rd_kafka_err2str(err));
    end = metadata->topic_cnt == 1
              ? check_topic(k, &metadata->topics[0])
              : failed(k, RR_KAFKA_FAILED, "Kafka: no answer about topic %s", k->conf.topic);
    rd_kafka_metadata_destroy(metadata);
    return end;
}

enum rr_kafka_end rr_kafka_open(const struct rr_kafka_conf *conf, int timeout_ms, struct rr_kafka **ret)
{
    struct rr_kafka *k = *ret;
    enum rr_kafka_end end;

    if (!k) {
        *ret = k = calloc(1, sizeof(*k));
        if (!k) {
            rr_error("out of memory", "bytes=%zu", sizeof(*k));
            abort();
        }
        k->conf = *conf;
        k->dropped =
            rr_counter("rr_kafka_messages_dropped_total", "messages before the expected offset", NULL);
        k->jumped = rr_counter("rr_kafka_offsets_jumped_total", "offsets that the log left out", NULL);
    }
    if (!k->topic && (end = connect_client(k)) != RR_KAFKA_OK)
        return end;
    end = inspect_topic(k, timeout_ms);
    if (end == RR_KAFKA_OK && !k->cluster_id)
        k->cluster_id = rd_kafka_clusterid(k->rk, timeout_ms);
    return end;
}

enum rr_kafka_end rr_kafka_start(struct rr_kafka *k, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err;

    rd_kafka_topic_partition_list_add(list, k->conf.topic, PARTITION)->offset = offset;
    atomic_store(&k->cut, false);
    err = rd_kafka_assign(k->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        return failed(k, RR_KAFKA_FAILED, "Kafka: cannot read from offset %lld: %s", (long long)offset,
                      rd_kafka_err2str(err));
    k->expected = offset;
    return RR_KAFKA_OK;
}

/* ---- reading ---- */

static void release_fetched(struct rr_kafka *k)
{
    for (size_t i = 0; i < k->n_fetched; i++)
        rd_kafka_message_destroy(k->fetched[i]);
    k->n_fetched = k->at = 0;
}

/* A batch call waits until it is full or the time is over, so the waiting is for one message and the rest is
 * taken as it stands. */
static void fetch(struct rr_kafka *k, int timeout_ms)
{
    ssize_t n;

    release_fetched(k);
    if (timeout_ms > 0) {
        k->fetched[0] = rd_kafka_consume_queue(k->queue, timeout_ms);
        if (!k->fetched[0])
            return;
        k->n_fetched = 1;
    }
    n = rd_kafka_consume_batch_queue(k->queue, 0, k->fetched + k->n_fetched, FETCHED - k->n_fetched);
    k->n_fetched += n > 0 ? (size_t)n : 0;
}

static enum rr_kafka_end read_error(struct rr_kafka *k, const rd_kafka_message_t *m)
{
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return failed(k, RR_KAFKA_FAILED,
                      "Kafka: topic %s does not hold offset %lld (any more): the log was replaced, or its "
                      "retention has passed it",
                      k->conf.topic, (long long)k->expected);
    return failed(k, RR_KAFKA_FAILED, "Kafka: %s", rd_kafka_message_errstr(m));
}

static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    const char *p = data;
    uint64_t word;

    h ^= len;
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    word = 0;
    for (; len > 0; len--)
        word = word << 8 | (unsigned char)*p++;
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

static uint64_t fingerprint(const rd_kafka_message_t *m)
{
    int64_t timestamp = rd_kafka_message_timestamp(m, NULL);

    return hash(hash((uint64_t)timestamp, m->key, m->key_len), m->payload, m->len);
}

/* Whether `m` is to be given out. */
static bool in_order(struct rr_kafka *k, const rd_kafka_message_t *m)
{
    if (m->offset < k->expected) {
        rr_counter_add(k->dropped, 1);
        return false;
    }
    if (m->offset > k->expected) {
        rr_counter_add(k->jumped, (uint64_t)(m->offset - k->expected));
        rr_warn("the log leaves offsets out", "topic=%s expected=%lld got=%lld", k->conf.topic,
                (long long)k->expected, (long long)m->offset);
    }
    k->expected = m->offset + 1;
    return true;
}

/* Partitions that are added later would be missed in silence. */
static enum rr_kafka_end inspect_every(struct rr_kafka *k, int64_t us)
{
    enum rr_kafka_end end;

    if (rr_time_monotonic() - k->inspected_at < us)
        return RR_KAFKA_NONE;
    end = inspect_topic(k, INSPECT_MS);
    if (end == RR_KAFKA_OK || (k->silent > 0 && k->silent < SILENT_MAX))
        return RR_KAFKA_NONE;
    return end == RR_KAFKA_WAITING ? RR_KAFKA_FAILED : end;
}

enum rr_kafka_end rr_kafka_next(struct rr_kafka *k, int timeout_ms, struct rr_kafka_message *ret)
{
    for (;;) {
        const rd_kafka_message_t *m;

        if (k->at == k->n_fetched) {
            enum rr_kafka_end end = inspect_every(k, INSPECT_BUSY_US);

            if (end != RR_KAFKA_NONE)
                return end;
            fetch(k, timeout_ms);
        }
        if (atomic_load(&k->cut)) /* after the fetch: what has come since the cut is not given out */
            return failed(k, RR_KAFKA_CUT, "Kafka: the connection to %s was lost", k->conf.bootstrap);
        if (k->at == k->n_fetched)
            /* While nothing comes, no message waits for the answer. */
            return timeout_ms > 0 ? inspect_every(k, INSPECT_IDLE_US) : RR_KAFKA_NONE;
        m = k->fetched[k->at++];
        if (m->err)
            return read_error(k, m);
        if (!in_order(k, m))
            continue;
        *ret = (struct rr_kafka_message){.offset = m->offset,
                                         .key = m->key,
                                         .value = m->payload,
                                         .key_len = m->key_len,
                                         .value_len = m->len,
                                         .fingerprint = fingerprint(m)};
        return RR_KAFKA_OK;
    }
}

/* ---- beside reading ---- */

void rr_kafka_report(struct rr_kafka *k, int64_t next_offset)
{
    rd_kafka_topic_partition_list_t *list;

    if (rr_time_monotonic() - k->reported_at < REPORT_EVERY_US)
        return;
    k->reported_at = rr_time_monotonic();
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, k->conf.topic, PARTITION)->offset = next_offset;
    rd_kafka_commit(k->rk, list, 1); /* nobody relies on it: a failure changes nothing */
    rd_kafka_topic_partition_list_destroy(list);
}

int64_t rr_kafka_end_offset(const struct rr_kafka *k)
{
    int64_t low, high;

    if (rd_kafka_get_watermark_offsets(k->rk, k->conf.topic, PARTITION, &low, &high) || high < 0)
        return -1;
    return high;
}

enum rr_kafka_end rr_kafka_query_offsets(struct rr_kafka *k, int timeout_ms, int64_t *ret_begin,
                                         int64_t *ret_end)
{
    rd_kafka_resp_err_t err =
        rd_kafka_query_watermark_offsets(k->rk, k->conf.topic, PARTITION, ret_begin, ret_end, timeout_ms);

    return err ? failed(k, RR_KAFKA_FAILED, "Kafka: %s does not say which offsets topic %s holds: %s",
                        k->conf.bootstrap, k->conf.topic, rd_kafka_err2str(err))
               : RR_KAFKA_OK;
}

void rr_kafka_close(struct rr_kafka *k)
{
    if (!k)
        return;
    release_fetched(k);
    if (k->cluster_id)
        rd_kafka_mem_free(k->rk, k->cluster_id);
    if (k->queue)
        rd_kafka_queue_destroy(k->queue);
    if (k->topic)
        rd_kafka_topic_destroy(k->topic);
    if (k->rk)
        rd_kafka_destroy_flags(k->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(k);
}
