/* Held: which times of a row are damage, and not to be counted with. */
#include "held.h"
#include "macros.h"
#include "time.h"
#include "unit.h"

#define NOON (INT64_C(20000) * RR_US_PER_DAY)

static void only_times_that_a_reservation_can_have_are_possible(void **state)
{
    static const struct {
        int64_t starts_at, ends_at;
        bool possible;
    } cases[] = {
        {NOON, NOON + RR_US_PER_MIN, true},
        {NOON, NOON + 31 * RR_US_PER_DAY, true},
        {NOON, NOON + 31 * RR_US_PER_DAY + 1, false},
        {NOON, NOON, false},
        {NOON + 1, NOON, false},
        {RR_TIME_MIN, RR_TIME_MIN + RR_US_PER_MIN, true},
        {RR_TIME_MAX - RR_US_PER_MIN, RR_TIME_MAX, true},
        {RR_TIME_MIN - 1, RR_TIME_MIN + RR_US_PER_MIN, false},
        {RR_TIME_MAX, RR_TIME_MAX + 1, false},
        {INT64_MIN + PG_EPOCH_US, NOON, false}, /* -infinity */
        {NOON, INT64_MAX, false},
        {INT64_MIN + PG_EPOCH_US, INT64_MAX, false},
        {INT64_MIN, INT64_MIN + RR_US_PER_MIN, false},
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        const struct reservation r = {.starts_at = cases[i].starts_at, .ends_at = cases[i].ends_at};

        assert_int_equal(held_is_possible(&r), cases[i].possible);
    }
}

UNIT_MAIN(cmocka_unit_test(only_times_that_a_reservation_can_have_are_possible))
