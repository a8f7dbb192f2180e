#include "unit.h"

#include "err.h"
#include "macros.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

static const struct {
    enum rr_err err;
    unsigned status;
    const char *code, *title;
} errors[] = {
#define X(name, number, status, code, title) {RR_##name, status, code, title},
    RR_ERRORS(X)
#undef X
};

static void each_error_reads_as_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < RR_LEN(errors); i++) {
        assert_int_equal(rr_err_status(errors[i].err), errors[i].status);
        assert_string_equal(rr_err_code(errors[i].err), errors[i].code);
        assert_string_equal(rr_err_title(errors[i].err), errors[i].title);
    }
}

static void an_unknown_number_reads_as_internal(void **state)
{
    (void)state;
    assert_string_equal(rr_err_code((enum rr_err)12345), "internal");
    assert_int_equal(rr_err_status((enum rr_err)(-1)), 500);
}

static void codes_are_unique_and_fit_into_an_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < RR_LEN(errors); i++) {
        for (const char *p = errors[i].code; *p; p++)
            assert_true(islower((unsigned char)*p) || *p == '-');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(errors[i].code, errors[k].code);
    }
}

static void exactly_the_503_are_transient(void **state)
{
    (void)state;
    for (size_t i = 0; i < RR_LEN(errors); i++)
        assert_int_equal(!!rr_err_is_transient(errors[i].err), errors[i].status == 503);
}

/* The rows of docs/api.md between its two marks, in order: `code` | status | title. */
static void the_documented_table_is_the_table(void **state)
{
    FILE *f = fopen(RR_SOURCE_DIR "/docs/api.md", "re");
    size_t at = 1; /* RR_OK is no error */
    bool inside = false;
    char line[1024], expected[1024];
    regex_t row;

    (void)state;
    assert_non_null(f);
    assert_int_equal(regcomp(&row, "^\\| `[a-z-]+` \\|", REG_EXTENDED | REG_NOSUB), 0);
    while (fgets(line, sizeof(line), f)) {
        if (strcmp(line, "<!-- errors -->\n") == 0)
            inside = true;
        if (strcmp(line, "<!-- /errors -->\n") == 0)
            inside = false;
        if (!inside || regexec(&row, line, 0, NULL, 0) != 0)
            continue;
        assert_true(at < RR_LEN(errors));
        snprintf(expected, sizeof(expected), "| `%s` | %u | %s |\n", errors[at].code, errors[at].status,
                 errors[at].title);
        assert_string_equal(line, expected);
        at++;
    }
    regfree(&row);
    fclose(f);
    assert_int_equal(at, RR_LEN(errors));
}

UNIT_MAIN(cmocka_unit_test(each_error_reads_as_its_row),
          cmocka_unit_test(an_unknown_number_reads_as_internal),
          cmocka_unit_test(codes_are_unique_and_fit_into_an_address),
          cmocka_unit_test(exactly_the_503_are_transient),
          cmocka_unit_test(the_documented_table_is_the_table))
