/* succession: how one generation takes another's place.
 *
 * Whoever holds one has the only right to build, switch and drop generations: a lock of PostgreSQL that goes
 * with its connection, so that nobody has to clean up after a process that was killed. A generation that was
 * left half-built is never read and never written again, and is dropped by the next one who comes. */
#pragma once

#include "arena.h"
#include "failure.h"
#include "generation.h"
#include "store.h"

struct succession;

/* Statements that make what a generation lacks until it is full. */
struct finishing {
    const char **sql;
    size_t n;
};

/* FAIL_MOVED if somebody else is at it, and goes on with it for ten seconds. */
int succession_open(const struct store_conf *conf, struct succession **ret, struct failure *f) RR_MUST_CHECK;
void succession_close(struct succession *s);

/* Drops what is of no use any more: half-built generations, and all that have retired but the last. What is
 * in use right now is left to the next time; *ret_left counts that. */
int succession_tidy(struct succession *s, int *ret_left, struct failure *f) RR_MUST_CHECK;
/* Makes a bare generation that is filled from the same log as `like`, beginning with `next_offset`. */
int succession_begin(struct succession *s, const struct generation *like, int64_t next_offset,
                     struct arena *arena, int32_t *ret_number, struct finishing *ret_finishing,
                     struct failure *f) RR_MUST_CHECK;
/* One statement outside of any transaction. */
int succession_run(struct succession *s, const char *sql, struct failure *f) RR_MUST_CHECK;
/* The generation that retired last is written again; FAIL_NONE with a reason if there is none. */
int succession_reopen(struct succession *s, int32_t *ret_number, struct failure *f) RR_MUST_CHECK;
/* It is not written any more, and kept. */
int succession_retire(struct succession *s, int32_t number, struct failure *f) RR_MUST_CHECK;
/* Where a generation stands; FAIL_MOVED if it is not there, or has retired. */
int succession_position(struct succession *s, int32_t number, int64_t *ret_next_offset,
                        struct failure *f) RR_MUST_CHECK;
/* Readers go over from one to the other. The old one stands still meanwhile, for `held_us` at most, until the
 * new one, which somebody writes, has got as far. *ret_sent false: it failed before that was asked for, and
 * has not been done. */
int succession_switch(struct succession *s, int32_t from, int32_t to, int64_t held_us, bool *ret_sent,
                      struct failure *f) RR_MUST_CHECK;
/* Whether that has been done, when its failure does not tell: the answer to its COMMIT may be what was lost.
 * Whatever the answer is, it stays. */
int succession_find_out(struct succession *s, int32_t from, int32_t to, bool *ret_switched,
                        struct failure *f) RR_MUST_CHECK;
