/* verify_verb: `projector verify [--repair] [--json]`. */
#pragma once

#include "verify.h"

/* Compares the serving generation with the truth, tells each difference, and with `repairing` mends them and
 * compares again. Exit status: 0 equal (also after a repair that ended equal), 1 different, 2 could not tell.
 */
int verify_verb(const struct verify_conf *conf, bool repairing, bool as_json);
