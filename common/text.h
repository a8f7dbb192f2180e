/* rr_text: what a name, title, reason or user id may hold. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed code point at the start of `s` (1 to 4), or 0 if there is none. */
size_t rr_utf8_next(const char *s, size_t len);
/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without control characters (C0, DEL, C1). */
bool rr_text_valid(const char *s, size_t len);
/* Code points, as MySQL's VARCHAR(n) counts them. The text has to be valid. */
size_t rr_text_chars(const char *s, size_t len);
/* RFC 4648 section 5 without padding. Encoded size is (len * 4 + 2) / 3, plus the NUL that is written. */
void rr_base64url_encode(const void *data, size_t len, char *out);
/* Returns the decoded length, or -1 if the text is not canonical base64url or longer than `cap` decoded. */
int rr_base64url_decode(const char *text, size_t len, void *out, size_t cap);
