#include "verify_verb.h"
#include "generation.h"
#include "repair.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

/* A repair may uncover what another difference has hidden. After so many it has to make them fewer. */
#define ROUNDS 3

enum { EQUAL, DIFFERENT, COULD_NOT_TELL };

struct outcome {
    int32_t generation;
    struct report found, left; /* by the first and, if there were repairs, by the last comparison */
    struct report *last;       /* one of both */
    struct verify_totals totals;
    struct repair_totals repaired;
    int rounds; /* of repairs */
};

static void print_differences(const struct report *r)
{
    struct rr_buf buf = {.data = NULL};

    for (const struct difference *d = r->first; d; d = d->next)
        puts(difference_text(d, &buf));
    if (r->n > r->n_listed)
        printf("not listed: %zu differences more\n", r->n - r->n_listed);
    rr_buf_fini(&buf);
}

static void print_left_alone(const struct repair_totals *t)
{
    static const char *const why[LEFT_REASONS] = {
        [LEFT_UNPROVEN] = "while the log is unproven, see \"the truth was set back\" in docs/operations.md",
        [LEFT_DISPUTED] = ("about which MySQL disagrees with itself, see \"the read model differs from the "
                           "truth\" in docs/operations.md"),
        [LEFT_LATE] = "whose last change MySQL does not show yet",
    };

    for (int i = 0; i < LEFT_REASONS; i++)
        if (t->left[i])
            printf("left alone: %zu %s\n", t->left[i], why[i]);
}

static void print_text(const struct outcome *o)
{
    const struct verify_totals *t = &o->totals;
    char at[RR_TIME_TEXT];

    if (o->rounds) {
        printf("repaired: %zu rooms, %zu reservations, %zu days of rooms\n", o->repaired.rooms,
               o->repaired.reservations, o->repaired.days);
        print_left_alone(&o->repaired);
    }
    printf("generation %d %s the truth of %s: %zu differences in %zu reservations, %zu events, %zu rooms, "
           "%zu days of rooms\n",
           o->generation, o->last->n ? "differs from" : "equals", rr_time_format(t->truth_at, at), o->last->n,
           t->reservations, t->events, t->rooms, t->days.days);
    if (t->parked || t->skipped)
        printf("left out: %zu events that are parked, %zu that were skipped, see `projector dead-letters "
               "list`\n",
               t->parked, t->skipped);
}

static void print_json(const struct outcome *o)
{
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;

    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    rr_json_bool(&j, "equal", o->last->n == 0);
    rr_json_int(&j, "generation", o->generation);
    rr_json_time(&j, "truth_at", o->totals.truth_at);
    rr_json_uint(&j, "reservations", o->totals.reservations);
    rr_json_uint(&j, "events", o->totals.events);
    rr_json_uint(&j, "rooms", o->totals.rooms);
    rr_json_uint(&j, "room_days", o->totals.days.days);
    rr_json_uint(&j, "days_read", o->totals.days.read);
    rr_json_uint(&j, "parked", o->totals.parked);
    rr_json_uint(&j, "skipped", o->totals.skipped);
    rr_json_array(&j, "differences");
    for (const struct difference *d = o->found.first; d; d = d->next)
        difference_json(d, &j);
    rr_json_end_array(&j);
    rr_json_uint(&j, "differences_not_listed", o->found.n - o->found.n_listed);
    rr_json_uint(&j, "differences_left", o->last->n);
    rr_json_object(&j, "repaired");
    rr_json_uint(&j, "rooms", o->repaired.rooms);
    rr_json_uint(&j, "reservations", o->repaired.reservations);
    rr_json_uint(&j, "room_days", o->repaired.days);
    rr_json_uint(&j, "left_alone", repair_left(&o->repaired));
    rr_json_uint(&j, "left_unproven", o->repaired.left[LEFT_UNPROVEN]);
    rr_json_uint(&j, "left_disputed", o->repaired.left[LEFT_DISPUTED]);
    rr_json_uint(&j, "left_late", o->repaired.left[LEFT_LATE]);
    rr_json_end_object(&j);
    rr_json_end_object(&j);
    puts(buf.failed ? "{}" : buf.data);
    rr_buf_fini(&buf);
}

/* Repairs what the last comparison found and compares again, until there is nothing to repair. */
static int mend(const struct verify_conf *conf, struct outcome *o, bool as_json, struct failure *f)
{
    size_t before = SIZE_MAX;

    while (o->last->n > o->last->n_alarms && (o->rounds < ROUNDS || o->last->n < before)) {
        o->rounds++;
        before = o->last->n;
        memset(o->repaired.left, 0, sizeof(o->repaired.left));
        if (repair(conf, o->generation, o->last, &o->repaired, f) != 0)
            return -1;
        report_fini(&o->left);
        report_init(&o->left);
        o->last = &o->left;
        if (verify(conf, o->generation, o->last, &o->totals, f) != 0)
            return -1;
        if (!as_json)
            print_differences(o->last);
    }
    return 0;
}

static int find_serving(const struct verify_conf *conf, int32_t *ret, struct failure *f)
{
    struct store *s = NULL;
    struct generation g;
    int end = store_open(conf->store, &s, f) != 0 ? -1 : generation_find(s, &g, f);

    store_close(s);
    if (end != 0)
        return -1;
    if (!g.found || !g.position.serving)
        return fail(f, FAIL_POSTGRES, "no generation serves yet");
    *ret = g.position.generation;
    return 0;
}

static int compare(const struct verify_conf *conf, struct outcome *o, bool repairing, bool as_json,
                   struct failure *f)
{
    if (find_serving(conf, &o->generation, f) != 0 ||
        verify(conf, o->generation, &o->found, &o->totals, f) != 0)
        return -1;
    if (!as_json)
        print_differences(&o->found);
    return repairing ? mend(conf, o, as_json, f) : 0;
}

int verify_verb(const struct verify_conf *conf, bool repairing, bool as_json)
{
    struct outcome o = {.last = &o.found};
    struct failure f;
    int end;

    report_init(&o.found);
    report_init(&o.left);
    if (compare(conf, &o, repairing, as_json, &f) != 0) {
        fprintf(stderr, "projector: could not tell: %s\n", f.text);
        end = COULD_NOT_TELL;
    } else {
        if (as_json)
            print_json(&o);
        else
            print_text(&o);
        end = o.last->n ? DIFFERENT : EQUAL;
    }
    report_fini(&o.left);
    report_fini(&o.found);
    return end;
}
