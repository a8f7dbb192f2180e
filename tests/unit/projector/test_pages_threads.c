/* Both sides' pages, cut at different places, come as parts of the same ids, with every row once. The servers
 * are the test's own. */
#include "macros.h"
#include "pages.h"
#include "unit.h"

#include <string.h>

#define ROWS 400

static struct event truth_events[ROWS], held_events[ROWS];
static struct reservation truth_rows[ROWS];
static struct held_state held_states[ROWS];
static struct text held_changes[ROWS];
static size_t n_truth_events, n_truth_rows, n_held_events, n_held_states;
static size_t truth_limit, held_limit; /* of a page */

/* What of `rows` begins a page; rows beyond it are there. */
static size_t first_from(const struct rr_uuid *ids, size_t step, size_t n, const struct rr_uuid *from)
{
    size_t i = 0;

    while (i < n && id_compare((const void *)((const char *)ids + i * step), from) < 0)
        i++;
    return i;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t events_of_page(struct id_range *range, const struct event *events, size_t n, size_t limit)
{
    size_t whole;

    do {
        whole = id_range_of_events(range, events, smaller(n, limit), limit);
        limit *= 2;
    } while (whole == 0 && n >= limit / 2);
    return whole;
}

int __wrap_truth_page(struct truth *t, struct id_range *range, size_t n, struct arena *arena,
                      struct truth_rows *ret, struct failure *f);
int __wrap_truth_page(struct truth *t, struct id_range *range, size_t n, struct arena *arena,
                      struct truth_rows *ret, struct failure *f)
{
    size_t e = first_from(&truth_events->after.id, sizeof(*truth_events), n_truth_events, &range->from);
    size_t r = first_from(&truth_rows->id, sizeof(*truth_rows), n_truth_rows, &range->from), rows;

    (void)t, (void)n, (void)arena, (void)f;
    *ret = (struct truth_rows){.events = truth_events + e, .reservations = truth_rows + r};
    ret->n_events = events_of_page(range, ret->events, n_truth_events - e, truth_limit);
    rows = id_count_upto(&truth_rows[r].id, sizeof(*truth_rows), n_truth_rows - r, &range->upto);
    ret->n_reservations = smaller(rows, truth_limit);
    if (ret->n_reservations)
        id_range_of_rows(range, &ret->reservations[ret->n_reservations - 1].id, ret->n_reservations,
                         truth_limit, ret->events, &ret->n_events);
    return 0;
}

int __wrap_held_page(struct held *h, struct id_range *range, size_t n, struct arena *arena,
                     struct held_rows *ret, struct failure *f);
int __wrap_held_page(struct held *h, struct id_range *range, size_t n, struct arena *arena,
                     struct held_rows *ret, struct failure *f)
{
    size_t e = first_from(&held_events->after.id, sizeof(*held_events), n_held_events, &range->from);
    size_t s = first_from(&held_states->reservation.id, sizeof(*held_states), n_held_states, &range->from);

    (void)h, (void)n, (void)arena, (void)f;
    *ret =
        (struct held_rows){.events = held_events + e, .changes = held_changes + e, .states = held_states + s};
    ret->n_events = events_of_page(range, ret->events, n_held_events - e, held_limit);
    ret->n_states = smaller(
        id_count_upto(&held_states[s].reservation.id, sizeof(*held_states), n_held_states - s, &range->upto),
        held_limit);
    if (ret->n_states)
        id_range_of_rows(range, &ret->states[ret->n_states - 1].reservation.id, ret->n_states, held_limit,
                         ret->events, &ret->n_events);
    return 0;
}

/* Some reservations of 60 on each side, with up to 9 events and a row, or only one of both. */
static void invent(unsigned *seed)
{
    n_truth_events = n_truth_rows = n_held_events = n_held_states = 0;
    for (unsigned i = 0; i < 60; i++) {
        struct reservation r = {.id = {.b = {[0] = (uint8_t)(i / 8), [15] = (uint8_t)(4 * i)}}};
        unsigned what = (unsigned)rand_r(seed);

        for (unsigned k = 0; k < what % 10 && n_truth_events < ROWS && n_held_events < ROWS; k++) {
            if (what & 16)
                truth_events[n_truth_events++] = (struct event){.after = r};
            if (what & 32)
                held_events[n_held_events++] = (struct event){.after = r};
        }
        if (what & 64)
            truth_rows[n_truth_rows++] = r;
        if (what & 128)
            held_states[n_held_states++] = (struct held_state){.reservation = r};
    }
    for (size_t i = 0; i < n_held_events; i++)
        held_changes[i] = (struct text){.n = i};
}

static void widen(struct id_range *ids, const struct rr_uuid *first, const struct rr_uuid *last)
{
    if (id_compare(first, &ids->from) < 0)
        ids->from = *first;
    if (id_compare(last, &ids->upto) > 0)
        ids->upto = *last;
}

/* The ids that a part has rows of; from > upto: none. */
static struct id_range ids_of(const struct pages_part *p)
{
    const struct truth_rows *t = &p->truth;
    const struct held_rows *h = &p->held;
    struct id_range ids = {.from = id_last};

    if (t->n_events)
        widen(&ids, &t->events[0].after.id, &t->events[t->n_events - 1].after.id);
    if (t->n_reservations)
        widen(&ids, &t->reservations[0].id, &t->reservations[t->n_reservations - 1].id);
    if (h->n_events)
        widen(&ids, &h->events[0].after.id, &h->events[h->n_events - 1].after.id);
    if (h->n_states)
        widen(&ids, &h->states[0].reservation.id, &h->states[h->n_states - 1].reservation.id);
    return ids;
}

static void expect_all_parts(void)
{
    size_t te = 0, tr = 0, he = 0, hs = 0;
    struct rr_uuid before = {.b = {0}};
    struct pages *p = NULL;
    struct pages_part part;
    struct failure f;
    bool first = true;

    assert_int_equal(pages_start(NULL, &p, &f), 0);
    assert_int_equal(pages_hold(p, NULL, &f), 0);
    do {
        struct id_range ids;

        assert_int_equal(pages_next(p, &part, &f), 0);
        ids = ids_of(&part);
        if (id_compare(&ids.from, &ids.upto) <= 0) {
            assert_true(first || id_compare(&before, &ids.from) < 0);
            before = ids.upto;
            first = false;
        }
        assert_true(part.truth.n_events == 0 || part.truth.events == truth_events + te);
        assert_true(part.truth.n_reservations == 0 || part.truth.reservations == truth_rows + tr);
        assert_true(part.held.n_events == 0 || part.held.events == held_events + he);
        assert_true(part.held.n_events == 0 || part.held.changes[0].n == he);
        assert_true(part.held.n_states == 0 || part.held.states == held_states + hs);
        te += part.truth.n_events;
        tr += part.truth.n_reservations;
        he += part.held.n_events;
        hs += part.held.n_states;
    } while (!part.last);
    pages_stop(p);
    assert_int_equal(te, n_truth_events);
    assert_int_equal(tr, n_truth_rows);
    assert_int_equal(he, n_held_events);
    assert_int_equal(hs, n_held_states);
}

static void every_row_comes_once_beside_those_of_the_same_ids(void **state)
{
    unsigned seed = 5;

    (void)state;
    for (int round = 0; round < 100; round++) {
        invent(&seed);
        truth_limit = 1 + (size_t)rand_r(&seed) % 12;
        held_limit = 1 + (size_t)rand_r(&seed) % 12;
        expect_all_parts();
    }
}

static void nothing_on_either_side_is_one_part(void **state)
{
    (void)state;
    n_truth_events = n_truth_rows = n_held_events = n_held_states = 0;
    truth_limit = held_limit = 3;
    expect_all_parts();
}

static void it_can_end_before_the_generation_is_read(void **state)
{
    struct pages *p = NULL;
    struct failure f;

    (void)state;
    truth_limit = 3;
    assert_int_equal(pages_start(NULL, &p, &f), 0);
    pages_stop(p);
}

UNIT_MAIN(cmocka_unit_test(every_row_comes_once_beside_those_of_the_same_ids),
          cmocka_unit_test(nothing_on_either_side_is_one_part),
          cmocka_unit_test(it_can_end_before_the_generation_is_read))
