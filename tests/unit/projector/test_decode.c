/* Decoding, over messages that the real Debezium wrote (tests/fixtures) and over what can go wrong with them.
 */
#include "decode.h"
#include "macros.h"
#include "recorded.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct change change;
static struct failure failure;

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void decode_fixture(const char *name)
{
    rr_auto(free) char *json = fixture(name);

    if (decode(json, strlen(json), &arena, &change, &failure) != 0)
        fail_msg("%s: %s", name, failure.text);
}

static int decode_text(const char *json)
{
    return decode(json, strlen(json), &arena, &change, &failure);
}

/* The fixture with the first `from` replaced. */
static char *altered(const char *name, const char *from, const char *to)
{
    rr_auto(free) char *json = fixture(name);
    char *at = strstr(json, from), *ret = NULL;

    if (!at)
        fail_msg("%s has no %s", name, from);
    assert_true(asprintf(&ret, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from)) > 0);
    return ret;
}

static void expect_refused(const char *name, const char *from, const char *to, const char *reason)
{
    rr_auto(free) char *json = altered(name, from, to);

    assert_int_equal(decode_text(json), -1);
    assert_int_equal(failure.kind, FAIL_MESSAGE);
    if (!strstr(failure.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", failure.text, reason);
}

static void expect_ignored(const char *name, const char *reason, bool alarm)
{
    decode_fixture(name);
    assert_int_equal(change.what, CHANGE_IGNORED);
    assert_string_equal(change.ignored.reason, reason);
    assert_int_equal(change.ignored.alarm, alarm);
}

static void expect_created_event(const char *name)
{
    const struct event *e = &change.event;
    char id[RR_UUID_TEXT];

    decode_fixture(name);
    assert_int_equal(change.what, CHANGE_EVENT);
    assert_true(change.streamed);
    assert_true(change.committed_at > 1790000000000000);
    assert_string_equal(rr_uuid_format(&e->after.id, id), "ff000000-0000-4000-8000-00000000000a");
    assert_int_equal(e->after.version, 1);
    assert_int_equal(e->kind, KIND_CREATED);
    assert_int_equal(e->after.room_id, 2);
    assert_string_equal(e->after.user_id.s, "Zoë 👩‍💻");
    assert_string_equal(e->after.title.s, "Quarterly \"review\"");
    assert_int_equal(e->after.starts_at, 1956527100000000); /* 2031-12-31T23:45Z */
    assert_int_equal(e->after.ends_at, 1956528900000000);
    assert_int_equal(e->after.state, STATE_CONFIRMED);
    assert_false(e->after.deleted);
    assert_true(e->after.created_at > 1790000000000000 && e->after.updated_at == e->after.created_at);
    assert_string_equal(e->recorded_by.s, "admin");
    assert_null(e->reason.s);
    assert_string_equal(e->trace_id.s, "4bf92f3577b34da6a3ce929d0e0e4736");
}

static void a_created_event_is_read_in_full(void **state)
{
    (void)state;
    expect_created_event("reservation_event-c-created");
}

static void a_message_with_schemas_reads_the_same(void **state)
{
    (void)state;
    expect_created_event("with-schemas-reservation_event-c-created");
}

static void the_other_kinds_of_event_are_read(void **state)
{
    (void)state;
    decode_fixture("reservation_event-c-changed");
    assert_int_equal(change.event.kind, KIND_CHANGED);
    assert_int_equal(change.event.after.version, 2);
    assert_null(change.event.after.title.s);
    decode_fixture("reservation_event-c-cancelled");
    assert_int_equal(change.event.kind, KIND_CANCELLED);
    assert_int_equal(change.event.after.state, STATE_CANCELLED);
    assert_string_equal(change.event.reason.s, "not needed any more");
    decode_fixture("reservation_event-c-deleted");
    assert_int_equal(change.event.kind, KIND_DELETED);
    assert_true(change.event.after.deleted);
    assert_string_equal(change.event.recorded_by.s, "root@127.0.0.1");
}

static void a_snapshots_rows_have_no_commit_time(void **state)
{
    static const char *const names[] = {"reservation_event-r-created", "room-r", "pulse-r",
                                        "with-schemas-room-r"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(names); i++) {
        decode_fixture(names[i]);
        assert_int_not_equal(change.what, CHANGE_IGNORED);
        assert_false(change.streamed);
        assert_int_equal(change.committed_at, 0);
    }
}

static void rooms_are_read(void **state)
{
    (void)state;
    decode_fixture("room-c");
    assert_int_equal(change.what, CHANGE_ROOM);
    assert_int_equal(change.room.id, 2);
    assert_string_equal(change.room.name.s, "Sala \"Übung\" \\ 会議");
    assert_string_equal(change.room.location.s, "2nd floor");
    assert_int_equal(change.room.capacity, 100000);
    assert_true(change.room.active);
    decode_fixture("room-u");
    assert_string_equal(change.room.name.s, "Renamed");
    assert_null(change.room.location.s);
    assert_false(change.room.active);
    assert_int_equal(change.room.version, 2);
    decode_fixture("with-schemas-room-u");
    assert_int_equal(change.room.version, 2);
}

static void a_pulse_tells_its_commit_time(void **state)
{
    (void)state;
    decode_fixture("pulse-u");
    assert_int_equal(change.what, CHANGE_PULSE);
    assert_true(change.streamed);
    assert_true(change.committed_at > 1790000000000000);
}

static void what_is_no_change_is_ignored_with_its_reason(void **state)
{
    (void)state;
    expect_ignored("heartbeat", "heartbeat", false);
    expect_ignored("schema-change", "schema_change", false);
    expect_ignored("transaction", "transaction", false);
    assert_int_equal(decode(NULL, 0, &arena, &change, &failure), 0);
    assert_string_equal(change.ignored.reason, "tombstone");
    assert_int_equal(decode_text("{\"schema\":null,\"payload\":null}"), 0);
    assert_string_equal(change.ignored.reason, "tombstone");
}

static void what_a_healthy_truth_never_does_is_an_alarm(void **state)
{
    (void)state;
    expect_ignored("reservation_event-u-created", "journal_changed", true);
    expect_ignored("reservation_event-d", "journal_deleted", true);
    expect_ignored("reservation_event-t", "journal_truncated", true);
    expect_ignored("room-d", "room_deleted", true);
    expect_ignored("with-schemas-reservation_event-t", "journal_truncated", true);
}

static void another_table_is_ignored(void **state)
{
    rr_auto(free) char *json = altered("room-c", "\"table\":\"room\"", "\"table\":\"rooms\"");

    (void)state;
    assert_int_equal(decode_text(json), 0);
    assert_string_equal(change.ignored.reason, "other_table");
}

static void unknown_fields_are_passed_over(void **state)
{
    rr_auto(free) char *json =
        altered("reservation_event-c-created", "\"version\":1", "\"x\":[{\"y\":null}],\"version\":1");

    (void)state;
    assert_int_equal(decode_text(json), 0);
    assert_int_equal(change.what, CHANGE_EVENT);
}

static void a_boolean_word_is_taken_for_active(void **state)
{
    rr_auto(free) char *json = altered("room-c", "\"active\":1", "\"active\":false");

    (void)state;
    assert_int_equal(decode_text(json), 0);
    assert_false(change.room.active);
}

static void a_missing_field_is_named(void **state)
{
    (void)state;
    expect_refused("reservation_event-c-created", "\"user_id\"", "\"user\"", "column user_id: is missing");
    expect_refused("reservation_event-c-created", "\"title\"", "\"x\"", "column title: is missing");
    expect_refused("room-c", "\"capacity\"", "\"x\"", "column capacity: is missing");
    expect_refused("room-c", "\"op\"", "\"x\"", "field op is missing");
    expect_refused("room-c", "\"table\"", "\"x\"", "field source.table is missing");
    expect_refused("pulse-u", "\"ts_us\"", "\"x\"", "field source.ts_us is missing");
    expect_refused("room-c", "\"after\"", "\"x\"", "field after is missing");
}

static void a_wrong_type_or_value_is_named(void **state)
{
    const char *event = "reservation_event-c-created";

    (void)state;
    expect_refused(event, "\"version\":1", "\"version\":\"1\"", "column version: a number is expected");
    expect_refused(event, "\"version\":1", "\"version\":1.5", "column version: a whole number is expected");
    expect_refused(event, "\"version\":1", "\"version\":0", "column version: 0 is out of range");
    expect_refused(event, "\"version\":1", "\"version\":2147483648",
                   "column version: 2147483648 is out of range");
    expect_refused(event, "\"room_id\":2", "\"room_id\":9223372036854775808",
                   "column room_id: a number that is too large");
    expect_refused(event, "\"room_id\":2", "\"room_id\":null", "column room_id: is null");
    expect_refused(event, "\"kind\":\"created\"", "\"kind\":\"made\"", "column kind: \"made\" is not known");
    expect_refused(event, "\"state\":\"confirmed\"", "\"state\":7", "column state: a text is expected");
    expect_refused(event, "ff00000000004000800000000000000a", "ff",
                   "column reservation_id: 32 hexadecimal digits");
    expect_refused(event, "Quarterly", "Q\\u0000", "column title: a text with U+0000");
    expect_refused(event, "\"op\":\"c\"", "\"op\":\"x\"", "field op: \"x\" is not known");
    expect_refused("room-c", "\"active\":1", "\"active\":\"yes\"", "column active: a number is expected");
    expect_refused("pulse-u", "\"ts_us\":1", "\"ts_us\":-1",
                   "field source.ts_us: -1795356129235068 is out of range");
    expect_refused("pulse-u", "\"ts_us\":1795356129235068", "\"ts_us\":1795356129235068000",
                   "field source.ts_us: 1795356129235068000 is out of range");
}

static void an_impossible_interval_is_refused(void **state)
{
    const char *event = "reservation_event-c-created";

    (void)state;
    expect_refused(event, "\"ends_at\":1956528900000000", "\"ends_at\":1956527100000000",
                   "not after starts_at");
    expect_refused(event, "\"ends_at\":1956528900000000", "\"ends_at\":1959205560000000",
                   "more than 31 days");
    expect_refused(event, "\"ends_at\":1956528900000000", "\"ends_at\":1956528900000001",
                   "not whole minutes");
    expect_refused(event, "\"starts_at\":1956527100000000", "\"starts_at\":-9223372036854775808",
                   "out of range");
}

static void broken_json_is_refused(void **state)
{
    (void)state;
    expect_refused("room-c", "\"before\":null", "\"before\":nul", "not the JSON of a change");
    assert_int_equal(decode_text(""), -1);
    assert_int_equal(decode_text("[]"), -1);
    assert_int_equal(decode_text("{}"), -1);
    assert_int_equal(decode_text("{} x"), -1);
}

/* Read past the end, and the address sanitizer says so. */
static void every_truncation_is_refused(void **state)
{
    static const char *const names[] = {"reservation_event-c-created", "with-schemas-room-c"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(names); i++) {
        rr_auto(free) char *json = fixture(names[i]);

        for (size_t len = 0; len < strlen(json); len++) {
            rr_auto(free) char *cut = len ? malloc(len) : strdup("");

            memcpy(cut, json, len);
            assert_int_equal(decode(cut, len, &arena, &change, &failure), -1);
        }
    }
}

static void a_large_message_is_read(void **state)
{
    size_t size = 1000000;
    rr_auto(free) char *filler = malloc(size + 64), *json = NULL;

    (void)state;
    memset(filler, 'x', size);
    strcpy(filler + size, "\",\"version\":1");
    memcpy(filler, "\"z\":\"", 5);
    json = altered("reservation_event-c-created", "\"version\":1", filler);
    assert_int_equal(decode_text(json), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

UNIT_MAIN(TEST(a_created_event_is_read_in_full), TEST(a_message_with_schemas_reads_the_same),
          TEST(the_other_kinds_of_event_are_read), TEST(a_snapshots_rows_have_no_commit_time),
          TEST(rooms_are_read), TEST(a_pulse_tells_its_commit_time),
          TEST(what_is_no_change_is_ignored_with_its_reason),
          TEST(what_a_healthy_truth_never_does_is_an_alarm), TEST(another_table_is_ignored),
          TEST(unknown_fields_are_passed_over), TEST(a_boolean_word_is_taken_for_active),
          TEST(a_missing_field_is_named), TEST(a_wrong_type_or_value_is_named),
          TEST(an_impossible_interval_is_refused), TEST(broken_json_is_refused),
          TEST(every_truncation_is_refused), TEST(a_large_message_is_read))
