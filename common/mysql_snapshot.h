/* mysql_snapshot: many SELECTs that see the database at one instant.
 *
 * While the snapshot stands, a lost connection is not made again: the statement ends RR_DB_RETRY, for a new
 * connection would see another instant. */
#pragma once

#include "mysql.h"

/* RR_OK, RR_DB_UNAVAILABLE, or RR_INTERNAL with the reason in rr_mysql_message(). */
enum rr_err rr_mysql_snapshot_begin(struct rr_mysql *db) RR_MUST_CHECK;
void rr_mysql_snapshot_end(struct rr_mysql *db); /* nothing, if there is none */

/* Around what a thread does with connections that another one has made; false: out of memory. */
bool rr_mysql_thread_begin(void) RR_MUST_CHECK;
void rr_mysql_thread_end(void);
