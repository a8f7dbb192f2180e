/* Where messages go: every shape is applied, ignored by rule, or parked; and whatever is parked, cut or
 * repeated, all others come out as if they were alone. */
#include "intake.h"
#include "macros.h"
#include "recorded.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct intake in;
static struct batch batch;
static const char *ignored;
static bool alarm_;

static int set_up(void **state)
{
    (void)state;
    in = (struct intake){.n_verdicts = 0};
    batch_init(&batch);
    batch.parked = &in.parked;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    batch_fini(&batch);
    intake_fini(&in);
    return 0;
}

static void take(int64_t offset, const char *key, const char *value)
{
    const struct rr_kafka_message m = {.offset = offset,
                                       .key = key,
                                       .key_len = key ? strlen(key) : 0,
                                       .value = value,
                                       .value_len = value ? strlen(value) : 0};

    intake(&in, &m, &batch, &ignored, &alarm_);
}

#define ID_1  "00000000000040008000000000000001"
#define ID_2  "00000000000040008000000000000002"
#define KEY_1 "{\"reservation_id\":\"" ID_1 "\"}"
#define KEY_2 "{\"reservation_id\":\"" ID_2 "\"}"

static char *event_json(const char *id, int version, const char *title)
{
    char *ret = NULL;

    assert_true(asprintf(&ret,
                         "{\"before\":null,\"after\":{\"reservation_id\":\"%s\",\"version\":%d,"
                         "\"kind\":\"%s\",\"room_id\":7,\"user_id\":\"ann\",\"title\":%s,"
                         "\"starts_at\":1796119200000000,\"ends_at\":1796122800000000,"
                         "\"state\":\"confirmed\",\"created_at\":1,\"recorded_at\":%d,"
                         "\"recorded_by\":\"ann\",\"reason\":null,\"trace_id\":null},"
                         "\"source\":{\"ts_us\":%d,\"snapshot\":null,\"table\":\"reservation_event\"},"
                         "\"op\":\"c\"}",
                         id, version, version == 1 ? "created" : "changed", title, version,
                         1000 + version) > 0);
    return ret;
}

static void take_event(int64_t offset, const char *id, int version, const char *title)
{
    rr_auto(free) char *value = event_json(id, version, title), *key = NULL;

    assert_true(asprintf(&key, "{\"reservation_id\":\"%s\"}", id) > 0);
    take(offset, key, value);
}

static void take_room(int64_t offset, int version, const char *name)
{
    char value[600];

    snprintf(value, sizeof(value),
             "{\"after\":{\"id\":7,\"name\":%s,\"location\":null,\"capacity\":4,\"active\":1,\"version\":%d,"
             "\"created_at\":1,\"updated_at\":1},\"source\":{\"ts_us\":5,\"table\":\"room\"},\"op\":\"u\"}",
             name, version);
    take(offset, "{\"id\":7}", value);
}

/* ---- single rules ---- */

static void a_poison_event_parks_its_reservation_and_all_others_go_on(void **state)
{
    const struct letter *l;

    (void)state;
    take_event(10, ID_1, 1, "null");
    take_event(11, ID_1, 2, "17");
    take_event(12, ID_2, 1, "null");
    take_event(13, ID_1, 3, "null");
    assert_int_equal(batch.n_messages, 4);
    assert_int_equal(batch.n_events, 2);
    assert_int_equal(batch.n_letters, 2);
    l = batch.letters;
    assert_int_equal(l->kind, LETTER_MESSAGE);
    assert_int_equal(l->subject.what, SUBJECT_RESERVATION);
    assert_int_equal(l->subject.reservation_id.b[15], 1);
    assert_int_equal(l->subject.version, 2);
    assert_int_equal(l->offset, 11);
    assert_non_null(strstr(l->reason.s, "column title"));
    assert_string_equal(l->key.s, KEY_1);
    assert_non_null(strstr(l->value.s, "\"title\":17"));
    assert_int_equal(l->next->kind, LETTER_BEHIND);
    assert_int_equal(l->next->subject.version, 3);
    assert_false(batch.unreadable);
}

static void a_poison_room_event_parks_its_room_and_leaves_its_reservations_without_a_name(void **state)
{
    (void)state;
    take_event(1, ID_1, 1, "null");
    take_room(2, 2, "[]");
    take_event(3, ID_2, 1, "null");
    take_room(4, 3, "\"good\"");
    assert_int_equal(batch.n_letters, 2);
    assert_int_equal(batch.letters->subject.what, SUBJECT_ROOM);
    assert_int_equal(batch.letters->subject.room_id, 7);
    assert_int_equal(batch.letters->next->kind, LETTER_BEHIND);
    assert_int_equal(batch.n_rooms, 0);
    assert_int_equal(batch.n_events, 2);
    assert_false(batch.events->unnamed);
    assert_true(batch.events->next->unnamed);
}

static void what_was_parked_before_is_parked_again(void **state)
{
    struct subject s = {.what = SUBJECT_RESERVATION};

    (void)state;
    s.reservation_id.b[6] = 0x40;
    s.reservation_id.b[8] = 0x80;
    s.reservation_id.b[15] = 1;
    parked_put(&in.parked, &s);
    take_event(1, ID_1, 5, "null");
    take_event(2, ID_1, 6, "17");
    take_event(3, ID_2, 1, "null");
    assert_int_equal(batch.n_letters, 2);
    assert_int_equal(batch.letters->kind, LETTER_BEHIND);
    assert_int_equal(batch.letters->next->kind, LETTER_BEHIND);
    assert_int_equal(batch.n_events, 1);
}

static void a_verdict_parks_the_message_at_its_offset(void **state)
{
    (void)state;
    intake_verdict(&in, 21, LETTER_GAP, "version 2 is missing");
    intake_verdict(&in, 40, LETTER_MESSAGE, "too large");
    take_event(20, ID_1, 1, "null");
    take_event(21, ID_1, 3, "null");
    take_event(22, ID_1, 4, "null");
    take_event(23, ID_2, 1, "null");
    assert_int_equal(batch.n_events, 2);
    assert_int_equal(batch.letters->kind, LETTER_GAP);
    assert_string_equal(batch.letters->reason.s, "version 2 is missing");
    assert_int_equal(in.parked.n_gaps, 1);
    assert_int_equal(batch.letters->next->kind, LETTER_BEHIND);
    intake_forget(&in, 24);
    assert_false(intake_has_verdict(&in, 21));
    assert_true(intake_has_verdict(&in, 40));
}

static struct text words(const char *s)
{
    return (struct text){.s = s, .n = s ? strlen(s) : 0};
}

static void what_was_skipped_at_its_place_is_not_parked_again(void **state)
{
    rr_auto(free) char *event = event_json(ID_2, 9, "null");

    (void)state;
    skipped_put(&in.skipped, 11, words(KEY_1), words("{"));
    skipped_put(&in.skipped, 11, words(KEY_1), words("of another log"));
    skipped_put(&in.skipped, 12, words(NULL), words(""));
    skipped_put(&in.skipped, 13, words(KEY_2), words(event));
    intake_verdict(&in, 13, LETTER_LOST, "version 1 is missing");
    take(11, KEY_1, "{");
    assert_string_equal(ignored, "skipped");
    assert_false(alarm_);
    take(12, NULL, "");
    take(13, KEY_2, event);
    assert_string_equal(ignored, "skipped");
    take_event(14, ID_1, 2, "null");
    assert_int_equal(batch.n_letters, 0);
    assert_int_equal(batch.n_messages, 4);
    assert_int_equal(batch.n_events, 1);
    assert_false(batch.unreadable);
}

static void what_was_skipped_elsewhere_or_in_other_words_is_parked(void **state)
{
    (void)state;
    skipped_put(&in.skipped, 11, words(KEY_1), words("{"));
    take(10, KEY_1, "{");
    take(11, KEY_1, "[");
    take(11, KEY_2, "{");
    take(11, NULL, "{");
    take(11, KEY_1, NULL);
    assert_int_equal(batch.n_letters, 4);
    skipped_reset(&in.skipped);
    take(11, KEY_1, "{");
    assert_int_equal(batch.n_letters, 5);
}

static void what_was_skipped_and_can_be_applied_now_is_applied(void **state)
{
    rr_auto(free) char *event = event_json(ID_1, 1, "null");

    (void)state;
    skipped_put(&in.skipped, 11, words(KEY_1), words(event));
    take(11, KEY_1, event);
    assert_null(ignored);
    assert_int_equal(batch.n_events, 1);
}

static void a_message_whose_key_cannot_be_read_belongs_to_nobody(void **state)
{
    static const char *const keys[] = {NULL,
                                       "",
                                       "7",
                                       "{",
                                       "{\"reservation_id\":\"" ID_1 "\"",
                                       "{\"reservation_id\":\"beef\"}",
                                       "{\"reservation_id\":7}",
                                       "{\"id\":\"7\"}",
                                       "{\"id\":0}",
                                       "{\"id\":-1}",
                                       "{\"name\":\"x\"}",
                                       "{\"schema\":null,\"payload\":null}",
                                       "\xff\xfe"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(keys); i++) {
        batch_reset(&batch);
        take((int64_t)i, keys[i], "{\"after\":");
        assert_int_equal(batch.n_letters, 1);
        assert_int_equal(batch.letters->subject.what, SUBJECT_UNKNOWN);
        assert_true(batch.unreadable);
    }
}

static void keys_are_read_with_and_without_schemas(void **state)
{
    (void)state;
    take(1, KEY_2, "not JSON");
    take(2, "{\"schema\":{\"type\":\"struct\"},\"payload\":{\"reservation_id\":\"" ID_1 "\"}}", "not JSON");
    take(3, "{\"schema\":{\"type\":\"struct\"},\"payload\":{\"id\":7}}", "not JSON");
    assert_int_equal(batch.n_letters, 3);
    assert_false(batch.unreadable);
    assert_int_equal(batch.letters->subject.reservation_id.b[15], 2);
    assert_int_equal(batch.letters->next->subject.reservation_id.b[15], 1);
    assert_int_equal(batch.letters->next->next->subject.room_id, 7);
    assert_int_equal(batch.letters->subject.version, 0);
}

static void a_broken_pulse_is_ignored_for_nothing_is_lost_with_it(void **state)
{
    (void)state;
    take(1, "{\"id\":1}", "{\"op\":\"u\",\"after\":{\"id\":1},\"source\":{\"table\":\"pulse\"}}");
    assert_string_equal(ignored, "pulse_broken");
    assert_true(alarm_);
    take(2, "{\"id\":1}", "{\"op\":\"u\",\"source\":{\"ts_us\":\"soon\",\"table\":\"pulse\"},");
    assert_string_equal(ignored, "pulse_broken");
    assert_int_equal(batch.n_letters, 0);
    assert_int_equal(batch.n_messages, 2);
}

static void a_reason_is_utf8_whatever_the_message_quotes(void **state)
{
    char value[200];

    (void)state;
    snprintf(value, sizeof(value), "{\"op\":\"%39s\xc3\xbc\",\"source\":{\"table\":\"room\"}}", "");
    take(1, KEY_1, value);
    assert_int_equal(batch.n_letters, 1);
    assert_null(strchr(batch.letters->reason.s, '\xc3'));
}

static void a_message_of_a_megabyte_is_applied_or_parked_whole(void **state)
{
    size_t n = 1 << 20;
    rr_auto(free) char *title = calloc(1, n + 3), *value = NULL;

    (void)state;
    memset(title, 'x', n + 2);
    title[0] = title[n + 1] = '"';
    take_event(1, ID_1, 1, title);
    assert_int_equal(batch.n_events, 1);
    assert_int_equal(batch.events->event.after.title.n, n);
    value = event_json(ID_2, 1, title);
    value[strlen(value) - 1] = '\0';
    take(2, KEY_2, value);
    assert_int_equal(batch.n_letters, 1);
    assert_int_equal(batch.letters->value.n, strlen(value));
}

/* ---- shapes ---- */

static void each_byte_that_is_missing_or_wrong_leaves_a_message_applied_ignored_or_parked(void **state)
{
    static const char *const names[] = {"reservation_event-c-created", "room-u", "pulse-u",
                                        "with-schemas-reservation_event-c-changed"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(names); i++) {
        rr_auto(free) char *json = fixture(names[i]);
        size_t n = strlen(json), step = n > 3000 ? 13 : 1;

        for (size_t at = 0; at < n; at += step) {
            char kept = json[at];

            for (int k = 0; k < 3; k++) {
                batch_reset(&batch);
                parked_reset(&in.parked);
                json[at] = "\0\"\xff"[k];
                take(1, KEY_1, json);
                assert_int_equal(batch.n_messages, 1);
                assert_int_equal(
                    batch.n_events + batch.n_rooms + batch.n_letters + batch.n_pulses + (ignored != NULL), 1);
            }
            json[at] = kept;
        }
    }
}

/* ---- any sequence ---- */

#define RESERVATIONS 6
#define VERSIONS     8
#define MESSAGES     (RESERVATIONS * VERSIONS)

struct message {
    int reservation, version;
    bool poison;
};

struct outcome {
    struct reservation now[RESERVATIONS];
    int events[RESERVATIONS], letters[RESERVATIONS];
    int first_letter[RESERVATIONS]; /* its version; 0: none */
    char title[RESERVATIONS][32];
};

static void fill(struct message topic[MESSAGES], unsigned seed)
{
    int versions[RESERVATIONS] = {0};

    for (int n = 0; n < MESSAGES; n++) {
        int r = rand_r(&seed) % RESERVATIONS;

        while (versions[r] == VERSIONS)
            r = (r + 1) % RESERVATIONS;
        topic[n] = (struct message){
            .reservation = r, .version = ++versions[r], .poison = r % 2 && rand_r(&seed) % 5 == 0};
    }
}

static void apply_to(struct outcome *o)
{
    struct failure f;

    for (struct batch_reservation *r = batch.reservations; r; r = r->next)
        if (o->now[r->id.b[15]].version) {
            struct reservation *copy = arena_alloc(&batch.arena, sizeof(*copy));

            *copy = o->now[r->id.b[15]];
            r->stored = copy;
        }
    assert_int_equal(batch_plan(&batch, &f), 0);
    for (const struct batch_event *e = batch.events; e; e = e->next)
        o->events[e->event.after.id.b[15]] += e->is_new;
    for (const struct batch_reservation *r = batch.reservations; r; r = r->next) {
        if (r->now == r->stored)
            continue;
        o->now[r->id.b[15]] = *r->now;
        snprintf(o->title[r->id.b[15]], sizeof(o->title[0]), "%s", r->now->title.s);
        o->now[r->id.b[15]].title = (struct text){.s = NULL};
        o->now[r->id.b[15]].user_id = (struct text){.s = NULL};
    }
    for (const struct letter *l = batch.letters; l; l = l->next) {
        int r = l->subject.reservation_id.b[15];

        if (!o->first_letter[r])
            o->first_letter[r] = (int)l->subject.version;
        o->letters[r]++;
        assert_int_equal(l->kind, o->letters[r] == 1 ? LETTER_MESSAGE : LETTER_BEHIND);
    }
}

static void take_topic(const struct message *m, int at)
{
    char id[33], title[32];

    snprintf(id, sizeof(id), "000000000000400080000000000000%02x", m->reservation);
    snprintf(title, sizeof(title), m->poison ? "{}" : "\"%d\"", at);
    take_event(at, id, m->version, title);
}

static void run_topic(const struct message topic[MESSAGES], struct outcome *o, unsigned seed)
{
    int at = 0;

    *o = (struct outcome){.events = {0}};
    parked_reset(&in.parked);
    while (at < MESSAGES) {
        int size = seed ? 1 + rand_r(&seed) % 15 : 1;

        batch_reset(&batch);
        while (size-- > 0 && at < MESSAGES) {
            take_topic(&topic[at], at);
            at++;
            if (seed && rand_r(&seed) % 8 == 0)
                at -= rand_r(&seed) % (at < 10 ? at + 1 : 10);
        }
        apply_to(o);
    }
}

static void any_cut_and_repetition_with_poison_gives_the_same_outcome(void **state)
{
    struct message topic[MESSAGES];

    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct outcome plain, other;

        fill(topic, seed);
        run_topic(topic, &plain, 0);
        run_topic(topic, &other, seed * 7919);
        for (int r = 0; r < RESERVATIONS; r++) {
            assert_int_equal(plain.events[r], plain.first_letter[r] ? plain.first_letter[r] - 1 : VERSIONS);
            assert_int_equal(plain.events[r] + plain.letters[r], VERSIONS);
            assert_int_equal(other.events[r], plain.events[r]);
            assert_int_equal(other.first_letter[r], plain.first_letter[r]);
            assert_true(other.letters[r] >= plain.letters[r]);
            assert_memory_equal(&other.now[r], &plain.now[r], sizeof(plain.now[r]));
            assert_string_equal(other.title[r], plain.title[r]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(a_poison_event_parks_its_reservation_and_all_others_go_on),
          TEST(a_poison_room_event_parks_its_room_and_leaves_its_reservations_without_a_name),
          TEST(what_was_parked_before_is_parked_again), TEST(a_verdict_parks_the_message_at_its_offset),
          TEST(what_was_skipped_at_its_place_is_not_parked_again),
          TEST(what_was_skipped_elsewhere_or_in_other_words_is_parked),
          TEST(what_was_skipped_and_can_be_applied_now_is_applied),
          TEST(a_message_whose_key_cannot_be_read_belongs_to_nobody),
          TEST(keys_are_read_with_and_without_schemas),
          TEST(a_broken_pulse_is_ignored_for_nothing_is_lost_with_it),
          TEST(a_reason_is_utf8_whatever_the_message_quotes),
          TEST(a_message_of_a_megabyte_is_applied_or_parked_whole),
          TEST(each_byte_that_is_missing_or_wrong_leaves_a_message_applied_ignored_or_parked),
          TEST(any_cut_and_repetition_with_poison_gives_the_same_outcome))
