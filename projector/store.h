/* store: the projector's connection to PostgreSQL, driven in trips: statements are collected, sent in one
 * pipeline and answered together.
 *
 * It blocks the calling thread, at most for the time-out a trip; the projector has a thread for it. Between
 * the Syncs of two trips stands what BEGIN and COMMIT say; a trip without them is one transaction of its own.
 * After any failure only store_close() is left: the server rolls back what was open. All values travel in
 * binary. Not shared between threads. */
#pragma once

#include "failure.h"
#include "pgarray.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_PARAMS 14

struct store;

struct store_conf {
    const char *conninfo;
    uint32_t timeout_ms; /* for a trip */
    bool synchronous_commit;
    const int *stop; /* NULL, or a file descriptor: once it is readable, a trip has 5 s at most */
};

/* A constant. `name` NULL: not prepared. */
struct statement {
    const char *name, *sql;
};

struct params {
    int n;
    const char *values[STORE_PARAMS];
    int lengths[STORE_PARAMS];
    char plain[STORE_PARAMS][8]; /* where values of up to 8 bytes are kept */
};

void params_null(struct params *p);
void params_int4(struct params *p, int32_t v);
void params_int8(struct params *p, int64_t v);
void params_bool(struct params *p, bool v);
void params_time(struct params *p, int64_t us); /* since 1970 */
void params_bytes(struct params *p, const void *data,
                  size_t len);                          /* text, bytea: alive until store_add() returns */
void params_array(struct params *p, struct pgarray *a); /* ends it; likewise */

/* Connects and sets the session up. FAIL_POSTGRES if that does not work. */
int store_open(const struct store_conf *conf, struct store **ret, struct failure *f) RR_MUST_CHECK;
void store_close(struct store *s);
/* Where names are looked up, from the next trip on. */
void store_use_schema(struct store *s, const char *schema);
int store_prepare(struct store *s, const struct statement *const *statements, size_t n,
                  struct failure *f) RR_MUST_CHECK;

/* Collects; returns the number of the statement's result. Its values are copied. A failure shows at the trip.
 */
int store_add(struct store *s, const struct statement *st, const struct params *params);
/* Sends what was collected and takes the answers. FAIL_MOVED for SQLSTATE RR001, FAIL_HALTED for
 * RR002, FAIL_MESSAGE for errors in the data (classes 22 and 23, and 54: larger than an index or a row
 * takes), FAIL_POSTGRES for all others. */
int store_trip(struct store *s, struct failure *f) RR_MUST_CHECK;
/* Clears; a trip of one statement; its result. */
int store_ask(struct store *s, const struct statement *st, const struct params *params, const PGresult **ret,
              struct failure *f) RR_MUST_CHECK;
/* COPY … FROM STDIN in the transaction that is open; what was collected has been sent. The data are whatever
 * form `sql` names. Each call has a trip's time and its failures. */
int store_copy_begin(struct store *s, const char *sql, struct failure *f) RR_MUST_CHECK;
int store_copy_put(struct store *s, const char *data, size_t len, struct failure *f) RR_MUST_CHECK;
int store_copy_end(struct store *s, struct failure *f) RR_MUST_CHECK;
/* While answers are waited for, `work` is called again and again until it returns false: there is no more to
 * do. It must not use the store, and be back within a millisecond. */
void store_while_waiting(struct store *s, bool (*work)(void *arg), void *arg);
/* In binary; stands until store_clear(). */
const PGresult *store_result(const struct store *s, int number);
void store_clear(struct store *s);
/* Of the results of trips that are over, those from that number on. */
void store_clear_from(struct store *s, int number);

int32_t store_int4(const PGresult *res, int row, int column);
int64_t store_int8(const PGresult *res, int row, int column);
bool store_bool(const PGresult *res, int row, int column);
int64_t store_time(const PGresult *res, int row, int column);     /* µs since 1970 */
struct text store_text(const PGresult *res, int row, int column); /* belongs to the result */
