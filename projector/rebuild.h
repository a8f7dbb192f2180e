/* rebuild: a new generation takes the place of the serving one, or the one before it comes back.
 *
 *   1  the end of the log: E
 *   2  a snapshot of MySQL that holds everything before E
 *   3  bare tables, filled from it, then keys and indexes
 *   4  everything from E on is applied, by the thread that `projector run` has (run.h)
 *   5  the new generation is compared with the truth; it has to be equal, nothing is repaired
 *   6  the switch: the serving one is held until the new one has got as far, then readers go over
 *
 * A roll back begins with 4, in the generation that retired last. Until 6 nothing that anybody reads is
 * touched, so it may be killed at any time; what it leaves behind is dropped by the next one. */
#pragma once

#include "run.h"
#include "verify.h"

struct rebuild_conf {
    const struct run_conf *run;
    const struct rr_mysql_conf *mysql;
};

/* `projector rebuild`. Exit status: 0 it serves; 1 it differs from the truth, and does not; 2 it could not be
 * made; 3 PostgreSQL went away during the switch, and did not come back to say which one serves. */
int rebuild_verb(const struct rebuild_conf *conf, bool rolling_back, bool as_json);
