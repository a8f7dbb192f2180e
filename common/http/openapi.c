#include "openapi.h"

#include "../log.h"
#include "router.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ERRORS_MAX = 32 };

#define PROBLEM_REF "#/components/schemas/Problem"
/* As rr_text_valid() has it: no control characters. */
#define TEXT_PATTERN "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"
#define KEY_PATTERN  "^(?:[!#-~][!-~]{0,254}|\"(?:[!#-\\[\\]-~]|\\\\[\"\\\\]){1,255}\")$"
#define ETAG_PATTERN "^\"[1-9][0-9]{0,8}\"$"

/* ---- schemas ---- */

static void put_type(struct rr_json *j, const char *type, bool nullable)
{
    if (!nullable) {
        rr_json_text(j, "type", type);
        return;
    }
    rr_json_array(j, "type");
    rr_json_text(j, NULL, type);
    rr_json_text(j, NULL, "null");
    rr_json_end_array(j);
}

static void put_choices(struct rr_json *j, const struct rr_field *f)
{
    rr_json_array(j, "enum");
    for (const char *const *c = f->choices; *c; c++)
        rr_json_text(j, NULL, *c);
    rr_json_end_array(j);
}

static void put_field(struct rr_json *j, const struct rr_field *f)
{
    const bool nullable = f->flags & RR_FIELD_NULLABLE;

    rr_json_object(j, f->name);
    switch (f->type) {
    case RR_FIELD_TEXT:
        put_type(j, "string", nullable);
        rr_json_int(j, "minLength", f->min);
        rr_json_int(j, "maxLength", f->max);
        rr_json_text(j, "pattern", TEXT_PATTERN);
        break;
    case RR_FIELD_UINT:
        put_type(j, "integer", nullable);
        rr_json_int(j, "minimum", f->min);
        rr_json_int(j, "maximum", f->max);
        break;
    case RR_FIELD_BOOL: put_type(j, "boolean", nullable); break;
    case RR_FIELD_TIME:
        put_type(j, "string", nullable);
        rr_json_text(j, "format", "date-time");
        break;
    case RR_FIELD_ENUM:
        put_type(j, "string", nullable);
        put_choices(j, f);
        break;
    }
    rr_json_end_object(j);
}

static void put_body_schema(struct rr_json *j, const struct rr_field *fields, size_t n)
{
    rr_json_object(j, "schema");
    rr_json_text(j, "type", "object");
    rr_json_object(j, "properties");
    for (size_t i = 0; i < n; i++)
        put_field(j, &fields[i]);
    rr_json_end_object(j);
    rr_json_array(j, "required");
    for (size_t i = 0; i < n; i++)
        if (fields[i].flags & RR_FIELD_REQUIRED)
            rr_json_text(j, NULL, fields[i].name);
    rr_json_end_array(j);
    rr_json_bool(j, "additionalProperties", false);
    rr_json_end_object(j);
}

static void put_ref(struct rr_json *j, const char *name, const char *ref)
{
    rr_json_object(j, name);
    rr_json_text(j, "$ref", ref);
    rr_json_end_object(j);
}

static void put_schema_ref(struct rr_json *j, const char *name, const char *schema)
{
    char ref[96];

    snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema);
    put_ref(j, name, ref);
}

static void put_member(struct rr_json *j, const struct rr_member *m)
{
    if (m->type == RR_MEMBER_OBJECT && m->of) {
        put_schema_ref(j, m->name, m->of);
        return;
    }
    rr_json_object(j, m->name);
    switch (m->type) {
    case RR_MEMBER_NUMBER: rr_json_text(j, "type", "number"); break;
    case RR_MEMBER_OBJECT: rr_json_text(j, "type", "object"); break;
    case RR_MEMBER_ARRAY:
        rr_json_text(j, "type", "array");
        put_schema_ref(j, "items", m->of);
        break;
    }
    rr_json_end_object(j);
}

/* An answer's: every field and member is there. `members`, ended by a row with schema NULL, may be others'.
 */
static void put_answer_schema(struct rr_json *j, const char *name, const struct rr_schema *s,
                              const struct rr_member *members)
{
    rr_json_object(j, name);
    rr_json_text(j, "type", "object");
    rr_json_object(j, "properties");
    for (size_t i = 0; i < s->n_fields; i++)
        put_field(j, &s->fields[i]);
    for (const struct rr_member *m = members; m && m->schema; m++)
        if (strcmp(m->schema, s->name) == 0)
            put_member(j, m);
    rr_json_end_object(j);
    rr_json_array(j, "required");
    for (size_t i = 0; i < s->n_fields; i++)
        rr_json_text(j, NULL, s->fields[i].name);
    for (const struct rr_member *m = members; m && m->schema; m++)
        if (strcmp(m->schema, s->name) == 0)
            rr_json_text(j, NULL, m->name);
    rr_json_end_array(j);
    rr_json_bool(j, "additionalProperties", false);
    rr_json_end_object(j);
}

static void put_string(struct rr_json *j, const char *name, const char *pattern)
{
    rr_json_object(j, name);
    rr_json_text(j, "type", "string");
    if (pattern)
        rr_json_text(j, "pattern", pattern);
    rr_json_end_object(j);
}

static void put_problem(struct rr_json *j)
{
    static const enum rr_err errors[] = {
#define X(name, number, status, code, title) RR_##name,
        RR_ERRORS(X)
#undef X
    };
    static const char *const required[] = {"type", "title", "status", "code", "request_id"};

    rr_json_object(j, "Problem");
    rr_json_text(j, "type", "object");
    rr_json_text(j, "description", "RFC 9457; further members are there where they help");
    rr_json_object(j, "properties");
    for (size_t i = 0; i < RR_LEN(required); i++) {
        if (strcmp(required[i], "status") == 0) {
            put_field(j, &(struct rr_field){"status", RR_FIELD_UINT, 0, 400, 599, NULL});
            continue;
        }
        rr_json_object(j, required[i]);
        rr_json_text(j, "type", "string");
        if (strcmp(required[i], "code") == 0) {
            rr_json_array(j, "enum");
            for (size_t e = 1; e < RR_LEN(errors); e++)
                rr_json_text(j, NULL, rr_err_code(errors[e]));
            rr_json_end_array(j);
        }
        rr_json_end_object(j);
    }
    rr_json_end_object(j);
    rr_json_array(j, "required");
    for (size_t i = 0; i < RR_LEN(required); i++)
        rr_json_text(j, NULL, required[i]);
    rr_json_end_array(j);
    rr_json_end_object(j);
}

static void put_components(struct rr_json *j, const struct rr_openapi *doc, bool auth)
{
    rr_json_object(j, "components");
    rr_json_object(j, "schemas");
    for (const struct rr_schema *s = doc->schemas; s->name; s++)
        put_answer_schema(j, s->name, s, doc->members);
    put_problem(j);
    rr_json_end_object(j);
    if (auth) {
        rr_json_object(j, "securitySchemes");
        rr_json_object(j, "bearer");
        rr_json_text(j, "type", "http");
        rr_json_text(j, "scheme", "bearer");
        rr_json_text(j, "bearerFormat", "JWT");
        rr_json_end_object(j);
        rr_json_end_object(j);
    }
    rr_json_end_object(j);
}

/* ---- what goes in ---- */

static void begin_parameter(struct rr_json *j, const char *where, const char *name, bool required)
{
    rr_json_object(j, NULL);
    rr_json_text(j, "in", where);
    rr_json_text(j, "name", name);
    rr_json_bool(j, "required", required);
}

static void put_header_parameter(struct rr_json *j, const char *name, bool required, const char *pattern,
                                 const char *example)
{
    begin_parameter(j, "header", name, required);
    if (example)
        rr_json_text(j, "example", example);
    put_string(j, "schema", pattern);
    rr_json_end_object(j);
}

static void put_path_parameter(struct rr_json *j, const struct rr_operation *op)
{
    const char *brace = strchr(op->pattern, '{');
    char name[32];

    if (!brace)
        return;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(brace + 1, "}"), brace + 1);
    begin_parameter(j, "path", name, true);
    if (op->flags & RR_OP_TEXT) {
        put_string(j, "schema", TEXT_PATTERN);
    } else if (op->flags & RR_OP_UUID) {
        rr_json_object(j, "schema");
        rr_json_text(j, "type", "string");
        rr_json_text(j, "format", "uuid");
        rr_json_end_object(j);
    } else {
        put_field(j, &(struct rr_field){"schema", RR_FIELD_UINT, 0, 1, INT64_MAX, NULL});
    }
    rr_json_end_object(j);
}

static void put_query_parameter(struct rr_json *j, const struct rr_field *f)
{
    struct rr_field schema = *f;

    schema.name = "schema";
    begin_parameter(j, "query", f->name, f->flags & RR_FIELD_REQUIRED);
    put_field(j, &schema);
    rr_json_end_object(j);
}

/* Who need not say who they are cannot wait for a Consistency-Token. */
static bool takes_tokens(const struct rr_route *route, const struct rr_operation *op)
{
    return op->flags & RR_OP_READ && route->may != RR_EVERYBODY;
}

static void put_parameters(struct rr_json *j, const struct rr_route *route, const struct rr_operation *op)
{
    rr_json_array(j, "parameters");
    put_path_parameter(j, op);
    for (size_t i = 0; i < op->n_query; i++)
        put_query_parameter(j, &op->query[i]);
    if (op->flags & RR_OP_IF_MATCH)
        put_header_parameter(j, "If-Match", op->flags & RR_OP_NEEDS_IF_MATCH, ETAG_PATTERN, "\"1\"");
    if (op->flags & RR_OP_CACHED)
        put_header_parameter(j, "If-None-Match", false, NULL, "\"1\"");
    if (op->flags & RR_OP_WRITE) {
        put_header_parameter(j, "Idempotency-Key", false, KEY_PATTERN, NULL);
        put_header_parameter(j, "Prefer", false, NULL, "return=minimal");
    }
    if (takes_tokens(route, op)) {
        put_header_parameter(j, "Consistency-Token", false, NULL, NULL);
        put_header_parameter(j, "Prefer", false, NULL, "wait=2");
    }
    if (op->flags & RR_OP_EVENTS)
        put_header_parameter(j, "Last-Event-ID", false, NULL, "1-5117");
    rr_json_end_array(j);
}

static bool needs_body(const struct rr_operation *op)
{
    for (size_t i = 0; i < op->n_body; i++)
        if (op->body[i].flags & RR_FIELD_REQUIRED)
            return true;
    return false;
}

static void put_body(struct rr_json *j, const struct rr_operation *op)
{
    if (!op->n_body)
        return;
    rr_json_object(j, "requestBody");
    rr_json_bool(j, "required", needs_body(op));
    rr_json_object(j, "content");
    rr_json_object(j, "application/json");
    put_body_schema(j, op->body, op->n_body);
    rr_json_end_object(j);
    rr_json_end_object(j);
    rr_json_end_object(j);
}

/* ---- what comes out ---- */

static void put_answer_header(struct rr_json *j, const char *name, bool required, const char *pattern)
{
    rr_json_object(j, name);
    rr_json_bool(j, "required", required);
    put_string(j, "schema", pattern);
    rr_json_end_object(j);
}

static void put_answer_headers(struct rr_json *j, const struct rr_operation *op)
{
    rr_json_object(j, "headers");
    put_answer_header(j, "X-Request-Id", true, NULL);
    if (op->flags & (RR_OP_ETAG | RR_OP_MAYBE_ETAG)) /* a version, or any */
        put_answer_header(j, "ETag", op->flags & RR_OP_ETAG, op->answer ? ETAG_PATTERN : NULL);
    if (op->flags & RR_OP_WRITE)
        put_answer_header(j, "Consistency-Token", true, NULL);
    if (op->flags & RR_OP_READ) {
        put_answer_header(j, "Projection-As-Of", true, NULL);
        put_answer_header(j, "Projection-Parked", false, "^[1-9][0-9]*$");
    }
    if (op->status == 201)
        put_answer_header(j, "Location", true, NULL);
    rr_json_end_object(j);
}

static void put_minimal(struct rr_json *j, const struct rr_openapi *doc, const char *answer)
{
    rr_json_object(j, NULL);
    rr_json_text(j, "title", "with Prefer: return=minimal");
    rr_json_text(j, "type", "object");
    rr_json_object(j, "properties");
    for (const struct rr_schema *s = doc->schemas; s->name; s++)
        for (size_t i = 0; strcmp(s->name, answer) == 0 && i < s->n_fields; i++)
            if (strcmp(s->fields[i].name, "id") == 0 || strcmp(s->fields[i].name, "version") == 0)
                put_field(j, &s->fields[i]);
    rr_json_end_object(j);
    rr_json_array(j, "required");
    rr_json_text(j, NULL, "id");
    rr_json_text(j, NULL, "version");
    rr_json_end_array(j);
    rr_json_bool(j, "additionalProperties", false);
    rr_json_end_object(j);
}

static void put_page(struct rr_json *j, const char *answer)
{
    static const struct rr_field fields[] = {
        {"as_of", RR_FIELD_TIME, 0, 0, 0, NULL},
        {"next_cursor", RR_FIELD_TEXT, RR_FIELD_NULLABLE, 1, 200, NULL},
    };
    static const struct rr_schema page = {"page", fields, RR_LEN(fields)};
    const struct rr_member members[] = {{page.name, "items", RR_MEMBER_ARRAY, answer}, {0}};

    put_answer_schema(j, "schema", &page, members);
}

static void put_answer(struct rr_json *j, const struct rr_openapi *doc, const struct rr_operation *op)
{
    if (!op->answer) {
        put_string(j, "schema", NULL);
    } else if (op->flags & RR_OP_LIST) {
        put_page(j, op->answer);
    } else if (op->flags & RR_OP_WRITE) {
        rr_json_object(j, "schema");
        rr_json_array(j, "anyOf");
        put_schema_ref(j, NULL, op->answer);
        put_minimal(j, doc, op->answer);
        rr_json_end_array(j);
        rr_json_end_object(j);
    } else {
        put_schema_ref(j, "schema", op->answer);
    }
}

static void put_content(struct rr_json *j, const struct rr_openapi *doc, const struct rr_operation *op)
{
    if (op->status == 204)
        return;
    rr_json_object(j, "content");
    rr_json_object(j, op->answer ? "application/json" : op->media ? op->media : "text/plain");
    put_answer(j, doc, op);
    rr_json_end_object(j);
    rr_json_end_object(j);
}

struct errors {
    enum rr_err items[ERRORS_MAX];
    size_t n;
};

static void add(struct errors *e, enum rr_err err)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->items[i] == err)
            return;
    if (e->n == ERRORS_MAX)
        RR_BUG("an operation has too many errors");
    e->items[e->n++] = err;
}

static void add_all(struct errors *e, const enum rr_err *errs)
{
    for (; *errs; errs++)
        add(e, *errs);
}

/* What the router, the checks of fields and headers, and the databases' state can answer. */
static struct errors errors_of(const struct rr_route *route, const struct rr_operation *op)
{
    static const enum rr_err every[] = {RR_BAD_REQUEST, RR_PARAMETER_INVALID, RR_OVERLOADED, RR_NO_MEMORY,
                                        RR_OK};
    static const enum rr_err with_body[] = {RR_JSON_INVALID, RR_BODY_TOO_LARGE, RR_MEDIA_TYPE, RR_RULE_BROKEN,
                                            RR_OK};
    static const enum rr_err keyed[] = {
        RR_KEY_INVALID, RR_KEY_REUSED, RR_KEY_IN_PROGRESS, RR_OUTCOME_UNKNOWN, RR_DB_UNAVAILABLE,
        RR_DB_BUSY,     RR_OK};
    static const enum rr_err read[] = {RR_PROJECTION_NOT_READY, RR_DB_UNAVAILABLE, RR_DB_BUSY, RR_OK};
    static const enum rr_err with_token[] = {RR_TOKEN_INVALID, RR_PROJECTION_BEHIND, RR_WRITE_PARKED, RR_OK};
    struct errors e = {0};

    add_all(&e, every);
    add_all(&e, op->errors);
    if (route->may != RR_EVERYBODY)
        add(&e, RR_UNAUTHENTICATED);
    if (route->may == RR_ADMINS)
        add(&e, RR_FORBIDDEN);
    if (strchr(op->pattern, '{'))
        add(&e, RR_NOT_FOUND);
    if (rr_method_has_body(rr_method_of(op->method)))
        add_all(&e, with_body);
    if (op->flags & RR_OP_WRITE)
        add_all(&e, keyed);
    if (op->flags & RR_OP_READ)
        add_all(&e, read);
    if (takes_tokens(route, op))
        add_all(&e, with_token);
    if (op->flags & RR_OP_LIST)
        add(&e, RR_CURSOR_INVALID);
    if (op->flags & RR_OP_IF_MATCH)
        add(&e, RR_VERSION_STALE);
    if (op->flags & RR_OP_NEEDS_IF_MATCH)
        add(&e, RR_PRECONDITION_REQUIRED);
    return e;
}

/* One response a status; its description lists the codes. */
static void put_errors_of_status(struct rr_json *j, const struct errors *e, unsigned status)
{
    struct rr_buf text = {0};
    char name[8];

    for (size_t i = 0; i < e->n; i++)
        if (rr_err_status(e->items[i]) == status)
            rr_buf_printf(&text, "%s`%s`: %s", text.len ? "; " : "", rr_err_code(e->items[i]),
                          rr_err_title(e->items[i]));
    if (text.len) {
        snprintf(name, sizeof(name), "%u", status);
        rr_json_object(j, name);
        rr_json_text(j, "description", text.data);
        rr_json_object(j, "content");
        rr_json_object(j, "application/problem+json");
        put_ref(j, "schema", PROBLEM_REF);
        rr_json_end_object(j);
        rr_json_end_object(j);
        rr_json_end_object(j);
    }
    rr_buf_fini(&text);
}

static void put_responses(struct rr_json *j, const struct rr_openapi *doc, const struct rr_route *route,
                          const struct rr_operation *op)
{
    const struct errors e = errors_of(route, op);
    char status[8];

    rr_json_object(j, "responses");
    snprintf(status, sizeof(status), "%u", op->status);
    rr_json_object(j, status);
    rr_json_text(j, "description", op->status == 201 ? "made" : "done");
    put_answer_headers(j, op);
    put_content(j, doc, op);
    rr_json_end_object(j);
    if (op->flags & RR_OP_CACHED) {
        rr_json_object(j, "304");
        rr_json_text(j, "description", "what If-None-Match names still holds");
        rr_json_end_object(j);
    }
    for (unsigned s = 400; s < 600; s++)
        put_errors_of_status(j, &e, s);
    rr_json_end_object(j);
}

/* ---- the document ---- */

static const struct rr_operation *operation_of(const struct rr_openapi *doc, const struct rr_route *route)
{
    for (const struct rr_operation *const *op = doc->operations; *op; op++)
        if (strcmp((*op)->method, route->method) == 0 && strcmp((*op)->pattern, route->pattern) == 0)
            return *op;
    RR_BUG("a route is not described for /openapi.json");
}

/* Each route finds its operation, so as many of them means: no operation is without a route. */
static void check_operations(const struct rr_openapi *doc, const struct rr_route *routes)
{
    size_t n_operations = 0, n_routes = 0;

    while (doc->operations[n_operations])
        n_operations++;
    while (routes[n_routes].method)
        n_routes++;
    if (n_operations != n_routes)
        RR_BUG("an operation is described that has no route");
}

static void put_operation(struct rr_json *j, const struct rr_openapi *doc, const struct rr_route *route,
                          bool auth)
{
    const struct rr_operation *op = operation_of(doc, route);
    char method[8] = "";

    for (size_t i = 0; op->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)tolower((unsigned char)op->method[i]);
    rr_json_object(j, method);
    rr_json_text(j, "operationId", op->id);
    rr_json_text(j, "summary", op->summary);
    if (auth && route->may != RR_EVERYBODY) {
        rr_json_array(j, "security");
        rr_json_object(j, NULL);
        rr_json_array(j, "bearer");
        rr_json_end_array(j);
        rr_json_end_object(j);
        rr_json_end_array(j);
    }
    put_parameters(j, route, op);
    put_body(j, op);
    put_responses(j, doc, route, op);
    rr_json_end_object(j);
}

/* Methods of one path stand together, wherever they stand in the table. A path belongs to one table. */
static void put_paths(struct rr_json *j, const struct rr_openapi *doc, const struct rr_route *routes,
                      bool auth)
{
    for (const struct rr_route *path = routes; path->method; path++) {
        const struct rr_route *r = routes;

        while (strcmp(r->pattern, path->pattern) != 0)
            r++;
        if (r != path)
            continue; /* an earlier row has had this path */
        rr_json_object(j, path->pattern);
        for (; r->method; r++)
            if (strcmp(r->pattern, path->pattern) == 0)
                put_operation(j, doc, r, auth);
        rr_json_end_object(j);
    }
}

void rr_openapi_render(const struct rr_openapi *doc, const struct rr_route *routes, bool auth,
                       struct rr_buf *out)
{
    struct rr_json j;

    check_operations(doc, routes);
    rr_json_init(&j, out);
    rr_json_object(&j, NULL);
    rr_json_text(&j, "openapi", "3.1.0");
    rr_json_object(&j, "info");
    rr_json_text(&j, "title", doc->title);
    rr_json_text(&j, "description", doc->description);
    rr_json_text(&j, "version", "1");
    rr_json_end_object(&j);
    rr_json_object(&j, "paths");
    put_paths(&j, doc, routes, auth);
    rr_json_end_object(&j);
    put_components(&j, doc, auth);
    rr_json_end_object(&j);
}
