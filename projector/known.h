/* known: does what comes once more say the same as what was applied?
 *
 * The journal only grows, so a version comes again (from a connector that was started anew, in a snapshot,
 * from a log that is read from its beginning) with the content that it had. Other content under a known
 * version is the sign that the truth was set back to an older copy and has gone on differently; only an
 * operator knows which of both is right. Nothing is asked of PostgreSQL unless something has come again. */
#pragma once

#include "batch.h"
#include "failure.h"
#include "store.h"

/* Of a planned batch. `column` is for the parameters. FAIL_REWOUND says what differs. */
int known_check(struct store *s, struct pgarray column[2], struct batch *b, struct failure *f) RR_MUST_CHECK;
extern const struct statement *const known_statements[]; /* to be prepared on `s` */
extern const size_t known_n_statements;
