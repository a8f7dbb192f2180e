/* Any bytes as a message of Debezium's: a change, something to pass over, or a reason in words. */
#include "fuzz.h"

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct arena arena;
    struct change change;
    struct failure failure = {.text = ""};

    if (decode((const char *)data, len, &arena, &change, &failure) != 0)
        REQUIRE(failure.kind == FAIL_MESSAGE && failure.text[0] != '\0');
    arena_reset(&arena);
    return 0;
}
