#include "unit.h"

#include "capture.h"
#include "log.h"
#include "threads.h"

#include <string.h>

enum { EACH = 500 };

static char out[THREADS * EACH * 160];

static void *write_lines(void *arg)
{
    char text[32];

    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof(text), "%d/%d", (int)(intptr_t)arg, i);
        rr_info("line", "a=%s b=%s", RR_Q(text), RR_Q(text));
    }
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);
    int next[THREADS] = {0}, lines = 0;

    (void)state;
    in_threads(write_lines);
    capture_end(&c, out, sizeof(out));
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        int thread, i, thread_again, i_again;

        assert_int_equal(sscanf(line, "ts=%*s lvl=info svc=- msg=\"line\" a=\"%d/%d\" b=\"%d/%d\"", &thread,
                                &i, &thread_again, &i_again),
                         4);
        assert_int_equal(thread, thread_again);
        assert_int_equal(i, i_again);
        assert_int_equal(next[thread]++, i);
    }
    assert_int_equal(lines, THREADS * EACH);
}

UNIT_MAIN(cmocka_unit_test(lines_of_several_threads_do_not_mix))
