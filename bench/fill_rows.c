/* Each room has each day a number of slots. All slots of all days are gone through in order, and each is
 * taken with the chance that takes exactly as many as are wanted (Knuth's algorithm S). A reservation never
 * leaves its slot, also not in former versions: nothing can overlap. */
#include "fill.h"

#include "time.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define QUARTER_US (15 * RR_US_PER_MIN)

enum {
    OFFICE_BEGINS = 32, /* quarter-hours: 08:00 to 18:00, and the whole day where that is not enough */
    OFFICE_QUARTERS = 40,
    DAY_QUARTERS = 96,
    LONGEST_QUARTERS = 8,
    STAMP = 32,
    VERSIONS = 5
};

struct fill {
    struct fill_plan plan;
    unsigned slots; /* of a room of middling popularity on a weekday */
    uint64_t left, wanted, random;
    int64_t day; /* since 1970 */
    int64_t first_day, end_day;
    unsigned room, slot; /* the last one looked at; UINT_MAX: before the first */
};

/* ---- chance ---- */

static uint64_t chance(struct fill *f) /* splitmix64 */
{
    uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(struct fill *f, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)chance(f) * n) >> 64);
}

static uint64_t least_of_two(struct fill *f, uint64_t n)
{
    uint64_t a = below(f, n), b = below(f, n);

    return a < b ? a : b;
}

/* ---- where there is room ---- */

static bool is_weekend(int64_t day)
{
    return (day + 3) % 7 >= 5; /* 1970-01-01 was a Thursday */
}

/* Half of the middle for the least, one and a half for the most popular; a quarter of it at weekends. */
static unsigned slots_of_room(const struct fill *f, unsigned room, bool weekend)
{
    uint64_t popularity = 50 + UINT64_C(100) * ((room * UINT64_C(7919) + 3) % f->plan.rooms) / f->plan.rooms;
    uint64_t n = f->slots * popularity / 100;

    if (n > DAY_QUARTERS)
        n = DAY_QUARTERS;
    return (unsigned)(weekend ? (n + 2) / 4 : n);
}

static uint64_t capacity(const struct fill *f)
{
    uint64_t weekday = 0, weekend = 0, weekends = 0, days = (uint64_t)(f->end_day - f->first_day);

    for (unsigned room = 0; room < f->plan.rooms; room++) {
        weekday += slots_of_room(f, room, false);
        weekend += slots_of_room(f, room, true);
    }
    for (int64_t day = f->first_day; day < f->end_day; day++)
        weekends += is_weekend(day);
    return (days - weekends) * weekday + weekends * weekend;
}

struct fill *fill_new(const struct fill_plan *p)
{
    struct fill *f = calloc(1, sizeof(*f));

    if (!f)
        abort();
    *f = (struct fill){.plan = *p, .wanted = p->reservations, .slot = UINT_MAX};
    /* Another run with the same seed, in further rooms, has other ids. */
    f->random = p->seed ^ p->first_room << 32;
    f->first_day = p->today / RR_US_PER_DAY - p->days_past;
    f->end_day = p->today / RR_US_PER_DAY + p->days_ahead;
    f->day = f->first_day;
    /* With a quarter of the slots free, if that can be had. */
    do {
        f->slots++;
        f->left = capacity(f);
    } while (f->left < p->reservations + p->reservations / 3 && f->slots < 2 * DAY_QUARTERS);
    if (f->left >= p->reservations)
        return f;
    fill_free(f);
    return NULL;
}

void fill_free(struct fill *f)
{
    free(f);
}

static bool next_slot(struct fill *f)
{
    f->slot++;
    while (f->slot >= slots_of_room(f, f->room, is_weekend(f->day))) {
        f->slot = 0;
        if (++f->room < f->plan.rooms)
            continue;
        f->room = 0;
        if (++f->day == f->end_day)
            return false;
    }
    return true;
}

static bool next_taken(struct fill *f)
{
    bool taken;

    do {
        if (!f->wanted || !next_slot(f))
            return false;
        taken = below(f, f->left--) < f->wanted;
    } while (!taken);
    f->wanted--;
    return true;
}

/* ---- one reservation ---- */

struct version {
    int64_t ends_at, recorded_at;
    const char *kind;
    char title[64]; /* as LOAD DATA reads it */
};

struct booking {
    char id[33], user[32], starts_at[STAMP];
    int64_t from, created_at;
    struct version versions[VERSIONS];
    unsigned n;
};

static void stamp(int64_t us, char out[STAMP])
{
    int64_t day = us / RR_US_PER_DAY, rest = us % RR_US_PER_DAY;
    unsigned month, date;
    int year;

    rr_civil_from_days(day, &year, &month, &date);
    snprintf(out, STAMP, "%04d-%02u-%02u %02d:%02d:%02d.%06d", year, month, date,
             (int)(rest / RR_US_PER_HOUR), (int)(rest % RR_US_PER_HOUR / RR_US_PER_MIN),
             (int)(rest % RR_US_PER_MIN / RR_US_PER_SEC), (int)(rest % RR_US_PER_SEC));
}

static void choose_title(struct fill *f, char out[64], unsigned change)
{
    static const char *const titles[] = {
        "Planning",         "Daily",          "Job interview",      "Design review",
        "Retrospective",    "Customer visit", "Bewerbungsgespräch", "設計レビュー",
        "Réunion d’équipe", "Training"};
    const char *title = titles[below(f, RR_LEN(titles))];

    if (change)
        snprintf(out, 64, "%s, %u", title, change + 1);
    else
        snprintf(out, 64, "%s", below(f, 5) ? title : "\\N");
}

/* Up to two weeks before; what would have been made after today was made within the last month, in the order
 * in which it starts. */
static int64_t made_at(struct fill *f, int64_t from)
{
    int64_t today = f->plan.today, ahead = f->plan.days_ahead * RR_US_PER_DAY;
    int64_t at = from - RR_US_PER_HOUR - (int64_t)below(f, (uint64_t)(14 * RR_US_PER_DAY));
    double later = from > today ? (double)(from - today) / (double)ahead : 0;

    if (at < today - RR_US_PER_DAY)
        return at;
    return today - 29 * RR_US_PER_DAY + (int64_t)(later * 27.0 * (double)RR_US_PER_DAY) +
           (int64_t)below(f, (uint64_t)RR_US_PER_DAY);
}

static void choose_time(struct fill *f, struct booking *b, int64_t *ret_to)
{
    unsigned slots = slots_of_room(f, f->room, is_weekend(f->day));
    bool office = slots <= OFFICE_QUARTERS;
    unsigned width = (office ? OFFICE_QUARTERS : DAY_QUARTERS) / slots, longest = width, first, length;

    if (longest > LONGEST_QUARTERS)
        longest = LONGEST_QUARTERS;
    length = 1 + (unsigned)below(f, longest);
    first = (office ? OFFICE_BEGINS : 0) + f->slot * width + (unsigned)least_of_two(f, width - length + 1);
    b->from = f->day * RR_US_PER_DAY + first * QUARTER_US;
    *ret_to = b->from + length * QUARTER_US;
}

static void add_version(struct fill *f, struct booking *b, const char *kind, int64_t to)
{
    struct version *v = &b->versions[b->n++], *before = v - 1;
    int64_t end = b->from < f->plan.today ? b->from : f->plan.today;

    v->kind = kind;
    v->ends_at = to;
    if (b->n == 1) {
        v->recorded_at = b->created_at;
        choose_title(f, v->title, 0);
        return;
    }
    /* Not after it began, unless there is no time left. */
    end = end > before->recorded_at + RR_US_PER_MIN ? end : before->recorded_at + RR_US_PER_MIN;
    v->recorded_at = before->recorded_at + 1 + (int64_t)below(f, (uint64_t)(end - before->recorded_at - 1));
    memcpy(v->title, before->title, sizeof(v->title));
}

static void choose_versions(struct fill *f, struct booking *b, int64_t to)
{
    bool changes = below(f, 100) < f->plan.percent_changed, cancelled = changes && below(f, 2);
    unsigned n_changes = changes ? (unsigned)below(f, 3) + !cancelled : 0;
    bool extended = n_changes && to - b->from > QUARTER_US && below(f, 2);
    int64_t first_to = extended ? b->from + QUARTER_US : to;

    b->n = 0;
    add_version(f, b, "created", first_to);
    for (unsigned i = 0; i < n_changes; i++) {
        add_version(f, b, "changed", to);
        if (i || !extended)
            choose_title(f, b->versions[b->n - 1].title, b->n - 1);
    }
    if (cancelled)
        add_version(f, b, "cancelled", b->versions[b->n - 1].ends_at);
}

static void choose(struct fill *f, struct booking *b)
{
    uint64_t user = least_of_two(f, f->plan.users), high = chance(f), low = chance(f);
    int64_t to;

    choose_time(f, b, &to);
    b->created_at = made_at(f, b->from);
    snprintf(b->user, sizeof(b->user), "user-%06" PRIu64, user + 1);
    snprintf(b->id, sizeof(b->id), "%012" PRIx64 "7%03" PRIx64 "%016" PRIx64,
             (uint64_t)(b->created_at / 1000), high & 0xfff,
             (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63);
    stamp(b->from, b->starts_at);
    choose_versions(f, b, to);
}

static void put_event(struct fill *f, const struct booking *b, const struct version *v, uint64_t room,
                      const char *created_at, struct rr_buf *out)
{
    bool cancelled = strcmp(v->kind, "cancelled") == 0;
    uint64_t high = chance(f), low = chance(f);
    char ends_at[STAMP], recorded_at[STAMP];

    stamp(v->ends_at, ends_at);
    stamp(v->recorded_at, recorded_at);
    rr_buf_printf(
        out, "%s\t%u\t%s\t%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%016" PRIx64 "%016" PRIx64 "\n",
        b->id, (unsigned)(v - b->versions) + 1, v->kind, room, b->user, v->title, b->starts_at, ends_at,
        cancelled ? "cancelled" : "confirmed", created_at, recorded_at, b->user,
        cancelled && high & 1 ? "no longer needed" : "\\N", high, low);
}

unsigned fill_next(struct fill *f, struct rr_buf *reservations, struct rr_buf *events)
{
    uint64_t room;
    char created_at[STAMP], ends_at[STAMP], updated_at[STAMP];
    const struct version *last;
    struct booking b;

    if (!next_taken(f))
        return 0;
    choose(f, &b);
    room = f->plan.first_room + f->room;
    last = &b.versions[b.n - 1];
    stamp(b.created_at, created_at);
    stamp(last->ends_at, ends_at);
    stamp(last->recorded_at, updated_at);
    rr_buf_printf(reservations, "%s\t%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%u\t%s\t%s\n", b.id, room, b.user,
                  last->title, b.starts_at, ends_at,
                  strcmp(last->kind, "cancelled") == 0 ? "cancelled" : "confirmed", b.n, created_at,
                  updated_at);
    for (unsigned i = 0; i < b.n; i++)
        put_event(f, &b, &b.versions[i], room, created_at, events);
    return b.n;
}
