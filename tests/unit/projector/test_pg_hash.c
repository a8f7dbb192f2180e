/* The checksums are PostgreSQL's: each expected value was told by PostgreSQL 15,
 * SELECT hash_array_extended('{…}'::smallint[], 0), or of integer[] where smallint cannot hold it. */
#include "macros.h"
#include "pg_hash.h"
#include "unit.h"

static void expect(int64_t told, const int32_t *numbers, size_t n)
{
    assert_true((uint64_t)told == pg_hash_array(numbers, n));
}

#define EXPECT(told, ...)                                                                                    \
    expect(told, (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void single_numbers_hash_as_in_postgres(void **state)
{
    (void)state;
    EXPECT(INT64_C(4154612158245552334), 0);
    EXPECT(INT64_C(-3670598878359251099), 1);
    EXPECT(INT64_C(-1888257769727981207), -1);
}

static void arrays_hash_as_in_postgres(void **state)
{
    (void)state;
    expect(1, NULL, 0);
    EXPECT(INT64_C(3820380547890813345), 0, 0);
    EXPECT(INT64_C(-8617773849610344754), 15, 1440, 0);
    EXPECT(INT64_C(8606513528062015757), 32767, -32768);
    EXPECT(INT64_C(435030763096958499), INT32_MAX, INT32_MIN, 100000);
}

static void a_day_hashes_as_in_postgres(void **state)
{
    int32_t quarters[96] = {0};

    (void)state;
    expect(INT64_C(-7625303964853039615), quarters, RR_LEN(quarters));
    for (int32_t i = 0; i < 96; i++)
        quarters[i] = i * i % 61 - 7;
    expect(INT64_C(-2783655779592514612), quarters, RR_LEN(quarters));
}

UNIT_MAIN(cmocka_unit_test(single_numbers_hash_as_in_postgres), cmocka_unit_test(arrays_hash_as_in_postgres),
          cmocka_unit_test(a_day_hashes_as_in_postgres))
