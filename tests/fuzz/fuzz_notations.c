/* Any bytes as each of the notations that clients write: what is read comes out again as it was meant. */
#include "fuzz.h"

#include "etags.h"
#include "prefer.h"
#include "text.h"
#include "time.h"
#include "token.h"
#include "uuid.h"

#include <string.h>

static void time_fuzzed(const char *s, size_t len)
{
    char text[RR_TIME_TEXT];
    int64_t us, again;

    if (rr_time_parse(s, len, &us))
        return;
    REQUIRE(rr_time_well_formed(s, len));
    REQUIRE(us >= RR_TIME_MIN && us <= RR_TIME_MAX);
    rr_time_format(us, text);
    REQUIRE(!rr_time_parse(text, strlen(text), &again) && again == us);
}

static void uuid_fuzzed(const char *s, size_t len)
{
    char text[RR_UUID_TEXT];
    struct rr_uuid id, again;

    if (!rr_uuid_parse(s, len, &id))
        return;
    rr_uuid_format(&id, text);
    REQUIRE(rr_uuid_parse(text, strlen(text), &again) && memcmp(&id, &again, sizeof(id)) == 0);
}

static void token_fuzzed(const char *s, size_t len)
{
    char text[RR_TOKEN_TEXT];
    struct rr_token t;

    if (!rr_token_parse(s, len, &t))
        return;
    rr_token_format(&t, text);
    REQUIRE(strlen(text) == len && memcmp(text, s, len) == 0);
}

static void tokens_fuzzed(const char *s, size_t len)
{
    struct rr_token tokens[RR_TOKENS_MAX];
    char *header = strndup(s, len);
    size_t n = 0;

    if (header && !rr_token_parse_list(header, tokens, &n))
        REQUIRE(n > 0 && n <= RR_TOKENS_MAX);
    free(header);
}

static void headers_fuzzed(const char *s, size_t len)
{
    char *header = strndup(s, len);
    struct rr_etags tags;
    uint32_t seconds;

    REQUIRE(header);
    if (rr_etags_parse(header, &tags)) {
        REQUIRE(tags.any ? tags.n == 0 : tags.n > 0);
        /* What matches strongly matches weakly, too. */
        REQUIRE(!rr_etags_match_strongly(&tags, "\"3\"") || rr_etags_match_weakly(&tags, "\"3\""));
    }
    (void)rr_prefer_minimal(header);
    (void)rr_prefer_wait(header, &seconds);
    free(header);
}

static void base64url_fuzzed(const char *s, size_t len)
{
    char bytes[1024], text[2048];
    int n = rr_base64url_decode(s, len, bytes, sizeof(bytes));

    if (n < 0)
        return;
    rr_base64url_encode(bytes, (size_t)n, text);
    REQUIRE(strlen(text) == len && memcmp(text, s, len) == 0);
}

static void text_fuzzed(const char *s, size_t len)
{
    if (rr_text_valid(s, len))
        REQUIRE(rr_text_chars(s, len) <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const fuzzed[])(const char *, size_t) = {
        time_fuzzed, uuid_fuzzed, token_fuzzed, tokens_fuzzed, headers_fuzzed, base64url_fuzzed, text_fuzzed};
    const char *s = (const char *)data;

    for (size_t i = 0; i < sizeof(fuzzed) / sizeof(*fuzzed); i++)
        fuzzed[i](s, len);
    return 0;
}
