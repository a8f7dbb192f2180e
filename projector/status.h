/* status: where the projection stands, for people and scripts. */
#pragma once

#include "kafka.h"
#include "store.h"

#include <stdbool.h>

/* Prints to standard output. Returns the program's exit status: 0, or 1 with the reason on standard error. */
int status(const struct store_conf *store, const struct rr_kafka_conf *kafka, bool as_json);
