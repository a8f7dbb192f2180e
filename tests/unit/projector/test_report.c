/* Report: how much of what is found is kept. */
#include "report.h"
#include "unit.h"

#include <string.h>

static struct report report;

static int set_up(void **state)
{
    (void)state;
    report_init(&report);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    report_fini(&report);
    return 0;
}

static void add_rooms(size_t n)
{
    for (size_t i = 0; i < n; i++)
        report_add(&report,
                   &(struct difference){
                       .place = PLACE_ROOM, .kind = DIFFERENCE_MISSING, .room_id = (int64_t)report.n},
                   NULL);
}

/* A version of reservation `id`. */
static void add_version(uint8_t id, int64_t version, bool contradicts)
{
    report_add(&report,
               &(struct difference){.place = PLACE_HISTORY,
                                    .kind = DIFFERENCE_DIFFERS,
                                    .id = {.b = {id}},
                                    .version = version,
                                    .contradicts = contradicts},
               "title differs");
}

static size_t count_listed(void)
{
    size_t n = 0;

    for (const struct difference *d = report.first; d; d = d->next)
        n++;
    return n;
}

static void all_are_counted_and_the_first_are_listed(void **state)
{
    const struct difference *d = NULL;

    (void)state;
    add_rooms(REPORT_LISTED + 7);
    assert_int_equal(report.n, REPORT_LISTED + 7);
    assert_int_equal(report.n_listed, REPORT_LISTED);
    assert_int_equal(count_listed(), REPORT_LISTED);
    d = report.first;
    for (size_t i = 0; i < REPORT_LISTED; i++, d = d->next)
        assert_int_equal(d->room_id, i);
}

/* A repair decides about a reservation by all that differs in it. */
static void of_a_reservation_all_are_listed_or_none(void **state)
{
    (void)state;
    add_rooms(REPORT_LISTED - 1);
    add_version(1, 1, false);
    add_version(1, 2, false);
    add_version(1, 3, true);
    add_version(2, 1, false);
    add_version(1, 4, false); /* does not come, and would not be listed */
    assert_int_equal(report.n, REPORT_LISTED + 4);
    assert_int_equal(count_listed(), REPORT_LISTED + 2);
    assert_int_equal(report.last->version, 3);
}

static void the_first_rewound_one_is_known_although_the_list_is_full(void **state)
{
    struct rr_buf words = {.data = NULL};

    (void)state;
    add_rooms(REPORT_LISTED);
    assert_null(report.rewound);
    add_version(1, 1, false);
    add_version(1, 2, true);
    add_version(1, 3, true);
    assert_int_equal(report.n_listed, REPORT_LISTED);
    assert_int_equal(report.rewound->version, 2);
    assert_non_null(strstr(difference_text(report.rewound, &words), " version 2 differs: title differs"));
    rr_buf_fini(&words);
}

static void a_rewound_one_that_is_listed_is_the_first(void **state)
{
    (void)state;
    add_version(1, 1, false);
    add_version(1, 2, true);
    add_version(1, 3, true);
    assert_ptr_equal(report.rewound, report.first->next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(all_are_counted_and_the_first_are_listed), TEST(of_a_reservation_all_are_listed_or_none),
          TEST(the_first_rewound_one_is_known_although_the_list_is_full),
          TEST(a_rewound_one_that_is_listed_is_the_first))
