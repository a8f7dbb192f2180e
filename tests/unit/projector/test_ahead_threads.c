/* Pages that a thread reads while others are compared: each once, in order, bounded, and the reason why not.
 */
#include "ahead.h"
#include "unit.h"

#include <stdatomic.h>
#include <time.h>

#define PAGES   500
#define NUMBERS 100 /* that a page holds at least */

static size_t page_bytes;
static int fail_at; /* -1: never */
static atomic_int n_read, n_failed;

static const void *read_page(void *arg, struct arena *arena, bool *ret_last, struct failure *f)
{
    int *next = arg, *page = arena_alloc(arena, page_bytes);

    if (*next == fail_at) {
        atomic_fetch_add(&n_failed, 1);
        *f = (struct failure){.kind = FAIL_POSTGRES, .text = "the page is broken"};
        return NULL;
    }
    for (size_t i = 0; i < NUMBERS; i++)
        page[i] = *next;
    *ret_last = ++*next == PAGES;
    atomic_fetch_add(&n_read, 1);
    return page;
}

static int setup(void **state)
{
    (void)state;
    page_bytes = NUMBERS * sizeof(int);
    fail_at = -1;
    atomic_store(&n_read, 0);
    atomic_store(&n_failed, 0);
    return 0;
}

/* Takes n pages; each stays as it is until the next one is asked for. */
static void take(struct ahead *a, int first, int n)
{
    struct failure f;

    for (int i = first; i < first + n; i++) {
        const void *page;
        const int *numbers;

        assert_int_equal(ahead_next(a, &page, &f), 0);
        numbers = page;
        for (size_t k = 0; k < NUMBERS; k++)
            assert_int_equal(numbers[k], i);
    }
}

static void every_page_comes_once_and_in_order(void **state)
{
    struct ahead *a = NULL;
    struct failure f;
    int next = 0;

    (void)state;
    assert_int_equal(ahead_start(read_page, &next, &a, &f), 0);
    take(a, 0, PAGES);
    ahead_stop(a);
    assert_int_equal(atomic_load(&n_read), PAGES);
}

/* Nothing has been read for a while. */
static int pages_read_when_it_rests(void)
{
    int before, now = -1;

    do {
        before = now;
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
        now = atomic_load(&n_read);
    } while (now == 0 || now != before);
    return now;
}

static void wide_pages_do_not_pile_up(void **state)
{
    struct ahead *a = NULL;
    struct failure f;
    int next = 0;

    (void)state;
    page_bytes = (size_t)10 << 20;
    assert_int_equal(ahead_start(read_page, &next, &a, &f), 0);
    assert_int_equal(pages_read_when_it_rests(), 3); /* there is room for a third one, and then none */
    take(a, 0, 2);
    assert_int_equal(pages_read_when_it_rests(), 5);
    ahead_stop(a);
}

static void a_failure_comes_after_the_pages_before_it(void **state)
{
    struct ahead *a = NULL;
    struct failure f;
    const void *page;
    int next = 0;

    (void)state;
    fail_at = 7;
    assert_int_equal(ahead_start(read_page, &next, &a, &f), 0);
    take(a, 0, 7);
    assert_int_equal(ahead_next(a, &page, &f), -1);
    assert_int_equal(f.kind, FAIL_POSTGRES);
    assert_string_equal(f.text, "the page is broken");
    ahead_stop(a);
    assert_int_equal(atomic_load(&n_failed), 1);
}

static void it_can_be_stopped_at_any_time(void **state)
{
    (void)state;
    for (int n = 0; n < 80; n += 13) {
        struct ahead *a = NULL;
        struct failure f;
        int next = 0;

        assert_int_equal(ahead_start(read_page, &next, &a, &f), 0);
        take(a, 0, n);
        ahead_stop(a);
        assert_in_range(next, n, n + 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_page_comes_once_and_in_order, setup),
        cmocka_unit_test_setup(wide_pages_do_not_pile_up, setup),
        cmocka_unit_test_setup(a_failure_comes_after_the_pages_before_it, setup),
        cmocka_unit_test_setup(it_can_be_stopped_at_any_time, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
