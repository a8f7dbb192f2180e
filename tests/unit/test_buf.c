#include "unit.h"

#include "buf.h"

#include <math.h>
#include <stdlib.h>

static void an_empty_buffer_steals_as_an_empty_text(void **state)
{
    struct rr_buf b = {0};
    size_t len = 1;
    char *text = rr_buf_steal(&b, &len);

    (void)state;
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    free(text);
}

static void what_is_put_stands_in_order_and_is_terminated(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    rr_buf_puts(&b, "room ");
    rr_buf_put(&b, "A-101xyz", 5);
    rr_buf_printf(&b, " has %d seats", 8);
    assert_string_equal(b.data, "room A-101 has 8 seats");
    assert_int_equal(b.len, strlen(b.data));
}

static void a_buffer_grows_past_any_first_size(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        rr_buf_printf(&b, "%04d,", i);
    assert_false(b.failed);
    assert_int_equal(b.len, 50000);
    assert_memory_equal(b.data + 5 * 4321, "4321,", 5);
    assert_int_equal(b.data[b.len], 0);
}

static void one_printf_longer_than_the_buffer_is_not_cut(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    for (int len = 250; len < 520; len++) { /* around the sizes at which it grows */
        rr_buf_reset(&b);
        rr_buf_printf(&b, "%*s", len, "x");
        assert_int_equal(b.len, len);
        assert_int_equal(b.data[len - 1], 'x');
    }
}

static void an_impossible_size_fails_and_stays_failed(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    rr_buf_puts(&b, "before");
    rr_buf_put(&b, "", SIZE_MAX - 3);
    assert_true(b.failed);
    rr_buf_puts(&b, "after");
    assert_string_equal(b.data, "before");
    assert_null(rr_buf_steal(&b, NULL));
    assert_false(b.failed);
    rr_buf_puts(&b, "anew");
    assert_string_equal(b.data, "anew");
}

static void a_reset_buffer_is_empty_and_keeps_its_memory(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    size_t cap;

    (void)state;
    rr_buf_printf(&b, "%*s", 1000, "x");
    cap = b.cap;
    rr_buf_reset(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
}

static void a_real_is_written_in_its_shortest_form_that_reads_back(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.1, "0.1"},
                 {-2.5, "-2.5"},
                 {1e21, "1e+21"},
                 {0.083333333333333329, "0.08333333333333333"}};
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++) {
        rr_buf_reset(&b);
        rr_buf_real(&b, cases[i].v);
        assert_string_equal(b.data, cases[i].text);
    }
    for (double v = 1e-300; v < 1e300; v *= 3.7) {
        rr_buf_reset(&b);
        rr_buf_real(&b, v);
        assert_true(strtod(b.data, NULL) == v);
    }
}

UNIT_MAIN(cmocka_unit_test(an_empty_buffer_steals_as_an_empty_text),
          cmocka_unit_test(what_is_put_stands_in_order_and_is_terminated),
          cmocka_unit_test(a_buffer_grows_past_any_first_size),
          cmocka_unit_test(one_printf_longer_than_the_buffer_is_not_cut),
          cmocka_unit_test(an_impossible_size_fails_and_stays_failed),
          cmocka_unit_test(a_reset_buffer_is_empty_and_keeps_its_memory),
          cmocka_unit_test(a_real_is_written_in_its_shortest_form_that_reads_back))
