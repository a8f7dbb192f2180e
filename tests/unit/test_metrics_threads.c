#include "unit.h"

#include "metrics.h"
#include "threads.h"

#include <stdio.h>

enum { EACH = 2000 };

static const double bounds[] = {0.5, 1.5};

static void *count(void *arg)
{
    struct rr_buf page = {0};
    char labels[32];

    for (int i = 0; i < EACH; i++) {
        rr_counter_add(rr_counter("t_total", "t", NULL), 1);
        rr_gauge_add(rr_gauge("t_level", "t", NULL), 1);
        rr_histogram_observe(rr_histogram("t_seconds", "t", NULL, bounds, 2), 1);
        snprintf(labels, sizeof(labels), "i=\"%d\"", i % 20);
        rr_counter_add(rr_counter("t_labelled_total", "t", labels), 1);
        if (i % 200 == (intptr_t)arg) {
            rr_buf_reset(&page);
            rr_metrics_render(&page);
        }
    }
    rr_buf_fini(&page);
    return NULL;
}

static void nothing_is_lost_when_threads_count_at_once(void **state)
{
    rr_auto(buf) struct rr_buf page = {0};
    char expected[128];

    (void)state;
    in_threads(count);
    assert_int_equal(rr_counter_value(rr_counter("t_total", "t", NULL)), THREADS * EACH);
    assert_int_equal(rr_counter_value(rr_counter("t_labelled_total", "t", "i=\"7\"")), THREADS * EACH / 20);
    rr_metrics_render(&page);
    snprintf(expected, sizeof(expected), "\nt_level %d\n", THREADS * EACH);
    assert_non_null(strstr(page.data, expected));
    snprintf(expected, sizeof(expected), "\nt_seconds_sum %d\nt_seconds_count %d\n", THREADS * EACH,
             THREADS * EACH);
    assert_non_null(strstr(page.data, expected));
}

UNIT_MAIN(cmocka_unit_test(nothing_is_lost_when_threads_count_at_once))
