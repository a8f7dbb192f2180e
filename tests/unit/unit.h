/* unit: what every unit test includes; cmocka's header needs the four before it. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* main() of a test program whose tests need no set-up: UNIT_MAIN(cmocka_unit_test(rule), …) */
#define UNIT_MAIN(...)                                                                                       \
    int main(void)                                                                                           \
    {                                                                                                        \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                     \
                                                                                                             \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                    \
    }
