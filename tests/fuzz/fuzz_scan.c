/* Any bytes as JSON: the scanner takes what jansson takes, and refuses what it refuses. */
#include "fuzz.h"

#include "scan.h"

#include <jansson.h>
#include <string.h>

/* What jansson cannot hold, although RFC 8259 allows it; and it loses a NUL that stands behind a number. */
static bool is_beyond_jansson(const uint8_t *data, size_t len, const json_error_t *e)
{
    enum json_error_code code = json_error_code(e);

    return memchr(data, '\0', len) || code == json_error_numeric_overflow ||
           code == json_error_stack_overflow || code == json_error_null_character;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct scan s;
    json_error_t e = {0};
    json_t *tree = json_loadb((const char *)data, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    bool taken;

    scan_init(&s, (const char *)data, len);
    taken = scan_skip(&s, NULL) && scan_end(&s);
    REQUIRE(taken || s.error);
    if (!is_beyond_jansson(data, len, &e))
        REQUIRE(taken == (tree != NULL) || strcmp(s.error, "nested too deeply") == 0);
    json_decref(tree);
    return 0;
}
