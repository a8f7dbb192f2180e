#include "unit.h"

#include "macros.h"
#include "prefer.h"

static void minimal_is_found_among_other_preferences(void **state)
{
    const char *const headers[] = {
        "return=minimal",
        "wait=3, return=minimal",
        "respond-async,return=minimal;x=y , wait=1",
        " Return = \"MINIMAL\" ",
        "note=\"a, return=representation\", return=minimal",
        "x=\"\\\",\", return=minimal",
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(headers); i++)
        assert_true(rr_prefer_minimal(headers[i]));
}

static void anything_else_is_not_minimal(void **state)
{
    const char *const headers[] = {
        NULL,
        "",
        ",",
        "return",
        "return=",
        "return=representation",
        "returns=minimal",
        "return=minimal2",
        "x=\"return=minimal\"",
        "x=\"unfinished, return=minimal",
        "wait=2;return=minimal",
        "\"\\",
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(headers); i++)
        assert_false(rr_prefer_minimal(headers[i]));
}

static void the_first_of_two_counts(void **state)
{
    (void)state;
    assert_false(rr_prefer_minimal("return=representation, return=minimal"));
    assert_true(rr_prefer_minimal("return=minimal, return=representation"));
}

static void wait_is_found_among_other_preferences(void **state)
{
    static const struct {
        const char *prefer;
        uint32_t seconds;
    } good[] = {
        {"wait=5", 5},
        {"WAIT=0", 0},
        {"  wait = 7 ", 7},
        {"wait=\"3\"", 3},
        {"wait=4; foo=bar", 4},
        {"respond-async, wait=10", 10},
        {"return=minimal; a=\"x, wait=1\", wait=2", 2},
        {"a=\"\\\", wait=1\",wait=8", 8},
        {"wait=5, wait=6", 5},
        {"waiting=1, wait=9", 9},
        {"wait=\t\"4\" ;a=\"b;c\"", 4},
        {"wait=99999999999999999999999", UINT32_MAX},
    };
    uint32_t seconds;

    (void)state;
    for (size_t i = 0; i < RR_LEN(good); i++) {
        assert_true(rr_prefer_wait(good[i].prefer, &seconds));
        assert_int_equal(seconds, good[i].seconds);
    }
}

static void what_is_no_wait_is_ignored(void **state)
{
    static const char *const bad[] = {
        "",
        "wait",
        "wait=",
        "wait=-1",
        "wait=1.5",
        "wait=x",
        "wait=1x",
        "wait=\"1",
        "wait=\"\"",
        "waiting=5",
        "return=minimal",
        "a=\"wait=5\"",
        ",,,",
        "wait=1 2",
        "=5",
        "\"wait=5\"",
        "a=\"unterminated",
        "wait, wait=3",
        "wait=\"3\"x",
    };
    uint32_t seconds = 42;

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++) {
        assert_false(rr_prefer_wait(bad[i], &seconds));
        assert_int_equal(seconds, 42);
    }
}

UNIT_MAIN(cmocka_unit_test(minimal_is_found_among_other_preferences),
          cmocka_unit_test(anything_else_is_not_minimal), cmocka_unit_test(the_first_of_two_counts),
          cmocka_unit_test(wait_is_found_among_other_preferences),
          cmocka_unit_test(what_is_no_wait_is_ignored))
