#include "status.h"
#include "generation.h"
#include "json.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

#define KAFKA_MS 2000

/* -1: Kafka does not say. */
static int64_t end_offset(const struct rr_kafka_conf *conf)
{
    struct rr_kafka *k = NULL;
    int64_t begin, end = -1;

    if (rr_kafka_open(conf, KAFKA_MS, &k) != RR_KAFKA_OK ||
        rr_kafka_query_offsets(k, KAFKA_MS, &begin, &end) != RR_KAFKA_OK)
        end = -1;
    rr_kafka_close(k);
    return end;
}

static int print_json(const struct generation *g, int64_t behind, double lag)
{
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;

    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    rr_json_int(&j, "generation", g->position.generation);
    rr_json_text(&j, "state", g->state);
    rr_json_text(&j, "topic", g->topic);
    rr_json_int(&j, "partition", g->partition);
    rr_json_int(&j, "next_offset", g->position.next_offset);
    if (g->position.as_of) {
        rr_json_time(&j, "as_of", g->position.as_of);
        rr_json_real(&j, "lag_seconds", lag);
    } else {
        rr_json_null(&j, "as_of");
        rr_json_null(&j, "lag_seconds");
    }
    if (behind >= 0)
        rr_json_int(&j, "lag_events", behind);
    else
        rr_json_null(&j, "lag_events");
    rr_json_bool(&j, "unproven", g->position.unproven);
    rr_json_int(&j, "parked", g->position.parked);
    rr_json_text(&j, "halted", *g->halted ? g->halted : NULL);
    rr_json_text(&j, "halted_reason", *g->halted ? g->halted_reason : NULL);
    rr_json_end_object(&j);
    if (buf.failed)
        return 1;
    puts(buf.data);
    rr_buf_fini(&buf);
    return 0;
}

static int print_text(const struct generation *g, int64_t behind, double lag)
{
    char as_of[RR_TIME_TEXT];

    printf("generation  %d, %s\n", g->position.generation, g->state);
    printf("position    %s, partition %d, next offset %lld\n", g->topic, g->partition,
           (long long)g->position.next_offset);
    if (g->position.as_of)
        printf("as of       %s\nlag         %.1f s", rr_time_format(g->position.as_of, as_of), lag);
    else
        printf("as of       no pulse yet\nlag         not known");
    if (behind >= 0)
        printf(", %lld messages\n", (long long)behind);
    else
        printf("; Kafka does not say how many messages\n");
    if (g->position.unproven)
        printf("unproven    the log was replaced: as_of stands still until the read model is proven\n");
    printf("dead letters %d parked\n", g->position.parked);
    printf("breaker     %s\n", strcmp(g->halted, "breaker") == 0 ? "open" : "closed");
    if (*g->halted)
        printf("halted      %s: %s\n", g->halted, g->halted_reason);
    return 0;
}

int status(const struct store_conf *store, const struct rr_kafka_conf *kafka, bool as_json)
{
    struct store *s = NULL;
    struct generation g;
    struct failure f;
    int64_t behind;
    double lag;

    if (store_open(store, &s, &f) != 0 || generation_find(s, &g, &f) != 0) {
        fprintf(stderr, "projector: %s\n", f.text);
        store_close(s);
        return 1;
    }
    store_close(s);
    if (!g.found) {
        fputs("projector: there is no generation yet: `projector run` makes the first\n", stderr);
        return 1;
    }
    behind = end_offset(kafka);
    if (behind >= 0)
        behind = behind > g.position.next_offset ? behind - g.position.next_offset : 0;
    lag = (double)(rr_time_now() - g.position.as_of) / 1e6;
    return as_json ? print_json(&g, behind, lag) : print_text(&g, behind, lag);
}
