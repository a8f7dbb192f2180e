/* recorded: messages that the real Debezium has written, in tests/fixtures. */
#pragma once

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* The value of one; free() it. */
static inline char *fixture(const char *name)
{
    char path[512], *json = calloc(1, 65536);
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/fixtures/%s.json", RR_SOURCE_DIR, name);
    file = fopen(path, "r");
    if (!file)
        fail_msg("%s is not there: tests/fixtures/record makes it", path);
    assert_true(fread(json, 1, 65535, file) > 0);
    fclose(file);
    return json;
}
