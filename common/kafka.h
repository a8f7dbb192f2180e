/* rr_kafka: one partition of a topic, read from a given offset; the offsets are kept by whoever applies the
 * messages.
 *
 * Threads:  one at a time; librdkafka's own threads fetch in the background.
 * Order:    rr_kafka_open() (repeat while it says WAITING), rr_kafka_start(), then rr_kafka_next() … and
 *           rr_kafka_close(). There is no going back to an earlier offset: close and open again, so that
 *           nothing fetched before can be delivered after.
 * Offsets:  each message is compared with the one that is expected: earlier ones are dropped; a jump forward
 * is legal only where the log has markers of transactions or is compacted; it is counted and logged. An
 * offset that the log does not hold any more (or not yet) is an error, never a silent new start. What is
 * committed to Kafka is for monitors only.
 * Reconnects: librdkafka would go on at the same offset of whatever log the next broker at that address has.
 * So once a connection to a broker of the cluster has been lost, nothing is given out any more: open again,
 * and look whether it is the same log. */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rr_kafka;

struct rr_kafka_conf {
    const char *bootstrap, *topic, *group; /* the group only names the committed offsets */
};
/* clang-format off */
#define RR_KAFKA_CONFIG(conf, member) \
    {"RR_KAFKA_BOOTSTRAP", RR_CFG_TEXT, offsetof(conf, member.bootstrap), NULL, \
     "Kafka brokers, host:port separated by commas", 0, 0, NULL}, \
    {"RR_KAFKA_TOPIC", RR_CFG_TEXT, offsetof(conf, member.topic), "cdc.reservations", \
     "topic of the changes; it has one partition", 0, 0, NULL}, \
    {"RR_KAFKA_GROUP", RR_CFG_TEXT, offsetof(conf, member.group), "projector", \
     "name under which the offset is shown to monitors", 0, 0, NULL}
/* clang-format on */

struct rr_kafka_message {
    int64_t offset;
    const char *key, *value; /* NULL: none. Good until the next call of rr_kafka_next() */
    size_t key_len, value_len;
    uint64_t fingerprint; /* of key, value and timestamp, by which a replaced log is told from the same one */
};

enum rr_kafka_end { RR_KAFKA_OK, RR_KAFKA_NONE, RR_KAFKA_WAITING, RR_KAFKA_CUT, RR_KAFKA_FAILED };

/* Connects and looks the topic up. OK; WAITING: no such topic (yet), call again; FAILED: brokers not reached,
 * or more than one partition. What is wrong stands in rr_kafka_error(). *ret is made at the first call and
 * stays until rr_kafka_close(), whatever is returned. */
enum rr_kafka_end rr_kafka_open(const struct rr_kafka_conf *conf, int timeout_ms,
                                struct rr_kafka **ret) RR_MUST_CHECK;
/* Start to fetch with `offset`. OK or FAILED. */
enum rr_kafka_end rr_kafka_start(struct rr_kafka *k, int64_t offset) RR_MUST_CHECK;
/* The next message: OK; NONE: there is none within timeout_ms (0: at once); CUT: a connection has been lost
 * since rr_kafka_start(); FAILED. */
enum rr_kafka_end rr_kafka_next(struct rr_kafka *k, int timeout_ms,
                                struct rr_kafka_message *ret) RR_MUST_CHECK;
/* Tell monitors how far it has been applied; at most once a second, in the background. */
void rr_kafka_report(struct rr_kafka *k, int64_t next_offset);
void rr_kafka_close(struct rr_kafka *k);

const char *rr_kafka_error(const struct rr_kafka *k);
const char *rr_kafka_cluster_id(const struct rr_kafka *k); /* NULL if the brokers do not say */
/* The offset that the next message written to the log will have, as the last fetch saw it; -1: not known yet.
 */
int64_t rr_kafka_end_offset(const struct rr_kafka *k);
/* The same, and the first offset that the log still holds, asked of the broker. OK or FAILED. */
enum rr_kafka_end rr_kafka_query_offsets(struct rr_kafka *k, int timeout_ms, int64_t *ret_begin,
                                         int64_t *ret_end) RR_MUST_CHECK;
