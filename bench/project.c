/* bench-project: the steps of the projector one by one, over a made-up topic (events.h).
 *
 * usage: bench-project fill BOOTSTRAP TOPIC EVENTS ROOMS AHEAD_DAYS
 *        bench-project fill-rows BOOTSTRAP TOPIC EVENTS ROOMS AHEAD_DAYS
 *        bench-project consume BOOTSTRAP TOPIC MESSAGES
 *        bench-project decode EVENTS ROOMS AHEAD_DAYS
 *        bench-project apply CONNINFO BATCH EVENTS ROOMS AHEAD_DAYS
 *
 * fill: makes the topic and writes it; fill-rows: the same events
 * as rows with their schema, as a JDBC sink takes them; consume: reads it and does nothing; decode: messages
 * in memory to changes; apply: changes in memory to PostgreSQL, into the generation that is there, or a new
 * one. Prints one JSON object: messages, seconds, the CPU time of this process, the most memory it had. */
#include "apply.h"
#include "decode.h"
#include "events.h"
#include "generation.h"
#include "kafka.h"
#include "time.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KAFKA_MS 30000

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-project: %s: %s\n", what, why);
    exit(1);
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || n > 100000000)
        die(text, "a number up to 100 million is expected");
    return (unsigned)n;
}

static struct events_conf conf_of(char **argv)
{
    return (struct events_conf){
        .events = number(argv[0]), .rooms = number(argv[1]), .ahead_days = number(argv[2])};
}

/* ---- what it took ---- */

struct meter {
    int64_t began;
    struct rusage before;
};

static void meter_begin(struct meter *m)
{
    getrusage(RUSAGE_SELF, &m->before);
    m->began = rr_time_monotonic();
}

static double seconds_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void meter_end(const struct meter *m, uint64_t messages)
{
    double seconds = (double)(rr_time_monotonic() - m->began) / 1e6;
    struct rusage after;

    getrusage(RUSAGE_SELF, &after);
    printf("{\"messages\": %llu, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"most_kib\": %ld}\n",
           (unsigned long long)messages, seconds, seconds_of(&after) - seconds_of(&m->before),
           after.ru_maxrss);
}

/* ---- fill ---- */

static rd_kafka_t *producer(const char *bootstrap)
{
    static const char *const settings[][2] = {
        {"linger.ms", "50"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.kbytes", "131072"},
        {"enable.idempotence", "true"}, /* in order */
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_t *rk;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        die("bootstrap.servers", why);
    for (size_t i = 0; i < RR_LEN(settings); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK)
            die(settings[i][0], why);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!rk)
        die("Kafka", why);
    return rk;
}

static void make_topic(rd_kafka_t *rk, const char *name)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, 1, why, sizeof(why));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *answer;
    const rd_kafka_topic_result_t **results;
    size_t n;

    /* Its times are those of the events; they must not make it expire. */
    rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    answer = rd_kafka_queue_poll(queue, KAFKA_MS);
    if (!answer || rd_kafka_event_error(answer))
        die("making the topic", answer ? rd_kafka_event_error_string(answer) : "no answer");
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &n);
    if (rd_kafka_topic_result_error(results[0]))
        die("making the topic", rd_kafka_topic_result_error_string(results[0]));
    rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
}

static void produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, const struct rr_buf *key,
                    const struct rr_buf *value)
{
    while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value->data, value->len, key->data, key->len,
                            NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("producing", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 100);
    }
}

static int write_topic(const char *bootstrap, const char *name, const struct events_conf *conf)
{
    struct events *events = events_new(conf);
    struct rr_buf key = {.data = NULL}, value = {.data = NULL};
    rd_kafka_t *rk = producer(bootstrap);
    rd_kafka_topic_t *topic;
    struct meter m;

    make_topic(rk, name);
    topic = rd_kafka_topic_new(rk, name, NULL);
    meter_begin(&m);
    while (events_next(events, &key, &value))
        produce(rk, topic, &key, &value);
    if (rd_kafka_flush(rk, KAFKA_MS))
        die("producing", "not all was taken");
    meter_end(&m, events_messages(conf));
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    rr_buf_fini(&key);
    rr_buf_fini(&value);
    events_free(events);
    return 0;
}

static int fill(char **argv)
{
    struct events_conf conf = conf_of(argv + 2);

    return write_topic(argv[0], argv[1], &conf);
}

static int fill_rows(char **argv)
{
    struct events_conf conf = conf_of(argv + 2);

    conf.rows_only = true;
    return write_topic(argv[0], argv[1], &conf);
}

/* ---- consume ---- */

static int consume(char **argv)
{
    struct rr_kafka_conf conf = {.bootstrap = argv[0], .topic = argv[1], .group = "bench"};
    unsigned messages = number(argv[2]);
    struct rr_kafka_message m;
    struct rr_kafka *k = NULL;
    struct meter meter;

    meter_begin(&meter);
    if (rr_kafka_open(&conf, KAFKA_MS, &k) != RR_KAFKA_OK || rr_kafka_start(k, 0) != RR_KAFKA_OK)
        die("consume", rr_kafka_error(k));
    for (unsigned n = 0; n < messages; n++)
        if (rr_kafka_next(k, KAFKA_MS, &m) != RR_KAFKA_OK)
            die("consume", "the topic ends too early");
    meter_end(&meter, messages);
    rr_kafka_close(k);
    return 0;
}

/* ---- decode ---- */

#define DECODED 20000 /* so many messages, again and again: more than the processor's caches hold */

static void decode_one(struct text value, struct arena *arena, struct change *ret)
{
    struct failure f;

    if (decode(value.s, value.n, arena, ret, &f) != 0)
        die("decode", f.text);
}

static size_t read_messages(const struct events_conf *conf, struct arena *arena, struct text values[DECODED])
{
    struct events *events = events_new(conf);
    struct rr_buf key = {.data = NULL}, value = {.data = NULL};
    size_t n = 0;

    for (; n < DECODED && events_next(events, &key, &value); n++)
        values[n] = (struct text){.s = arena_copy(arena, value.data, value.len), .n = value.len};
    rr_buf_fini(&key);
    rr_buf_fini(&value);
    events_free(events);
    if (n == 0)
        die("decode", "there is nothing to decode");
    return n;
}

static int decode_all(char **argv)
{
    static struct text values[DECODED];
    struct events_conf conf = conf_of(argv);
    uint64_t messages = events_messages(&conf);
    struct arena texts = {.chunks = NULL}, arena = {.chunks = NULL};
    size_t n = read_messages(&conf, &texts, values);
    struct change c;
    struct meter m;

    meter_begin(&m);
    for (uint64_t i = 0; i < messages; i++) {
        if (i % n == 0)
            arena_reset(&arena);
        decode_one(values[i % n], &arena, &c);
    }
    meter_end(&m, messages);
    arena_fini(&texts);
    arena_fini(&arena);
    return 0;
}

/* ---- apply ---- */

/* All changes, in memory. */
static struct change *changes_of(const struct events_conf *conf, struct arena *arena)
{
    struct events *events = events_new(conf);
    struct change *all = calloc(events_messages(conf), sizeof(*all));
    struct rr_buf key = {.data = NULL}, value = {.data = NULL};

    if (!all)
        abort();
    for (size_t n = 0; events_next(events, &key, &value); n++)
        decode_one((struct text){.s = value.data, .n = value.len}, arena, &all[n]);
    rr_buf_fini(&key);
    rr_buf_fini(&value);
    events_free(events);
    return all;
}

static int apply_all(char **argv)
{
    struct store_conf store_conf = {.conninfo = argv[0], .timeout_ms = 60000, .synchronous_commit = true};
    size_t at_once = number(argv[1]);
    struct events_conf conf = conf_of(argv + 2);
    size_t messages = events_messages(&conf);
    struct arena arena = {.chunks = NULL};
    struct change *changes = changes_of(&conf, &arena);
    struct store *store = NULL;
    struct apply *apply;
    struct generation g;
    struct failure f;
    struct batch b;
    struct meter m;

    batch_init(&b);
    if (store_open(&store_conf, &store, &f) != 0 || generation_open(store, 0, "bench", NULL, &g, &f) != 0 ||
        apply_new(store, g.position.generation, &apply, &f) != 0)
        die("apply", f.text);
    meter_begin(&m);
    for (size_t from = 0, upto; from < messages; from = upto) {
        upto = from + at_once < messages ? from + at_once : messages;
        batch_reset(&b);
        for (size_t i = from; i < upto; i++)
            batch_add(&b, &changes[i], (int64_t)i);
        if (apply_batch(apply, &b, (int64_t)upto, upto, &g.position, &f) != 0)
            die("apply", f.text);
    }
    meter_end(&m, messages);
    apply_free(apply);
    store_close(store);
    batch_fini(&b);
    arena_fini(&arena);
    free(changes);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        int n;
        int (*run)(char **);
    } verbs[] = {{"fill", 5, fill},
                 {"fill-rows", 5, fill_rows},
                 {"consume", 3, consume},
                 {"decode", 3, decode_all},
                 {"apply", 5, apply_all}};

    for (size_t i = 0; argc > 1 && i < RR_LEN(verbs); i++)
        if (strcmp(argv[1], verbs[i].verb) == 0 && argc == verbs[i].n + 2)
            return verbs[i].run(argv + 2);
    fprintf(stderr, "bench-project: see the head of bench/project.c\n");
    return 2;
}
