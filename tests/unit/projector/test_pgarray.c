/* Arrays in PostgreSQL's binary format, byte by byte as array_send writes them. */
#include "macros.h"
#include "pgarray.h"
#include "unit.h"

#include <string.h>

static struct pgarray a;

static int tear_down(void **state)
{
    (void)state;
    pgarray_fini(&a);
    return 0;
}

static void expect_bytes(const void *bytes, size_t len)
{
    pgarray_end(&a);
    assert_int_equal(a.buf.len, len);
    assert_memory_equal(a.buf.data, bytes, len);
}

static void an_array_has_its_header_and_elements(void **state)
{
    static const unsigned char bytes[] = {0, 0, 0, 1, 0,    0,    0,    1,    0,    0,    0,    20,
                                          0, 0, 0, 2, 0,    0,    0,    1,    0,    0,    0,    8,
                                          0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff, 0xff};

    (void)state;
    pgarray_begin(&a, PG_INT8);
    pgarray_int8(&a, 0x12345678);
    pgarray_null(&a);
    expect_bytes(bytes, sizeof(bytes));
}

static void texts_and_json_carry_their_length(void **state)
{
    static const unsigned char text[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0,   0,   25,   0,    0,    0,
                                         2, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i', 0xff, 0xff, 0xff, 0xff};
    static const unsigned char json[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0x0e, 0xda, 0,  0,
                                         0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 1,    '{',  '}'};

    (void)state;
    pgarray_begin(&a, PG_TEXT);
    pgarray_text(&a, (struct text){"hi", 2});
    pgarray_text(&a, (struct text){NULL, 0});
    expect_bytes(text, sizeof(text));
    pgarray_begin(&a, PG_JSONB);
    pgarray_jsonb(&a, (struct text){"{}", 2});
    expect_bytes(json, sizeof(json));
}

static void times_count_from_2000(void **state)
{
    static const unsigned char zero[] = {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
    pgarray_begin(&a, PG_TIMESTAMPTZ);
    pgarray_time(&a, INT64_C(946684800000000));
    pgarray_end(&a);
    assert_memory_equal(a.buf.data + 20, zero, sizeof(zero));
    pgarray_begin(&a, PG_DATE);
    pgarray_date(&a, 10957);
    pgarray_end(&a);
    assert_memory_equal(a.buf.data + 24, zero + 4, 4);
}

static void what_was_written_is_read(void **state)
{
    static const int32_t numbers[] = {0, 1, -1, 32767, -32768};
    int32_t read[RR_LEN(numbers)];

    (void)state;
    pgarray_begin(&a, PG_INT2);
    for (size_t i = 0; i < RR_LEN(numbers); i++)
        pgarray_int2(&a, (int16_t)numbers[i]);
    pgarray_end(&a);
    assert_true(pgarray_read_int2(a.buf.data, a.buf.len, read, RR_LEN(numbers)));
    assert_memory_equal(read, numbers, sizeof(numbers));
    pgarray_begin(&a, PG_INT4);
    for (size_t i = 0; i < RR_LEN(numbers); i++)
        pgarray_int4(&a, numbers[i] * 65536);
    pgarray_end(&a);
    assert_true(pgarray_read_int4(a.buf.data, a.buf.len, read, RR_LEN(numbers)));
    for (size_t i = 0; i < RR_LEN(numbers); i++)
        assert_int_equal(read[i], numbers[i] * 65536);
}

static void an_array_of_another_shape_is_not_read(void **state)
{
    int32_t read[4];

    (void)state;
    pgarray_begin(&a, PG_INT2);
    pgarray_int2(&a, 1);
    pgarray_int2(&a, 2);
    pgarray_end(&a);
    assert_false(pgarray_read_int2(a.buf.data, a.buf.len, read, 3));
    assert_false(pgarray_read_int2(a.buf.data, a.buf.len - 1, read, 2));
    assert_false(pgarray_read_int4(a.buf.data, a.buf.len, read, 2));
    a.buf.data[19] = 0; /* its lower bound */
    assert_false(pgarray_read_int2(a.buf.data, a.buf.len, read, 2));
    pgarray_begin(&a, PG_INT2);
    pgarray_int2(&a, 1);
    pgarray_null(&a);
    pgarray_end(&a);
    assert_false(pgarray_read_int2(a.buf.data, a.buf.len, read, 2));
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

UNIT_MAIN(TEST(an_array_has_its_header_and_elements), TEST(texts_and_json_carry_their_length),
          TEST(times_count_from_2000), TEST(what_was_written_is_read),
          TEST(an_array_of_another_shape_is_not_read))
