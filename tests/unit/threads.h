/* threads: run one function in several threads at once and wait for all. */
#pragma once

#include <pthread.h>

enum { THREADS = 8 };

static inline void in_threads(void *(*run)(void *arg))
{
    pthread_t threads[THREADS];

    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}
