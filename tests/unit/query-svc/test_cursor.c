#include "unit.h"

#include "cursor.h"
#include "macros.h"

#include <string.h>

static const uint64_t scope = UINT64_C(0x0123456789abcdef);

static struct cursor example(void)
{
    struct cursor c = {.major = -1234567890123, .minor = UINT64_MAX - 7};

    assert_true(rr_uuid_parse("019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10", 36, &c.id));
    return c;
}

static void a_cursor_reads_back_as_the_place_it_names(void **state)
{
    const struct cursor cursors[] = {example(), {0}, {.major = INT64_MAX}, {.major = INT64_MIN, .minor = 1}};
    char text[CURSOR_TEXT];
    struct cursor back;

    (void)state;
    for (size_t i = 0; i < RR_LEN(cursors); i++) {
        cursor_format(&cursors[i], scope, text);
        assert_int_equal(strlen(text), CURSOR_TEXT - 1);
        assert_true(cursor_parse(text, strlen(text), scope, &back));
        assert_int_equal(back.major, cursors[i].major);
        assert_int_equal(back.minor, cursors[i].minor);
        assert_memory_equal(back.id.b, cursors[i].id.b, 16);
    }
}

static void any_flipped_bit_is_refused(void **state)
{
    const struct cursor c = example();
    char text[CURSOR_TEXT];
    struct cursor back;

    (void)state;
    cursor_format(&c, scope, text);
    for (size_t bit = 0; bit < (CURSOR_TEXT - 1) * 8; bit++) {
        text[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(cursor_parse(text, CURSOR_TEXT - 1, scope, &back));
        text[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void a_cut_or_longer_cursor_is_refused(void **state)
{
    const struct cursor c = example();
    char text[CURSOR_TEXT + 8];
    struct cursor back;

    (void)state;
    cursor_format(&c, scope, text);
    for (size_t len = 0; len < CURSOR_TEXT - 1; len++)
        assert_false(cursor_parse(text, len, scope, &back));
    strcat(text, "AAAA");
    assert_false(cursor_parse(text, strlen(text), scope, &back));
}

static void a_cursor_of_other_filters_is_refused(void **state)
{
    const uint64_t ab = cursor_scope_add(cursor_scope_add(CURSOR_SCOPE, "a", 1), "b", 1);
    const uint64_t others[] = {
        CURSOR_SCOPE,
        cursor_scope_add(CURSOR_SCOPE, "ab", 2),
        cursor_scope_add(cursor_scope_add(CURSOR_SCOPE, "b", 1), "a", 1),
        cursor_scope_add(cursor_scope_add(CURSOR_SCOPE, "", 0), "ab", 2),
    };
    const struct cursor c = example();
    char text[CURSOR_TEXT];
    struct cursor back;

    (void)state;
    cursor_format(&c, ab, text);
    assert_true(cursor_parse(text, strlen(text), ab, &back));
    for (size_t i = 0; i < RR_LEN(others); i++)
        assert_false(cursor_parse(text, strlen(text), others[i], &back));
}

UNIT_MAIN(cmocka_unit_test(a_cursor_reads_back_as_the_place_it_names),
          cmocka_unit_test(any_flipped_bit_is_refused), cmocka_unit_test(a_cut_or_longer_cursor_is_refused),
          cmocka_unit_test(a_cursor_of_other_filters_is_refused))
