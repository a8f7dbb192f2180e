#include "calendar.h"
#include "unit.h"

#include <string.h>

static const struct calendar key = {.known = true, .secret = "0123456789abcdef0123456789abcde"};
static const struct calendar other_key = {.known = true, .secret = "0123456789abcdef0123456789abcdf"};

static void a_link_is_read_as_it_was_made(void **state)
{
    static const char *const ids[] = {"1", "ann", "名前 & more"};
    static const enum calendar_kind kinds[] = {CALENDAR_USER, CALENDAR_ROOM, CALENDAR_DETAILS};
    char text[CALENDAR_LINK];

    (void)state;
    for (size_t i = 0; i < RR_LEN(ids); i++)
        for (size_t k = 0; k < RR_LEN(kinds); k++) {
            struct calendar_link l = {.kind = kinds[k], .epoch = 0xfedcba98}, got;

            strcpy(l.id, ids[i]);
            assert_true(calendar_parse(&key, calendar_format(&key, &l, text), &got));
            assert_int_equal(got.kind, l.kind);
            assert_int_equal(got.epoch, l.epoch);
            assert_string_equal(got.id, l.id);
        }
}

static void the_longest_user_id_fits(void **state)
{
    struct calendar_link l = {.kind = CALENDAR_USER}, got;
    char text[CALENDAR_LINK], subject[CALENDAR_SUBJECT];

    (void)state;
    memset(l.id, 'x', CALENDAR_ID);
    assert_true(strlen(calendar_format(&key, &l, text)) < sizeof(text));
    assert_true(calendar_parse(&key, text, &got));
    assert_string_equal(got.id, l.id);
    assert_int_equal(strlen(calendar_subject(&l, subject)), CALENDAR_ID + 5);
}

static void a_changed_link_is_refused(void **state)
{
    struct calendar_link l = {.kind = CALENDAR_USER, .id = "ann"}, got;
    char text[CALENDAR_LINK], changed[CALENDAR_LINK];
    size_t len = strlen(calendar_format(&key, &l, text));

    (void)state;
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 7; bit++) {
            memcpy(changed, text, len + 1);
            changed[i] ^= (char)(1 << bit);
            if (strlen(changed) == len)
                assert_false(calendar_parse(&key, changed, &got));
        }
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(changed, text, len + 1);
        memmove(changed + cut, changed + cut + 1, len - cut);
        assert_false(calendar_parse(&key, changed, &got));
    }
}

static void a_link_signed_with_another_key_is_refused(void **state)
{
    struct calendar_link l = {.kind = CALENDAR_ROOM, .id = "7"}, got;
    char text[CALENDAR_LINK];

    (void)state;
    assert_false(calendar_parse(&other_key, calendar_format(&key, &l, text), &got));
}

static void what_is_no_link_is_refused(void **state)
{
    static const char *const bad[] = {"",       ".ics", "x", "AAAA.ics", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA.ics",
                                      "%%%.ics"};
    struct calendar_link got;
    char longest[4096];

    (void)state;
    for (size_t i = 0; i < RR_LEN(bad); i++)
        assert_false(calendar_parse(&key, bad[i], &got));
    memset(longest, 'A', sizeof(longest));
    strcpy(longest + sizeof(longest) - 5, ".ics");
    assert_false(calendar_parse(&key, longest, &got));
}

static void both_kinds_of_a_rooms_links_are_revoked_together(void **state)
{
    struct calendar_link l = {.kind = CALENDAR_ROOM, .id = "7"};
    char subject[CALENDAR_SUBJECT];

    (void)state;
    assert_string_equal(calendar_subject(&l, subject), "room:7");
    l.kind = CALENDAR_DETAILS;
    assert_string_equal(calendar_subject(&l, subject), "room:7");
    l.kind = CALENDAR_USER;
    assert_string_equal(calendar_subject(&l, subject), "user:7");
}

UNIT_MAIN(cmocka_unit_test(a_link_is_read_as_it_was_made), cmocka_unit_test(the_longest_user_id_fits),
          cmocka_unit_test(a_changed_link_is_refused),
          cmocka_unit_test(a_link_signed_with_another_key_is_refused),
          cmocka_unit_test(what_is_no_link_is_refused),
          cmocka_unit_test(both_kinds_of_a_rooms_links_are_revoked_together))
