#include "tap.h"

#include "time.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct arrival {
    char reservation_id[33];
    int version;
    int64_t committed, arrived;
};

struct tap {
    rd_kafka_t *kafka;
    rd_kafka_topic_t *topic;
    pthread_t thread;
    atomic_bool stopping;
    struct arrival *arrivals;
    size_t n, cap;
};

static void note(struct tap *t, const rd_kafka_message_t *m, int64_t arrived)
{
    json_t *value = json_loadb(m->payload, m->len, 0, NULL);
    const char *table = NULL, *id = NULL;
    json_int_t committed = 0;
    int version = 0;

    if (json_unpack(value, "{s:{s:s, s:I}}", "source", "table", &table, "ts_us", &committed) == 0 &&
        strcmp(table, "reservation_event") == 0 &&
        json_unpack(value, "{s:{s:s, s:i}}", "after", "reservation_id", &id, "version", &version) == 0 &&
        strlen(id) == 32) {
        if (t->n == t->cap) {
            t->cap = t->cap ? 2 * t->cap : 1024;
            t->arrivals = realloc(t->arrivals, t->cap * sizeof(t->arrivals[0]));
            if (!t->arrivals)
                abort();
        }
        t->arrivals[t->n] = (struct arrival){.version = version, .committed = committed, .arrived = arrived};
        memcpy(t->arrivals[t->n++].reservation_id, id, 33);
    }
    json_decref(value);
}

static void *watch(void *arg)
{
    struct tap *t = arg;

    while (!t->stopping) {
        rd_kafka_message_t *m = rd_kafka_consume(t->topic, 0, 100);

        if (!m)
            continue;
        if (!m->err)
            note(t, m, rr_time_now());
        rd_kafka_message_destroy(m);
    }
    return NULL;
}

static rd_kafka_conf_t *settings(const char *bootstrap)
{
    static const char *const all[][2] = {
        {"group.id", "bench"},
        {"enable.auto.commit", "false"},
        {"socket.nagle.disable", "true"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof(why));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (rd_kafka_conf_set(conf, all[i][0], all[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
            fprintf(stderr, "kafka: %s\n", why);
            abort();
        }
    return conf;
}

struct tap *tap_new(const char *bootstrap, const char *topic)
{
    struct tap *t = calloc(1, sizeof(*t));
    rd_kafka_resp_err_t err;
    int64_t low, high;
    char why[256];

    if (!t)
        return NULL;
    t->kafka = rd_kafka_new(RD_KAFKA_CONSUMER, settings(bootstrap), why, sizeof(why));
    if (!t->kafka) {
        fprintf(stderr, "kafka: %s\n", why);
        free(t);
        return NULL;
    }
    err = rd_kafka_query_watermark_offsets(t->kafka, topic, 0, &low, &high, 10000);
    if (!err) {
        t->topic = rd_kafka_topic_new(t->kafka, topic, NULL);
        if (rd_kafka_consume_start(t->topic, 0, high) < 0)
            err = rd_kafka_last_error();
    }
    if (err || pthread_create(&t->thread, NULL, watch, t) != 0) {
        fprintf(stderr, "kafka: %s\n", rd_kafka_err2str(err));
        if (t->topic)
            rd_kafka_topic_destroy(t->topic);
        rd_kafka_destroy(t->kafka);
        free(t);
        return NULL;
    }
    return t;
}

void tap_free(struct tap *t, FILE *out)
{
    if (!t)
        return;
    t->stopping = true;
    pthread_join(t->thread, NULL);
    for (size_t i = 0; i < t->n; i++) {
        const struct arrival *a = &t->arrivals[i];

        fprintf(out, "event %s %d %lld %lld\n", a->reservation_id, a->version, (long long)a->committed,
                (long long)a->arrived);
    }
    rd_kafka_consume_stop(t->topic, 0);
    rd_kafka_topic_destroy(t->topic);
    rd_kafka_destroy(t->kafka);
    free(t->arrivals);
    free(t);
}
