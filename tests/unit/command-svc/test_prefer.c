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
        assert_true(prefers_minimal(headers[i]));
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
        assert_false(prefers_minimal(headers[i]));
}

static void the_first_of_two_counts(void **state)
{
    (void)state;
    assert_false(prefers_minimal("return=representation, return=minimal"));
    assert_true(prefers_minimal("return=minimal, return=representation"));
}

UNIT_MAIN(cmocka_unit_test(minimal_is_found_among_other_preferences),
          cmocka_unit_test(anything_else_is_not_minimal), cmocka_unit_test(the_first_of_two_counts))
