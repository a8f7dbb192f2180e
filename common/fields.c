/* One value is checked by one function per type, whether it came as JSON or as a query parameter; both only
 * differ in how a value is taken out of its notation. What cannot be read (wrong type, wrong syntax, unknown
 * or double name) is malformed and decides over what can be read but breaks a rule: 400 before 422. */
#include "fields.h"

#include "http/http.h"
#include "http/request.h"
#include "text.h"
#include "time.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN = 64 };

struct reading {
    struct rr_req *r;
    const struct rr_field *fields;
    size_t n;
    struct rr_value *ret;
    bool query;
    bool malformed, broken, no_memory;
};

#define MALFORMED(rd, name, ...) ((rd)->malformed = true, rr_problem_param((rd)->r, name, __VA_ARGS__))
#define BROKEN(rd, name, ...)    ((rd)->broken = true, rr_problem_param((rd)->r, name, __VA_ARGS__))

static const struct rr_field *field_of(const struct reading *rd, const char *name)
{
    for (size_t i = 0; i < rd->n; i++)
        if (strcmp(rd->fields[i].name, name) == 0)
            return &rd->fields[i];
    return NULL;
}

static struct rr_value *value_of(const struct reading *rd, const struct rr_field *f)
{
    return &rd->ret[f - rd->fields];
}

static enum rr_err finish(struct reading *rd)
{
    for (size_t i = 0; i < rd->n; i++)
        if (rd->fields[i].flags & RR_FIELD_REQUIRED && !rd->ret[i].set)
            MALFORMED(rd, rd->fields[i].name, "is required");
    if (rd->no_memory)
        return RR_NO_MEMORY;
    if (rd->query)
        return rd->malformed || rd->broken ? RR_PARAMETER_INVALID : RR_OK;
    return rd->malformed ? RR_JSON_INVALID : rd->broken ? RR_RULE_BROKEN : RR_OK;
}

/* ---- one value of each type ---- */

static void take_text(struct reading *rd, const struct rr_field *f, const char *text, size_t len)
{
    struct rr_value *v = value_of(rd, f);
    size_t chars;

    for (size_t i = 0, n; i < len; i += n)
        if ((n = rr_utf8_next(text + i, len - i)) == 0) {
            MALFORMED(rd, f->name, "is not valid UTF-8");
            return;
        }
    if (!rr_text_valid(text, len)) {
        BROKEN(rd, f->name, "has a control character");
        return;
    }
    chars = rr_text_chars(text, len);
    if (chars < (size_t)f->min || chars > (size_t)f->max) {
        BROKEN(rd, f->name, "has to be %lld to %lld characters long", (long long)f->min, (long long)f->max);
        return;
    }
    v->text = rd->query ? text : rr_req_strndup(rd->r, text, len);
    v->len = len;
    if (!v->text)
        rd->no_memory = true;
}

static void out_of_range(struct reading *rd, const struct rr_field *f)
{
    BROKEN(rd, f->name, "has to be from %lld to %lld", (long long)f->min, (long long)f->max);
}

static void take_int(struct reading *rd, const struct rr_field *f, int64_t i)
{
    if (i < f->min || i > f->max)
        out_of_range(rd, f);
    else
        value_of(rd, f)->u = (uint64_t)i;
}

static void take_time(struct reading *rd, const struct rr_field *f, const char *text, size_t len)
{
    const char *wrong = rr_time_parse(text, len, &value_of(rd, f)->time);
    /* "+09:00" with a bare plus: the commonest slip in a query string. */
    const char *hint = rd->query && memchr(text, ' ', len) ? "; write + as %2B" : "";

    if (!wrong)
        return;
    if (rr_time_well_formed(text, len))
        BROKEN(rd, f->name, "%s", wrong);
    else
        MALFORMED(rd, f->name, "%s%s", wrong, hint);
}

static void take_choice(struct reading *rd, const struct rr_field *f, const char *text, size_t text_len)
{
    char list[256] = "";
    size_t len = 0;

    for (size_t i = 0; f->choices[i]; i++) {
        if (strlen(f->choices[i]) == text_len && memcmp(text, f->choices[i], text_len) == 0) {
            value_of(rd, f)->u = i;
            return;
        }
        if (len < sizeof(list))
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", f->choices[i]);
    }
    BROKEN(rd, f->name, "has to be one of %s", list);
}

/* ---- the body ---- */

static bool is_null(struct reading *rd, const struct rr_field *f, const json_t *json)
{
    if (!json_is_null(json))
        return false;
    if (f->flags & RR_FIELD_NULLABLE)
        value_of(rd, f)->null = true;
    else
        MALFORMED(rd, f->name, "has to be something other than null");
    return true;
}

/* JSON knows one kind of number: 5.0 is the whole number 5. */
static void take_json_number(struct reading *rd, const struct rr_field *f, const json_t *json)
{
    const double real = json_number_value(json);

    if (json_is_integer(json))
        take_int(rd, f, json_integer_value(json));
    else if (!json_is_real(json) || real != floor(real))
        MALFORMED(rd, f->name, "has to be a whole number");
    else if (fabs(real) > 9007199254740992.0) /* 2^53: beyond it a double may have been rounded */
        out_of_range(rd, f);
    else
        take_int(rd, f, (int64_t)real);
}

static void take_json(struct reading *rd, const struct rr_field *f, const json_t *json)
{
    value_of(rd, f)->set = true;
    if (is_null(rd, f, json))
        return;
    if (f->type == RR_FIELD_UINT)
        take_json_number(rd, f, json);
    else if (f->type == RR_FIELD_BOOL && json_is_boolean(json))
        value_of(rd, f)->u = json_is_true(json);
    else if (f->type == RR_FIELD_BOOL)
        MALFORMED(rd, f->name, "has to be true or false");
    else if (!json_is_string(json))
        MALFORMED(rd, f->name, "has to be a text");
    else if (f->type == RR_FIELD_TEXT)
        take_text(rd, f, json_string_value(json), json_string_length(json));
    else if (f->type == RR_FIELD_TIME)
        take_time(rd, f, json_string_value(json), json_string_length(json));
    else
        take_choice(rd, f, json_string_value(json), json_string_length(json));
}

/* A stretch of the body, which may be malformed anywhere after it. */
struct span {
    size_t from, to;
};

/* The end of the string whose text begins at `from`. */
static size_t string_end(const char *body, size_t from, size_t limit)
{
    while (from < limit && body[from] != '"')
        from += body[from] == '\\' ? 2 : 1;
    return from;
}

/* The name, as it is written, of the outer object's member in which offset `pos` of the body lies; empty if
 * in none. Returns whether `pos` is right behind a name. The parser has no tree to ask where it stops. */
static bool member_at(const char *body, size_t pos, char out[NAME_SHOWN])
{
    struct span text = {0, 0}, name = {0, 0};
    bool behind_name = false;
    int depth = 0;

    for (size_t i = 0; i < pos; i++) {
        const char c = body[i];

        if (c == '"') {
            text.from = i + 1;
            text.to = i = string_end(body, i + 1, pos);
            behind_name = depth == 1 && i + 1 == pos;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (depth == 1 && c == ':') {
            name = text;
        } else if (depth == 1 && c == ',') {
            name = (struct span){0, 0};
        }
    }
    if (behind_name)
        name = text;
    snprintf(out, NAME_SHOWN, "%.*s", (int)(name.to - name.from), body + name.from);
    return behind_name;
}

/* Why jansson could not read the body. What it can blame on one member is a bad field like any other. */
static enum rr_err refuse_syntax(struct reading *rd, const json_error_t *error)
{
    const enum json_error_code code = json_error_code(error);
    const size_t pos = (size_t)error->position < rd->r->body_len ? (size_t)error->position : rd->r->body_len;
    char name[NAME_SHOWN];
    const bool behind_name = member_at(rd->r->body, pos, name);
    const struct rr_field *f = field_of(rd, name);

    if (code == json_error_out_of_memory)
        return RR_NO_MEMORY;
    if (code == json_error_numeric_overflow && f && f->type == RR_FIELD_UINT) {
        out_of_range(rd, f);
        return RR_RULE_BROKEN;
    }
    if (code == json_error_duplicate_key && behind_name)
        rr_problem_param(rd->r, name, "comes twice");
    else if (code == json_error_invalid_utf8 && *name)
        rr_problem_param(rd->r, name, "is not valid UTF-8");
    else
        rr_problem_detail(rd->r, "line %d, column %d: %s", error->line, error->column, error->text);
    return RR_JSON_INVALID;
}

static void read_members(struct reading *rd, json_t *root)
{
    const char *name;
    json_t *json;

    json_object_foreach(root, name, json)
    {
        const struct rr_field *f = field_of(rd, name);

        if (f)
            take_json(rd, f, json);
        else
            MALFORMED(rd, name, "is not a field of this call");
    }
}

enum rr_err rr_body_fields(struct rr_req *r, const struct rr_field *fields, size_t n, struct rr_value *ret)
{
    struct reading rd = {.r = r, .fields = fields, .n = n, .ret = ret};
    json_error_t error;
    json_t *root;
    const char *nul;

    memset(ret, 0, n * sizeof(*ret));
    if (r->body_len == 0)
        return finish(&rd);
    /* RFC 8259 has no place for one, but jansson loses those that stand behind a number. */
    nul = memchr(r->body, '\0', r->body_len);
    if (nul) {
        rr_problem_detail(r, "byte %zu of the body is NUL", (size_t)(nul - r->body) + 1);
        return RR_JSON_INVALID;
    }
    root = json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root)
        return refuse_syntax(&rd, &error);
    if (json_is_object(root)) {
        read_members(&rd, root);
    } else {
        rr_problem_detail(r, "the body has to be a JSON object");
        rd.malformed = true;
    }
    json_decref(root);
    return finish(&rd);
}

/* ---- the query string ---- */

static bool parse_int(const char *text, int64_t *ret, bool *ret_fits)
{
    char *end;

    if (text[0] != '-' && (text[0] < '0' || text[0] > '9')) /* strtoll() also takes blanks and plus */
        return false;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    *ret_fits = errno != ERANGE;
    return end > text && !*end;
}

static void take_param(struct reading *rd, const struct rr_field *f, const char *text)
{
    bool fits;
    int64_t i;

    switch (f->type) {
    case RR_FIELD_TEXT: take_text(rd, f, text, strlen(text)); break;
    case RR_FIELD_TIME: take_time(rd, f, text, strlen(text)); break;
    case RR_FIELD_ENUM: take_choice(rd, f, text, strlen(text)); break;
    case RR_FIELD_UINT:
        if (!parse_int(text, &i, &fits))
            MALFORMED(rd, f->name, "has to be a whole number");
        else if (!fits)
            out_of_range(rd, f);
        else
            take_int(rd, f, i);
        break;
    case RR_FIELD_BOOL:
        if (strcmp(text, "true") == 0)
            value_of(rd, f)->u = 1;
        else if (strcmp(text, "false") != 0)
            MALFORMED(rd, f->name, "has to be true or false");
        break;
    }
}

static bool read_param(void *arg, const char *name, const char *text)
{
    struct reading *rd = arg;
    const struct rr_field *f = field_of(rd, name);

    if (!f) {
        MALFORMED(rd, name, "is not a parameter of this call");
    } else if (value_of(rd, f)->set) {
        MALFORMED(rd, name, "comes twice");
    } else {
        value_of(rd, f)->set = true;
        take_param(rd, f, text);
    }
    return true;
}

enum rr_err rr_query_fields(struct rr_req *r, const struct rr_field *fields, size_t n, struct rr_value *ret)
{
    struct reading rd = {.r = r, .fields = fields, .n = n, .ret = ret, .query = true};

    memset(ret, 0, n * sizeof(*ret));
    (void)rr_query_each(r, read_param, &rd);
    return finish(&rd);
}

bool rr_path_id(const char *text, uint64_t *ret)
{
    int64_t id;
    bool fits;

    if (text[0] < '1' || text[0] > '9' || !parse_int(text, &id, &fits) || !fits)
        return false;
    *ret = (uint64_t)id;
    return true;
}
