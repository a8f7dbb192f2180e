/* What the history shows of a change. */
#include "changes.h"
#include "macros.h"
#include "time.h"
#include "unit.h"

#include <string.h>

static struct arena arena;

static struct text text(const char *s)
{
    return (struct text){.s = s, .n = s ? strlen(s) : 0};
}

static struct reservation planning(void)
{
    return (struct reservation){.version = 1,
                                .room_id = 1,
                                .user_id = text("ann"),
                                .title = text("Planning"),
                                .starts_at = 1796119200 * RR_US_PER_SEC,
                                .ends_at = 1796122800 * RR_US_PER_SEC};
}

static void expect_changes(const struct reservation *old, const struct reservation *new, int kind,
                           const char *json)
{
    struct event e = {.after = *new, .kind = kind};

    assert_string_equal(changes_json(&arena, old, &e).s, json);
    arena_fini(&arena);
}

static void the_first_version_and_a_deletion_show_none(void **state)
{
    struct reservation old = planning(), new = planning();

    (void)state;
    new.room_id = 9;
    expect_changes(NULL, &new, KIND_CREATED, "{}");
    expect_changes(&old, &new, KIND_DELETED, "{}");
}

static void what_stayed_is_not_shown(void **state)
{
    struct reservation old = planning(), new = planning();

    (void)state;
    new.version = 2;
    new.updated_at = 5;
    expect_changes(&old, &new, KIND_CHANGED, "{}");
}

static void each_field_is_shown_with_its_old_and_new_value(void **state)
{
    struct reservation old = planning(), new = planning();

    (void)state;
    new.room_id = 2;
    new.user_id = text("bob \"b\"");
    new.title = text(NULL);
    new.starts_at += RR_US_PER_HOUR;
    new.ends_at += RR_US_PER_HOUR;
    new.state = STATE_CANCELLED;
    expect_changes(&old, &new, KIND_CHANGED,
                   "{\"state\": {\"to\": \"cancelled\", \"from\": \"confirmed\"}, "
                   "\"title\": {\"to\": null, \"from\": \"Planning\"}, "
                   "\"ends_at\": {\"to\": \"2026-12-01T12:00:00Z\", \"from\": \"2026-12-01T11:00:00Z\"}, "
                   "\"room_id\": {\"to\": 2, \"from\": 1}, "
                   "\"user_id\": {\"to\": \"bob \\\"b\\\"\", \"from\": \"ann\"}, "
                   "\"starts_at\": {\"to\": \"2026-12-01T11:00:00Z\", \"from\": \"2026-12-01T10:00:00Z\"}}");
}

static void a_title_can_come_from_null(void **state)
{
    struct reservation old = planning(), new = planning();

    (void)state;
    old.title = text(NULL);
    expect_changes(&old, &new, KIND_CHANGED, "{\"title\": {\"to\": \"Planning\", \"from\": null}}");
    new.title = text(NULL);
    expect_changes(&old, &new, KIND_CHANGED, "{}");
}

UNIT_MAIN(cmocka_unit_test(the_first_version_and_a_deletion_show_none),
          cmocka_unit_test(what_stayed_is_not_shown),
          cmocka_unit_test(each_field_is_shown_with_its_old_and_new_value),
          cmocka_unit_test(a_title_can_come_from_null))
