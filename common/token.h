/* rr_token: the consistency token, opaque text that names a write: kind, id and version.
 *
 * command-svc makes it, query-svc waits for it. The bytes are versioned and carry a checksum, so that a cut
 * or mistyped token is refused instead of waited for. It is no secret and grants nothing. Thread-safe. */
#pragma once

#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RR_TOKEN_TEXT 48 /* bytes for any token, NUL included */
#define RR_TOKENS_MAX 8  /* in one Consistency-Token header */

enum rr_token_kind { RR_TOKEN_RESERVATION = 1, RR_TOKEN_ROOM = 2 };

struct rr_token {
    enum rr_token_kind kind;
    struct rr_uuid reservation_id; /* kind RR_TOKEN_RESERVATION */
    uint64_t room_id;              /* kind RR_TOKEN_ROOM        */
    uint32_t version;
};

char *rr_token_format(const struct rr_token *t, char out[RR_TOKEN_TEXT]);
bool rr_token_parse(const char *text, size_t len, struct rr_token *ret);
/* A whole header: up to RR_TOKENS_MAX tokens, separated by commas and optional blanks. Returns NULL, or what
 * is wrong. */
const char *rr_token_parse_list(const char *header, struct rr_token ret[RR_TOKENS_MAX], size_t *ret_n);
