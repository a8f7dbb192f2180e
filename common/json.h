/* rr_json: writes JSON (RFC 8259) straight into a buffer; no tree. Commas and escapes are its business.
 *
 * Every call takes the member's name, or NULL inside an array and at the top. Text that is not valid UTF-8 is
 * written with U+FFFD in place of the bad bytes, so that the output is always JSON. Reading JSON is jansson's
 * work: see fields.h. */
#pragma once

#include "buf.h"
#include "uuid.h"

#include <stdbool.h>
#include <stdint.h>

struct rr_json {
    struct rr_buf *buf;
    bool comma;  /* a value stands before at this level */
    bool blanks; /* the caller's: one after each comma and colon, as PostgreSQL writes jsonb */
};

void rr_json_init(struct rr_json *j, struct rr_buf *buf);
void rr_json_object(struct rr_json *j, const char *name); /* opens one; rr_json_end_object closes it */
void rr_json_end_object(struct rr_json *j);
void rr_json_array(struct rr_json *j, const char *name);
void rr_json_end_array(struct rr_json *j);
void rr_json_text(struct rr_json *j, const char *name, const char *s);              /* NULL writes null */
void rr_json_textn(struct rr_json *j, const char *name, const char *s, size_t len); /* NULL writes null */
void rr_json_int(struct rr_json *j, const char *name, int64_t v);
void rr_json_uint(struct rr_json *j, const char *name, uint64_t v);
void rr_json_real(struct rr_json *j, const char *name, double v); /* not finite: null */
void rr_json_bool(struct rr_json *j, const char *name, bool v);
void rr_json_null(struct rr_json *j, const char *name);
void rr_json_time(struct rr_json *j, const char *name, int64_t us);
void rr_json_uuid(struct rr_json *j, const char *name, const struct rr_uuid *id);
void rr_json_raw(struct rr_json *j, const char *name, const char *json, size_t len); /* already JSON */
