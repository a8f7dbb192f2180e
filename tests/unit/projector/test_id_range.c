/* Where a page of reservations ends, and the next one begins. */
#include "id_range.h"
#include "macros.h"
#include "unit.h"

#include <string.h>

static struct rr_uuid id(uint8_t n)
{
    return (struct rr_uuid){.b = {[15] = n}};
}

static struct event event(uint8_t n)
{
    return (struct event){.after = {.id = id(n)}};
}

static void fewer_events_than_the_limit_are_all_that_there_are(void **state)
{
    struct event events[] = {event(1), event(1), event(2)};
    struct id_range range = {.from = id(0)};

    (void)state;
    assert_int_equal(id_range_of_events(&range, events, 3, 4), 3);
    assert_memory_equal(&range.upto, &id_last, sizeof(id_last));
    assert_int_equal(id_range_of_events(&range, events, 0, 4), 0);
    assert_memory_equal(&range.upto, &id_last, sizeof(id_last));
}

static void a_reservation_that_may_go_on_is_left_to_the_next_page(void **state)
{
    struct event events[] = {event(1), event(2), event(2), event(3), event(3)};
    struct rr_uuid upto = id(2);
    struct id_range range = {.from = id(0)};

    (void)state;
    assert_int_equal(id_range_of_events(&range, events, 5, 5), 3);
    assert_memory_equal(&range.upto, &upto, sizeof(upto));
}

static void one_that_fills_the_page_is_not_whole(void **state)
{
    struct event events[] = {event(1), event(1), event(1)};
    struct id_range range = {.from = id(0)};

    (void)state;
    assert_int_equal(id_range_of_events(&range, events, 3, 3), 0);
}

static void rows_up_to_the_limit_cut_the_events(void **state)
{
    struct event events[] = {event(1), event(4), event(4), event(6)};
    struct rr_uuid four = id(4);
    struct id_range range = {.from = id(0), .upto = id(9)};
    size_t n_events = 4;

    (void)state;
    id_range_of_rows(&range, &four, 2, 3, events, &n_events);
    assert_int_equal(n_events, 4);
    id_range_of_rows(&range, &four, 3, 3, events, &n_events);
    assert_int_equal(n_events, 3);
    assert_memory_equal(&range.upto, &four, sizeof(four));
}

static void the_next_page_begins_with_the_next_id(void **state)
{
    struct id_range range = {.upto = {.b = {[14] = 7, [15] = 255}}};
    struct rr_uuid next = {.b = {[14] = 8}};

    (void)state;
    assert_true(id_range_next(&range));
    assert_memory_equal(&range.from, &next, sizeof(next));
    range.upto = id_last;
    assert_false(id_range_next(&range));
}

static void rows_are_counted_up_to_an_id(void **state)
{
    struct event events[] = {event(1), event(2), event(2), event(5)};
    struct rr_uuid at;

    (void)state;
    for (uint8_t n = 0; n < 8; n++) {
        size_t expected = 0;

        while (expected < RR_LEN(events) && events[expected].after.id.b[15] <= n)
            expected++;
        at = id(n);
        assert_int_equal(id_count_upto(&events->after.id, sizeof(*events), RR_LEN(events), &at), expected);
    }
    assert_int_equal(id_count_upto(&events->after.id, sizeof(*events), 0, &at), 0);
}

UNIT_MAIN(cmocka_unit_test(fewer_events_than_the_limit_are_all_that_there_are),
          cmocka_unit_test(a_reservation_that_may_go_on_is_left_to_the_next_page),
          cmocka_unit_test(one_that_fills_the_page_is_not_whole),
          cmocka_unit_test(rows_up_to_the_limit_cut_the_events),
          cmocka_unit_test(the_next_page_begins_with_the_next_id),
          cmocka_unit_test(rows_are_counted_up_to_an_id))
