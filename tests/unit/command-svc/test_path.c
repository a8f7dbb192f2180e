#include "unit.h"

#include "macros.h"
#include "path.h"

static void a_room_id_is_a_number_from_1(void **state)
{
    uint64_t id = 0;

    (void)state;
    assert_true(path_room_id("1", &id));
    assert_int_equal(id, 1);
    assert_true(path_room_id("9223372036854775807", &id));
    assert_int_equal(id, INT64_MAX);
}

static void what_is_no_room_id_names_nothing(void **state)
{
    const char *const bad[] = {
        "", "0", "01", "-1", "+1", " 1", "1 ", "1x", "0x1", "9223372036854775808", "99999999999999999999999"};
    uint64_t id = 7;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(path_room_id(bad[i], &id));
    assert_int_equal(id, 7);
}

UNIT_MAIN(cmocka_unit_test(a_room_id_is_a_number_from_1), cmocka_unit_test(what_is_no_room_id_names_nothing))
