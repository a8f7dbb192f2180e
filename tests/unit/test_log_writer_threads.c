/* Lines that a thread writes. Each test is a process of its own, since there is one such thread a process. */
#include "unit.h"

#include "log.h"
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EACH = 2000 };

static const struct timespec a_while = {.tv_nsec = 500000}, its_exit = {.tv_nsec = 50000000};
static char out[THREADS * EACH * 160];

/* Runs `speak` in a child whose standard error is a pipe; the pipe's other end. */
static int child(void (*speak)(void), pid_t *ret_pid)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    *ret_pid = fork();
    assert_true(*ret_pid >= 0);
    if (*ret_pid == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka's are for its own process */
        signal(SIGSEGV, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        rr_log_init("test", RR_LOG_INFO);
        rr_log_collect();
        speak();
        exit(0);
    }
    close(ends[1]);
    return ends[0];
}

/* All that it says until its end, into `out`. Returns its status. */
static int hear(int fd, pid_t pid)
{
    size_t len = 0;
    ssize_t n;
    int status;

    while ((n = read(fd, out + len, sizeof(out) - 1 - len)) > 0 || (n < 0 && errno == EINTR))
        len += n > 0 ? (size_t)n : 0;
    out[len] = '\0';
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < EACH; i++)
        rr_info("line", "a=%d/%d", (int)(intptr_t)arg, i);
    return NULL;
}

static void speak_in_threads(void)
{
    in_threads(write_lines);
}

static void each_line_is_written_once_and_whole_and_in_its_threads_order(void **state)
{
    int next[THREADS] = {0}, lines = 0;
    pid_t pid;
    int fd = child(speak_in_threads, &pid);

    (void)state;
    assert_int_equal(hear(fd, pid), 0);
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        int thread, i;

        assert_int_equal(sscanf(line, "ts=%*s lvl=info svc=test msg=\"line\" a=%d/%d", &thread, &i), 2);
        assert_int_equal(next[thread]++, i);
    }
    assert_int_equal(lines, THREADS * EACH);
}

/* Speaks to a pipe that takes nothing. The writer is stuck long before the last line. */
static void fill_the_pipe_and_speak(void)
{
    static char filling[4096];
    int flags = fcntl(STDERR_FILENO, F_GETFL);

    memset(filling, '\n', sizeof(filling));
    fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDERR_FILENO, filling, sizeof(filling)) > 0)
        ;
    fcntl(STDERR_FILENO, F_SETFL, flags);
    for (int i = 0; i < 100; i++) {
        rr_info("line", "a=%d", i);
        nanosleep(&a_while, NULL);
    }
}

/* Then says so on another way, and lets it go on. */
static void speak_to_a_full_pipe(void)
{
    int way = dup(STDOUT_FILENO);

    fill_the_pipe_and_speak();
    assert_int_equal(write(way, "+", 1), 1);
}

static void who_speaks_does_not_wait_for_what_takes_nothing(void **state)
{
    int ends[2], saved = dup(STDOUT_FILENO), fd, lines = 0;
    pid_t pid;
    char c;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    fd = child(speak_to_a_full_pipe, &pid);
    dup2(saved, STDOUT_FILENO);
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1); /* it has spoken, and nothing was read of it yet */
    nanosleep(&its_exit, NULL);                /* which has begun then, with lines in both buffers */
    assert_int_equal(hear(fd, pid), 0);
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_int_equal(atoi(strstr(line, " a=") + 3), lines);
    assert_int_equal(lines, 100);
    close(ends[0]);
    close(saved);
}

static void warn_and_be_killed(void)
{
    rr_info("before", "");
    rr_warn("warned", "");
    kill(getpid(), SIGKILL);
}

static void a_warning_and_what_was_before_it_is_written_at_once(void **state)
{
    pid_t pid;
    int fd = child(warn_and_be_killed, &pid);

    (void)state;
    assert_true(WIFSIGNALED(hear(fd, pid)));
    assert_non_null(strstr(out, "msg=\"before\"\n"));
    assert_true(strstr(out, "msg=\"warned\"\n") > strstr(out, "msg=\"before\"\n"));
}

static void meet_a_bug(void)
{
    rr_info("before", "");
    RR_BUG("it cannot be");
}

static void a_bug_comes_after_what_was_before_it(void **state)
{
    pid_t pid;
    int fd = child(meet_a_bug, &pid);

    (void)state;
    assert_true(WIFSIGNALED(hear(fd, pid)));
    assert_non_null(strstr(out, "msg=\"before\"\nBUG "));
}

static void crash(void)
{
    rr_info("before", "");
    kill(getpid(), SIGSEGV);
}

static void a_crash_leaves_what_was_before_it(void **state)
{
    pid_t pid;
    int fd = child(crash, &pid);

    (void)state;
    assert_int_not_equal(hear(fd, pid), 0);
    assert_non_null(strstr(out, "msg=\"before\"\n"));
}

/* The thread is stuck in a write that will never end, and what is written from then on can be heard. */
static void crash_while_the_thread_writes(void)
{
    int heard = dup(STDERR_FILENO), stuck[2];

    assert_int_equal(pipe(stuck), 0);
    dup2(stuck[1], STDERR_FILENO);
    fill_the_pipe_and_speak();
    dup2(heard, STDERR_FILENO);
    kill(getpid(), SIGSEGV);
}

static void a_crash_leaves_what_the_thread_had_not_written_yet(void **state)
{
    int lines = 0, fd;
    pid_t pid;

    (void)state;
    fd = child(crash_while_the_thread_writes, &pid);
    assert_int_not_equal(hear(fd, pid), 0);
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_int_equal(atoi(strstr(line, " a=") + 3), lines);
    assert_int_equal(lines, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_written_once_and_whole_and_in_its_threads_order),
        cmocka_unit_test(who_speaks_does_not_wait_for_what_takes_nothing),
        cmocka_unit_test(a_warning_and_what_was_before_it_is_written_at_once),
        cmocka_unit_test(a_bug_comes_after_what_was_before_it),
        cmocka_unit_test(a_crash_leaves_what_was_before_it),
        cmocka_unit_test(a_crash_leaves_what_the_thread_had_not_written_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
