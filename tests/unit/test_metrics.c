#include "unit.h"

#include "macros.h"
#include "metrics.h"
#include "time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double bounds[] = {0.0005, 0.25, 1};

static const char *rendered(struct rr_buf *b)
{
    rr_buf_reset(b);
    rr_metrics_render(b);
    assert_false(b->failed);
    return b->data;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void the_same_name_and_labels_are_the_same_metric(void **state)
{
    struct rr_counter *a = rr_counter("t_same_total", "same", "k=\"1\"");

    (void)state;
    assert_ptr_equal(rr_counter("t_same_total", "same", "k=\"1\""), a);
    assert_ptr_not_equal(rr_counter("t_same_total", "same", "k=\"2\""), a);
    assert_ptr_not_equal(rr_counter("t_same_total", "same", NULL), a);
    rr_counter_add(a, 2);
    rr_counter_add(a, 3);
    assert_int_equal(rr_counter_value(a), 5);
}

static void labels_are_copied(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    char labels[] = "k=\"original\"";

    (void)state;
    rr_counter("t_copied_total", "copied", labels);
    memset(labels, 'x', sizeof(labels) - 1);
    assert_non_null(strstr(rendered(&b), "t_copied_total{k=\"original\"} 0\n"));
}

/* Made in no order at all: a group must stand together, else Prometheus refuses the page. */
static void a_group_has_one_head_and_stands_together(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};

    (void)state;
    rr_counter_add(rr_counter("t_group_b_total", "the second", "k=\"2\""), 22);
    rr_gauge_set(rr_gauge("t_group_a", "the first", NULL), 1.5);
    rr_counter_add(rr_counter("t_group_b_total", "the second", "k=\"1\""), 21);
    rr_gauge_set(rr_gauge("t_group_c", "the third", NULL), -3);
    assert_non_null(strstr(rendered(&b),
                           "# HELP t_group_a the first\n# TYPE t_group_a gauge\nt_group_a 1.5\n"
                           "# HELP t_group_b_total the second\n# TYPE t_group_b_total counter\n"
                           "t_group_b_total{k=\"1\"} 21\nt_group_b_total{k=\"2\"} 22\n"
                           "# HELP t_group_c the third\n# TYPE t_group_c gauge\nt_group_c -3\n"));
}

static void a_gauge_goes_up_and_down_and_may_be_no_number(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_gauge *g = rr_gauge("t_gauge", "gauge", NULL);

    (void)state;
    rr_gauge_set(g, 2);
    rr_gauge_add(g, 0.5);
    rr_gauge_add(g, -4);
    assert_non_null(strstr(rendered(&b), "\nt_gauge -1.5\n"));
    rr_gauge_set(g, NAN);
    assert_non_null(strstr(rendered(&b), "\nt_gauge NaN\n"));
    rr_gauge_set(g, INFINITY);
    assert_non_null(strstr(rendered(&b), "\nt_gauge +Inf\n"));
}

static void a_histogram_counts_all_that_is_not_above_a_bound(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_histogram *h = rr_histogram("t_hist_seconds", "hist", "route=\"/v1\"", bounds, RR_LEN(bounds));

    (void)state;
    rr_histogram_observe(h, 0.0005); /* at a bound belongs to it */
    rr_histogram_observe(h, 0.25);
    rr_histogram_observe(h, 0.5);
    rr_histogram_observe(h, 8);
    assert_non_null(strstr(rendered(&b), "# TYPE t_hist_seconds histogram\n"
                                         "t_hist_seconds_bucket{route=\"/v1\",le=\"0.0005\"} 1\n"
                                         "t_hist_seconds_bucket{route=\"/v1\",le=\"0.25\"} 2\n"
                                         "t_hist_seconds_bucket{route=\"/v1\",le=\"1\"} 3\n"
                                         "t_hist_seconds_bucket{route=\"/v1\",le=\"+Inf\"} 4\n"
                                         "t_hist_seconds_sum{route=\"/v1\"} 8.7505\n"
                                         "t_hist_seconds_count{route=\"/v1\"} 4\n"));
}

static void a_clock_set_back_does_not_make_a_sum_fall(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    struct rr_histogram *h = rr_histogram("t_back_seconds", "back", NULL, bounds, RR_LEN(bounds));

    (void)state;
    rr_histogram_observe(h, 0.25);
    rr_histogram_observe(h, -1000);
    rr_histogram_observe(h, NAN);
    assert_non_null(strstr(rendered(&b), "\nt_back_seconds_sum 0.25\nt_back_seconds_count 3\n"));
}

static void the_latency_bounds_rise_from_half_a_millisecond_to_ten_seconds(void **state)
{
    (void)state;
    assert_true(rr_latency_bounds[0] == 0.0005);
    assert_true(rr_latency_bounds[rr_latency_n_bounds - 1] == 10);
    for (size_t i = 1; i < rr_latency_n_bounds; i++)
        assert_true(rr_latency_bounds[i] > rr_latency_bounds[i - 1]);
}

static double value_of(const char *text, const char *name)
{
    char line_begin[80];
    const char *at;

    snprintf(line_begin, sizeof(line_begin), "\n%s ", name);
    at = strstr(text, line_begin);
    assert_non_null(at);
    return strtod(at + strlen(line_begin), NULL);
}

static void the_process_tells_about_itself(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    const double now = (double)rr_time_now() / 1e6;
    const char *text = rendered(&b);
    double fds = value_of(text, "process_open_fds");
    FILE *f;

    (void)state;
    assert_true(value_of(text, "process_start_time_seconds") <= now + 2);
    assert_true(value_of(text, "process_start_time_seconds") >= now - 600);
    assert_true(value_of(text, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(text, "process_virtual_memory_bytes") >
                value_of(text, "process_resident_memory_bytes"));
    assert_true(value_of(text, "process_cpu_seconds_total") >= 0);
    assert_true(value_of(text, "process_threads") >= 1);
    assert_true(value_of(text, "process_max_fds") > fds);
    f = fopen("/dev/null", "re");
    assert_true(value_of(rendered(&b), "process_open_fds") == fds + 1);
    fclose(f);
}

/* name{labels} value, or a comment: nothing else may stand on a line. */
static void the_page_ends_with_a_newline_and_no_head_comes_twice(void **state)
{
    rr_auto(buf) struct rr_buf b = {0};
    char *line, *rest;

    (void)state;
    rendered(&b);
    assert_int_equal(b.data[b.len - 1], '\n');
    for (line = strtok_r(b.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# TYPE ", 7) == 0)
            assert_int_equal(count_of(rest, line), 0);
        else if (*line != '#')
            assert_non_null(strrchr(line, ' '));
    }
}

UNIT_MAIN(cmocka_unit_test(the_same_name_and_labels_are_the_same_metric), cmocka_unit_test(labels_are_copied),
          cmocka_unit_test(a_group_has_one_head_and_stands_together),
          cmocka_unit_test(a_gauge_goes_up_and_down_and_may_be_no_number),
          cmocka_unit_test(a_histogram_counts_all_that_is_not_above_a_bound),
          cmocka_unit_test(a_clock_set_back_does_not_make_a_sum_fall),
          cmocka_unit_test(the_latency_bounds_rise_from_half_a_millisecond_to_ten_seconds),
          cmocka_unit_test(the_process_tells_about_itself),
          cmocka_unit_test(the_page_ends_with_a_newline_and_no_head_comes_twice))
