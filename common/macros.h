/* rr macros: ownership, checked results, printf checking.
 *
 *   rr_auto(free) char *name = strdup(x);   freed at the end of the scope
 *   *ret_name = rr_take(name);              moved out: the cleanup sees NULL */
#pragma once

#include <stdlib.h>
#include <string.h>

#define RR_MUST_CHECK       __attribute__((warn_unused_result))
#define RR_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define RR_LEN(array)       (sizeof(array) / sizeof((array)[0]))

#define rr_auto(type)       __attribute__((cleanup(rr_auto_##type)))
#define rr_take(ptr)                                                                                         \
    __extension__({                                                                                          \
        __typeof__(ptr) rr_taken_ = (ptr);                                                                   \
        (ptr) = NULL;                                                                                        \
        rr_taken_;                                                                                           \
    })

/* Makes rr_auto(name) usable for pointers of `type`, released by `fn`, which has to take NULL. */
#define RR_AUTO(name, type, fn)                                                                              \
    static inline void rr_auto_##name(type **p)                                                              \
    {                                                                                                        \
        fn(*p);                                                                                              \
    }                                                                                                        \
    struct rr_auto_##name##_takes_a_semicolon

static inline void rr_auto_free(void *p)
{
    void *ptr;

    memcpy(&ptr, p, sizeof(ptr));
    free(ptr);
}
