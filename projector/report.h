/* report: the differences that a verify finds, in order, each with a key and what differs in words.
 *
 * A read model that lacks half of everything must not fill the memory: all are counted, and the first
 * REPORT_LISTED and a few more listed, so that of a reservation either all are or none. */
#pragma once

#include "arena.h"
#include "change.h"
#include "json.h"

/* clang-format off */
#define DIFFERENCE_PLACES(X)                                                                                 \
    X(TRUTH,       "truth")               /* the truth disagrees with itself: an alarm, never repaired */    \
    X(ROOM,        "room")                                                                                   \
    X(RESERVATION, "reservation")                                                                            \
    X(HISTORY,     "reservation_history")                                                                    \
    X(ROOM_DAY,    "room_day")                                                                               \
    X(TOTAL_DAY,   "total_day")                                                                              \
    X(ROOM_MONTH,  "room_month")          /* its first day */
#define DIFFERENCE_KINDS(X)                                                                                  \
    X(MISSING, "missing") /* the truth has it */                                                             \
    X(EXTRA,   "extra")   /* the truth does not have it */                                                   \
    X(STALE,   "stale")   /* an older version stands there */                                                \
    X(DIFFERS, "differs")
/* clang-format on */

enum difference_place {
#define X(name, text) PLACE_##name,
    DIFFERENCE_PLACES(X)
#undef X
};

enum difference_kind {
#define X(name, text) DIFFERENCE_##name,
    DIFFERENCE_KINDS(X)
#undef X
};

struct difference {
    struct difference *next;
    enum difference_place place;
    enum difference_kind kind;
    struct rr_uuid id;    /* of the reservation */
    int64_t version;      /* in the history */
    int64_t room_id, day; /* of rooms and buckets */
    bool lowers;          /* a repair would delete it, or set it back to an older version */
    bool contradicts;     /* one version has two contents */
    struct text detail;   /* "": nothing to add */
};

#define REPORT_LISTED ((size_t)100000)

struct report {
    struct arena arena;
    struct difference *first, *last;
    const struct difference *rewound; /* the first of these, listed or not; NULL: none */
    size_t n, n_listed, n_alarms;     /* alarms: places TRUTH */
    bool full;
};

void report_init(struct report *r);
void report_fini(struct report *r);
/* `detail` may be NULL; it is copied. Alarms are counted apart by the place. */
void report_add(struct report *r, const struct difference *d, const char *detail);
/* While the log is unproven: it may be the truth that was set back. */
bool difference_is_rewound(const struct difference *d);
/* "reservation 0192… is missing", in `buf`, which is emptied first. */
const char *difference_text(const struct difference *d, struct rr_buf *buf);
void difference_json(const struct difference *d, struct rr_json *j);
