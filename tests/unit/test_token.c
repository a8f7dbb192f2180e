#include "unit.h"

#include "macros.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

static struct rr_token reservation(uint32_t version)
{
    struct rr_token t = {.kind = RR_TOKEN_RESERVATION, .version = version};

    assert_true(rr_uuid_parse("019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10", 36, &t.reservation_id));
    return t;
}

static struct rr_token room(uint64_t id, uint32_t version)
{
    return (struct rr_token){.kind = RR_TOKEN_ROOM, .room_id = id, .version = version};
}

static void a_token_reads_back_as_the_write_it_names(void **state)
{
    const struct rr_token tokens[] = {reservation(1), reservation(UINT32_MAX), room(1, 1),
                                      room(UINT64_MAX, 77)};
    char text[RR_TOKEN_TEXT];
    struct rr_token back;

    (void)state;
    for (size_t i = 0; i < RR_LEN(tokens); i++) {
        rr_token_format(&tokens[i], text);
        assert_true(rr_token_parse(text, strlen(text), &back));
        assert_int_equal(back.kind, tokens[i].kind);
        assert_int_equal(back.version, tokens[i].version);
        assert_int_equal(back.room_id, tokens[i].room_id);
        assert_memory_equal(back.reservation_id.b, tokens[i].reservation_id.b, 16);
    }
}

/* Tokens outlive a release: what an older one made has to be read. */
static void the_format_does_not_change_unnoticed(void **state)
{
    const struct rr_token a = reservation(1), b = room(1, 1);
    char text[RR_TOKEN_TEXT];

    (void)state;
    assert_string_equal(rr_token_format(&a, text), "AQGa1MBbHnxDnFU8H20qfhAAAAABBfDEgA");
    assert_string_equal(rr_token_format(&b, text), "AgAAAAAAAAABAAAAASVP6u8");
}

static void any_flipped_bit_is_refused(void **state)
{
    const struct rr_token tokens[] = {reservation(3), room(12, 9)};
    char text[RR_TOKEN_TEXT];
    struct rr_token back;

    (void)state;
    for (size_t i = 0; i < RR_LEN(tokens); i++) {
        const size_t bits = strlen(rr_token_format(&tokens[i], text)) * 8;

        for (size_t bit = 0; bit < bits; bit++) {
            text[bit / 8] ^= (char)(1 << bit % 8);
            assert_false(rr_token_parse(text, bits / 8, &back));
            text[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_true(rr_token_parse(text, bits / 8, &back));
    }
}

static void any_cut_or_longer_token_is_refused(void **state)
{
    const struct rr_token tokens[] = {reservation(3), room(12, 9)};
    char text[RR_TOKEN_TEXT + 8];
    struct rr_token back;

    (void)state;
    for (size_t i = 0; i < RR_LEN(tokens); i++) {
        const size_t len = strlen(rr_token_format(&tokens[i], text));

        for (size_t cut = 0; cut < len; cut++) {
            assert_false(rr_token_parse(text, cut, &back));
            assert_false(rr_token_parse(text + len - cut, cut, &back));
        }
        for (size_t more = 1; more < 8; more++) {
            memset(text + len, 'A', more);
            assert_false(rr_token_parse(text, len + more, &back));
        }
    }
}

static void no_two_tokens_look_alike(void **state)
{
    char a[RR_TOKEN_TEXT], b[RR_TOKEN_TEXT];
    const struct rr_token one = room(1, 2), other = room(2, 1);

    (void)state;
    assert_string_not_equal(rr_token_format(&one, a), rr_token_format(&other, b));
}

static void version_0_names_no_write(void **state)
{
    const struct rr_token t = room(1, 0);
    char text[RR_TOKEN_TEXT];
    struct rr_token back;

    (void)state;
    rr_token_format(&t, text);
    assert_false(rr_token_parse(text, strlen(text), &back));
}

static void a_header_holds_up_to_eight_tokens(void **state)
{
    char text[RR_TOKEN_TEXT], header[RR_TOKENS_MAX * RR_TOKEN_TEXT + 64] = "";
    struct rr_token tokens[RR_TOKENS_MAX];
    size_t n = 0;

    (void)state;
    for (unsigned i = 1; i <= RR_TOKENS_MAX; i++) {
        const struct rr_token t = room(i, 1);

        sprintf(header + strlen(header), "%s%s",
                i == 1  ? ""
                : i % 2 ? ","
                        : " ,\t",
                rr_token_format(&t, text));
        assert_null(rr_token_parse_list(header, tokens, &n));
        assert_int_equal(n, i);
        assert_int_equal(tokens[i - 1].room_id, i);
    }
    strcat(strcat(header, ","), text);
    assert_non_null(strstr(rr_token_parse_list(header, tokens, &n), "more than 8"));
    assert_int_equal(n, RR_TOKENS_MAX);
}

static void a_header_with_anything_else_is_refused(void **state)
{
    static const char *const before[] = {"", "", "", "x,", "\"", "", "@ "};
    static const char *const after[] = {";", " x", ",x", "", "\"", "=", ""};
    const struct rr_token t = room(5, 5);
    struct rr_token tokens[RR_TOKENS_MAX];
    char text[RR_TOKEN_TEXT], header[2 * RR_TOKEN_TEXT];
    size_t n = 99;

    (void)state;
    rr_token_format(&t, text);
    for (size_t i = 0; i < RR_LEN(before); i++) {
        snprintf(header, sizeof(header), "%s%s%s", before[i], text, after[i]);
        assert_non_null(rr_token_parse_list(header, tokens, &n));
    }
    snprintf(header, sizeof(header), "%s %s", text, text); /* a blank is no comma */
    assert_non_null(rr_token_parse_list(header, tokens, &n));
    assert_non_null(rr_token_parse_list("", tokens, &n));
    assert_non_null(rr_token_parse_list(" , ", tokens, &n));
    assert_int_equal(n, 99);
}

UNIT_MAIN(cmocka_unit_test(a_token_reads_back_as_the_write_it_names),
          cmocka_unit_test(the_format_does_not_change_unnoticed),
          cmocka_unit_test(any_flipped_bit_is_refused), cmocka_unit_test(any_cut_or_longer_token_is_refused),
          cmocka_unit_test(no_two_tokens_look_alike), cmocka_unit_test(version_0_names_no_write),
          cmocka_unit_test(a_header_holds_up_to_eight_tokens),
          cmocka_unit_test(a_header_with_anything_else_is_refused))
