/* retry: parked letters are applied after all, or given up.
 *
 * One letter a transaction, in the topic's order, first of all of its reservation or room; what fails stays
 * parked with the new reason, and so does everything behind it. A message that cannot be read is replaced by
 * what MySQL has: the journal's row of that version, or the room as it is now. Each transaction locks the
 * position's row first and raises parked_epoch, so that a running projector looks again at what is parked. */
#pragma once

#include "failure.h"
#include "mysql.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

struct retry_conf {
    const struct store_conf *store;
    const struct rr_mysql_conf *mysql;
};

struct retry_totals {
    size_t applied, left; /* letters; left: those that were tried, and what waits behind them */
    bool changed;         /* parked_epoch was raised */
};

/* All of a generation; those that wait for want of MySQL (-1 at once while it is away); or the reservation or
 * room of one letter, of which the first is tried first. FAIL_MESSAGE: there is no such letter. */
int retry_all(const struct retry_conf *conf, int32_t generation, struct retry_totals *totals,
              struct failure *f) RR_MUST_CHECK;
int retry_gaps_of(const struct retry_conf *conf, int32_t generation, struct retry_totals *totals,
                  struct failure *f) RR_MUST_CHECK;
int retry_letter(const struct retry_conf *conf, int32_t generation, int64_t id, struct retry_totals *totals,
                 struct failure *f) RR_MUST_CHECK;
/* Gives a letter up, and applies what waits behind it. */
int retry_skip(const struct retry_conf *conf, int32_t generation, int64_t id, const char *by,
               const char *reason, struct retry_totals *totals, struct failure *f) RR_MUST_CHECK;
