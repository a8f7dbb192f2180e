/* truth: what MySQL holds, read by the projector: inside one consistent snapshot, or as it is now.
 *
 * Rows come in the order of their ids, byte by byte, as PostgreSQL orders uuids too. All memory is the
 * caller's arena. Failures are FAIL_MYSQL. Not shared between threads. */
#pragma once

#include "arena.h"
#include "change.h"
#include "failure.h"
#include "id_range.h"
#include "mysql.h"

struct truth;

/* Reservations in order, and their events in order of (id, version). */
struct truth_rows {
    struct event *events;
    struct reservation *reservations; /* rows of the table `reservation`: those not deleted */
    size_t n_events, n_reservations;
};

struct truth_rooms {
    struct room *rooms;
    size_t n;
};

/* `conf` outlives it. */
int truth_open(const struct rr_mysql_conf *conf, struct truth **ret, struct failure *f) RR_MUST_CHECK;
void truth_close(struct truth *t);

/* Opens the snapshot; *ret_now is an instant of MySQL's clock after everything that it holds was committed.
 */
int truth_snapshot(struct truth *t, int64_t *ret_now, struct failure *f) RR_MUST_CHECK;
void truth_release(struct truth *t);
/* In the snapshot: what there is of the reservations from range->from on, whole, with about n events;
 * range->upto becomes the last id that this covers. */
int truth_page(struct truth *t, struct id_range *range, size_t n, struct arena *arena, struct truth_rows *ret,
               struct failure *f) RR_MUST_CHECK;
int truth_rooms(struct truth *t, struct arena *arena, struct truth_rooms *ret,
                struct failure *f) RR_MUST_CHECK;

/* NULL: there is none. */
const struct room *truth_find_room(const struct truth_rooms *rooms, int64_t id);
/* In the snapshot: the next n events after (id, version), in order. */
int truth_events_after(struct truth *t, const struct rr_uuid *id, int64_t version, size_t n,
                       struct arena *arena, struct truth_rows *ret, struct failure *f) RR_MUST_CHECK;
/* *ret 0: it would take too long. */
int truth_count_events(struct truth *t, size_t *ret, struct failure *f) RR_MUST_CHECK;

/* Waits until whatever had reached the log before this call can be seen in MySQL: until a pulse that began
 * later is seen, since commits become visible in the order of the log. A snapshot opened after it holds all
 * that. */
int truth_settle(struct truth *t, struct failure *f) RR_MUST_CHECK;

/* As it is now: the events of these reservations; ids rise. */
int truth_events_now(struct truth *t, const struct rr_uuid *ids, size_t n, struct arena *arena,
                     struct truth_rows *ret, struct failure *f) RR_MUST_CHECK;
/* As it is now; *ret_found false: there is no such room. */
int truth_room_now(struct truth *t, int64_t id, struct arena *arena, struct room *ret, bool *ret_found,
                   struct failure *f) RR_MUST_CHECK;
int truth_now(struct truth *t, int64_t *ret, struct failure *f) RR_MUST_CHECK;

/* A transaction reaches the log, and so the read model, a moment before its rows can be seen in MySQL (they
 * are published after the binlog has been synced). Whoever finds the truth behind what is held waits for that
 * moment, at most so many times, before it is a difference. */
#define TRUTH_TRIES 100
void truth_wait(void);
