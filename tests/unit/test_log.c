#include "unit.h"

#include "capture.h"
#include "log.h"

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char out[65536];

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    bool found;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

static void a_line_has_time_level_service_message_and_pairs(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);

    (void)state;
    rr_info("room created", "room=%d name=%s", 7, RR_Q("Aurora"));
    rr_warn("no pairs", "");
    capture_end(&c, out, sizeof(out));
    assert_true(matches(
        out, "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z lvl=info svc=test "
             "msg=\"room created\" room=7 name=\"Aurora\"\n"
             "ts=[^ ]+ lvl=warn svc=test msg=\"no pairs\"\n$"));
}

static void the_request_and_the_trace_stand_in_the_line(void **state)
{
    const struct rr_log_ctx both = {.req = "7f3a", .trace = "4bf9"}, one = {.req = "7f3b"};
    struct capture c = capture_begin(STDERR_FILENO);

    (void)state;
    rr_log(RR_LOG_INFO, &both, "x", "");
    rr_log(RR_LOG_INFO, &one, "y", "");
    capture_end(&c, out, sizeof(out));
    assert_non_null(strstr(out, " svc=test req=7f3a trace=4bf9 msg=\"x\"\n"));
    assert_non_null(strstr(out, " svc=test req=7f3b msg=\"y\"\n"));
}

static void lines_above_the_level_are_not_written(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);

    (void)state;
    rr_debug("hidden", "");
    rr_log_init("test", RR_LOG_ERROR);
    rr_warn("hidden", "");
    rr_error("shown", "");
    rr_log_init("test", RR_LOG_INFO);
    capture_end(&c, out, sizeof(out));
    assert_null(strstr(out, "hidden"));
    assert_non_null(strstr(out, "lvl=error"));
}

static void what_a_client_gave_cannot_end_the_line_or_its_quotes(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "\"plain\""},
        {"", "\"\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a\nb\r\t", "\"a\\nb\\r\\t\""},
        {"\x01\x1b[31m\x7f", "\"\\x01\\x1b[31m\\x7f\""},
        {"é🏠", "\"é🏠\""},
        {"bad \xff\xc3", "\"bad \\xff\\xc3\""},
        {"C1 \xc2\x9b!", "\"C1 \\xc2\\x9b!\""},
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(cases); i++)
        assert_string_equal(RR_Q(cases[i][0]), cases[i][1]);
    assert_string_equal(RR_Q(NULL), "\"\"");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    char text[4000];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        const char *quoted;

        memset(text, 'a', shift);
        for (size_t i = shift; i + 4 < sizeof(text); i += 4)
            memcpy(text + i, "🏠", 5);
        quoted = RR_Q(text);
        assert_true(strlen(quoted) >= 480 && strlen(quoted) <= 500);
        assert_true(matches(quoted, "^\"a*(🏠)+…\"$"));
    }
    memset(text, '\x01', sizeof(text) - 1); /* each byte grows to four */
    text[sizeof(text) - 1] = '\0';
    assert_true(strlen(RR_Q(text)) >= 480 && strlen(RR_Q(text)) <= 500);
}

static void eight_quoted_texts_live_side_by_side(void **state)
{
    const char *quoted[8];
    char text[2] = "0";

    (void)state;
    for (int i = 0; i < 8; i++) {
        text[0] = (char)('0' + i);
        quoted[i] = RR_Q(text);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(quoted[i][1], '0' + i);
}

static void a_line_too_long_is_cut_and_says_so(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);
    char text[8000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int shift = 0; shift < 3; shift++)
        rr_info("long", "a=%s", text + 8000 - 4000 - shift);
    rr_info("very long", "a=%s b=%s", text, text);
    capture_end(&c, out, sizeof(out));
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) < 4096);
        assert_true(matches(line, "x( cut=yes)?$"));
    }
    assert_true(matches(text, "^x+$"));
}

static void logging_leaves_errno_alone(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);

    (void)state;
    errno = ENOSPC;
    rr_info("x", "");
    assert_int_equal(errno, ENOSPC);
    capture_end(&c, out, sizeof(out));
}

static void a_bug_leaves_a_line_and_aborts(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka's is for its own process */
        RR_BUG("it \"cannot\" be");
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    capture_end(&c, out, sizeof(out));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(
        matches(out, "^BUG ts=[^ ]+Z svc=test msg=\"it \\\\\"cannot\\\\\" be\" at=.*test_log\\.c:[0-9]+\n"));
}

static int log_as_test(void **state)
{
    (void)state;
    rr_log_init("test", RR_LOG_INFO);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_service_message_and_pairs),
        cmocka_unit_test(the_request_and_the_trace_stand_in_the_line),
        cmocka_unit_test(lines_above_the_level_are_not_written),
        cmocka_unit_test(what_a_client_gave_cannot_end_the_line_or_its_quotes),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(eight_quoted_texts_live_side_by_side),
        cmocka_unit_test(a_line_too_long_is_cut_and_says_so),
        cmocka_unit_test(logging_leaves_errno_alone),
        cmocka_unit_test(a_bug_leaves_a_line_and_aborts),
    };

    return cmocka_run_group_tests(tests, log_as_test, NULL);
}
