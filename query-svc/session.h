/* session: which generation of the read model the connections of one loop read from, and what an answer says
 * about it.
 *
 * Each connection's search_path is the generation's schema. When a switch of generations happens, statements
 * that are under way or queued still run in the old schema; their answers tell (see sql.h), the session is
 * switched, and the caller repeats the read. No reader sees an error or a retired generation for it. A schema
 * that has been dropped meanwhile reads as "not known", too. Threads: belongs to its loop. */
#pragma once

#include "log.h"
#include "pg.h"
#include "sql.h"

#include <stdint.h>

struct session {
    struct rr_pg *pg;
    uint32_t timeout_ms;
    int generation; /* 0: not known; ask with session_stmt */
};

enum session_answer {
    SESSION_SERVED, /* the answer is the serving generation's, and complete */
    SESSION_REPEAT, /* it ran elsewhere: ask again; first session_stmt if `generation` is 0 now */
    SESSION_FAILED, /* *ret_err says why; RR_PROJECTION_NOT_READY when nothing serves */
};

/* Asks for nothing but the serving generation; needs no search_path. Its answers leave
 * `generation` known. */
extern const struct rr_pg_stmt session_stmt;

/* Makes the loop's connections. */
enum rr_err session_new(struct rr_loop *l, const struct rr_pg_conf *conf, struct session *ret) RR_MUST_CHECK;
/* A statement's time-out for somebody who gives up at `give_up`, rr_time_monotonic(). 0: that is over. */
uint32_t session_timeout_ms(const struct session *s, int64_t give_up);
/* Inside q->done(), for statements that begin with SQL_META. Logs a statement that the server refused, for
 * `log`, or NULL. */
enum session_answer session_judge(struct session *s, const struct rr_query *q, const struct rr_log_ctx *log,
                                  int64_t *ret_as_of, enum rr_err *ret_err);
/* The same line of any other statement. Nothing is logged of an error that is nobody's fault. */
void session_log_refusal(const struct rr_query *q, const struct rr_log_ctx *log);
