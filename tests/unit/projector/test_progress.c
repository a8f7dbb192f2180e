/* Progress: what whoever waits is told. */
#include "capture.h"
#include "log.h"
#include "progress.h"
#include "unit.h"

#include <string.h>

static char told[4096];

/* What is told of `done`, in a file, when there is something to be told again. */
static const char *told_at(size_t total, size_t done)
{
    struct capture c = capture_begin(STDERR_FILENO);
    struct progress p;

    rr_log_init("test", RR_LOG_INFO);
    progress_init(&p);
    progress_step(&p, "events", total);
    p.told_at = INT64_MIN / 2;
    progress_at(&p, done);
    progress_end(&p);
    return capture_end(&c, told, sizeof(told));
}

static void it_tells_how_much_of_how_much_is_done(void **state)
{
    (void)state;
    assert_non_null(strstr(told_at(40, 10), "step=events done=10 total=40 left_s=0"));
}

static void more_than_all_is_not_told(void **state)
{
    (void)state;
    assert_non_null(strstr(told_at(40, 50), "done=40 total=40"));
}

static void of_a_total_that_is_not_known_only_what_is_done_is_told(void **state)
{
    (void)state;
    assert_non_null(strstr(told_at(0, 10), "step=events done=10 total=unknown"));
    assert_null(strstr(told, "left_s"));
}

UNIT_MAIN(cmocka_unit_test(it_tells_how_much_of_how_much_is_done),
          cmocka_unit_test(more_than_all_is_not_told),
          cmocka_unit_test(of_a_total_that_is_not_known_only_what_is_done_is_told))
