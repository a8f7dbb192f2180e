/* What a verify calls a difference, and what it asks about again. */
#include "compare.h"
#include "macros.h"
#include "time.h"
#include "unit.h"

#include <string.h>

static struct arena arena;
static struct report report;
static struct newer newer;
static struct exempt exempt;

static struct text text(const char *s)
{
    return (struct text){.s = s, .n = s ? strlen(s) : 0};
}

static struct event event(uint8_t id, int64_t version, const char *title)
{
    return (struct event){.after = {.id = {.b = {[15] = id}},
                                    .version = version,
                                    .room_id = 1,
                                    .user_id = text("ann"),
                                    .title = text(title),
                                    .starts_at = 1796119200 * RR_US_PER_SEC,
                                    .ends_at = 1796122800 * RR_US_PER_SEC,
                                    .created_at = 5,
                                    .updated_at = 5 + version},
                          .kind = version == 1 ? KIND_CREATED : KIND_CHANGED,
                          .recorded_by = text("ann")};
}

static struct held_state state(const struct event *e)
{
    return (struct held_state){.reservation = e->after, .room_name = text("A-101")};
}

/* Compares with the truth as first read, or, with `fresh`, as read again. */
static void compare(const struct truth_rows *truth, const struct held_rows *held, bool fresh)
{
    struct room room = {.id = 1, .name = text("A-101")};
    struct truth_rooms rooms = {.rooms = &room, .n = 1};
    struct compare c = {.arena = &arena,
                        .report = &report,
                        .exempt = &exempt,
                        .rooms = &rooms,
                        .newer = fresh ? NULL : &newer};

    compare_rows(&c, truth, held);
}

static int setup(void **unused)
{
    (void)unused;
    newer = (struct newer){.n = 0};
    exempt = (struct exempt){.n_parked = 0};
    report_init(&report);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    report_fini(&report);
    exempt_fini(&exempt);
    arena_fini(&arena);
    return 0;
}

#define TWO_EVENTS                                                                                           \
    struct event truth_events[] = {event(1, 1, "a"), event(1, 2, "b")};                                      \
    struct event held_events[] = {event(1, 1, "a"), event(1, 2, "b")};                                       \
    struct text changes[] = {text("{}"), text("{\"title\": {\"to\": \"b\", \"from\": \"a\"}}")};             \
    struct held_state states[] = {state(&held_events[1])};                                                   \
    struct truth_rows truth = {.events = truth_events, .n_events = 2};                                       \
    struct held_rows held = {                                                                                \
        .events = held_events, .changes = changes, .n_events = 2, .states = states, .n_states = 1}

static void equal_rows_are_no_difference_whatever_the_order_of_json(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
    assert_int_equal(newer.n, 0);
}

static void what_is_held_beyond_the_truth_is_asked_about_again(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    truth.n_events = 1;
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
    assert_int_equal(newer.n, 1);
    assert_int_equal(newer.ids[0].b[15], 1);
}

static void beyond_a_fresh_truth_there_is_nothing(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    truth.n_events = 1;
    compare(&truth, &held, true);
    assert_int_equal(report.n, 2); /* the event, and the state that came of it */
    assert_int_equal(report.first->kind, DIFFERENCE_EXTRA);
    assert_true(report.first->lowers);
}

static void a_fresh_truth_may_be_ahead_of_what_was_held_a_moment_ago(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    held.n_events = 1;
    states[0] = state(&held_events[0]);
    compare(&truth, &held, true);
    assert_int_equal(report.n, 0);
}

static void the_truth_read_before_has_to_be_held(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    held.n_events = 1;
    states[0] = state(&held_events[0]);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 2);
    assert_int_equal(report.first->kind, DIFFERENCE_MISSING);
    assert_int_equal(report.first->version, 2);
    assert_int_equal(report.first->next->kind, DIFFERENCE_STALE);
}

static void leave_out(int64_t version, bool is_parked)
{
    struct subject s = {.what = SUBJECT_RESERVATION, .version = version};

    s.reservation_id.b[15] = 1;
    exempt_add(&exempt, &s, is_parked);
}

static void what_is_parked_need_not_be_held_but_what_came_before_it_does(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    leave_out(2, true);
    held.n_events = 1;
    states[0] = state(&held_events[0]);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
    held_events[0].after.title = text("x");
    compare(&truth, &held, false);
    assert_int_equal(report.n, 1);
}

static void of_a_parked_one_that_is_not_held_at_all_what_came_before_is_missing(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    held.n_events = held.n_states = 0;
    leave_out(2, true);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 2); /* the event, and the state that it left */
    assert_int_equal(report.first->version, 1);
}

static void before_a_parked_one_that_cannot_be_read_the_next_one_tells_what_is_missing(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    held.n_events = held.n_states = 0;
    leave_out(0, true);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0); /* nobody knows which versions these are */
    leave_out(3, true);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 2);
}

static void before_a_gap_nothing_need_be_held(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    held.n_events = held.n_states = 0;
    leave_out(1, true);
    leave_out(3, true);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
}

static void a_skipped_version_need_not_be_held_and_what_follows_changed_from_the_one_before(void **unused)
{
    struct event truth_events[] = {event(1, 1, "a"), event(1, 2, "b"), event(1, 3, "c")};
    struct event held_events[] = {event(1, 1, "a"), event(1, 3, "c")};
    struct text changes[] = {text("{}"), text("{\"title\": {\"to\": \"c\", \"from\": \"a\"}}")};
    struct held_state states[] = {state(&held_events[1])};
    struct truth_rows truth = {.events = truth_events, .n_events = 3};
    struct held_rows held = {
        .events = held_events, .changes = changes, .n_events = 2, .states = states, .n_states = 1};

    (void)unused;
    compare(&truth, &held, false);
    assert_int_equal(report.n, 2); /* the version, and what the next one changed */
    leave_out(2, false);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 2);
}

static void a_version_that_was_applied_after_all_is_compared(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    leave_out(2, false);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
    held_events[1].after.title = text("x");
    compare(&truth, &held, false);
    assert_int_equal(report.n, 1);
}

static void in_a_parked_room_a_name_may_be_missing_but_not_wrong(void **unused)
{
    TWO_EVENTS;
    (void)unused;
    exempt_add(&exempt, &(struct subject){.what = SUBJECT_ROOM, .room_id = 1}, true);
    states[0].room_name = text(NULL);
    compare(&truth, &held, false);
    assert_int_equal(report.n, 0);
    states[0].room_name = text("B-202");
    compare(&truth, &held, false);
    assert_int_equal(report.n, 1);
}

static void differences_are_told_in_words(void **unused)
{
    struct rr_buf buf = {.data = NULL};

    TWO_EVENTS;
    (void)unused;
    states[0].reservation.title = text(NULL);
    compare(&truth, &held, false);
    assert_string_equal(
        difference_text(report.first, &buf),
        "reservation 00000000-0000-0000-0000-000000000001 differs: title is null, should be \"b\"");
    rr_buf_fini(&buf);
}

static void a_truth_that_disagrees_with_itself_is_an_alarm(void **unused)
{
    struct event events[] = {event(1, 1, "a"), event(2, 2, "b"), event(3, 1, "c"), event(4, 1, "d")};
    struct reservation rows[] = {
        events[0].after, events[1].after, events[2].after, {.id = {.b = {[15] = 9}}}};
    const struct truth_rows truth = {
        .events = events, .n_events = RR_LEN(events), .reservations = rows, .n_reservations = RR_LEN(rows)};

    (void)unused;
    rows[2].title = text("x");
    compare_truth(&truth, &report);
    /* 2: a version is missing; 3: the title; 4: not in the table; 9: not in the journal */
    assert_int_equal(report.n_alarms, 4);
    assert_int_equal(report.n, 4);
}

static void rooms_of_one_version_have_to_be_the_same(void **unused)
{
    struct room truth = {
        .id = 1, .version = 3, .name = text("A-101"), .location = text("north"), .active = true};
    struct room held = truth;

    (void)unused;
    assert_true(compare_room(&truth, &held, &report));
    held.location = text(NULL);
    assert_false(compare_room(&truth, &held, &report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_rows_are_no_difference_whatever_the_order_of_json, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_held_beyond_the_truth_is_asked_about_again, setup, teardown),
        cmocka_unit_test_setup_teardown(beyond_a_fresh_truth_there_is_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fresh_truth_may_be_ahead_of_what_was_held_a_moment_ago, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_truth_read_before_has_to_be_held, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_parked_need_not_be_held_but_what_came_before_it_does, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_a_parked_one_that_is_not_held_at_all_what_came_before_is_missing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            before_a_parked_one_that_cannot_be_read_the_next_one_tells_what_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(before_a_gap_nothing_need_be_held, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_skipped_version_need_not_be_held_and_what_follows_changed_from_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_that_was_applied_after_all_is_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(in_a_parked_room_a_name_may_be_missing_but_not_wrong, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(differences_are_told_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(a_truth_that_disagrees_with_itself_is_an_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(rooms_of_one_version_have_to_be_the_same, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
