#include "dead_letters_verb.h"
#include "generation.h"
#include "json.h"
#include "text.h"
#include "time.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DONE, LEFT, COULD_NOT };

#define COLUMNS                                                                                              \
    "SELECT id, state, kind, reservation_id, room_id, version, topic_offset, reason, parked_at, skipped_at," \
    "       skipped_by, skip_reason, key, value FROM projection.dead_letter WHERE generation = $1::integer"
static const struct statement sql_list = {NULL, COLUMNS " ORDER BY id"};
static const struct statement sql_show = {NULL, COLUMNS " AND id = $2::bigint"};
static const struct statement sql_resume = {
    NULL, "UPDATE projection.position SET halted = NULL, halted_at = NULL, halted_reason = NULL,"
          "       resumed_at = clock_timestamp() WHERE generation = $1::integer AND halted = 'breaker'"};
static const struct statement sql_commit = {NULL, "COMMIT"};
enum {
    COL_ID,
    COL_STATE,
    COL_KIND,
    COL_RESERVATION,
    COL_ROOM,
    COL_VERSION,
    COL_OFFSET,
    COL_REASON,
    COL_PARKED_AT,
    COL_SKIPPED_AT,
    COL_SKIPPED_BY,
    COL_SKIP_REASON,
    COL_KEY,
    COL_VALUE
};

static int could_not(const struct failure *f)
{
    fprintf(stderr, "projector: %s\n", f->text);
    return f->kind == FAIL_MESSAGE ? LEFT : COULD_NOT;
}

static int wrong_call(const char *why)
{
    fprintf(
        stderr,
        "projector: %s\nexpected: dead-letters list [--json] | show ID [--json] | retry ID | retry --all |"
        " skip ID --reason TEXT | resume\n",
        why);
    return COULD_NOT;
}

/* ---- list and show ---- */

static void json_text(struct rr_json *j, const char *name, const PGresult *res, int row, int column)
{
    struct text t = store_text(res, row, column);

    rr_json_textn(j, name, t.s, t.n);
}

static void json_time(struct rr_json *j, const char *name, const PGresult *res, int row, int column)
{
    if (PQgetisnull(res, row, column))
        rr_json_null(j, name);
    else
        rr_json_time(j, name, store_time(res, row, column));
}

static void json_letter(struct rr_json *j, const PGresult *res, int row)
{
    struct rr_uuid id;

    rr_json_int(j, "id", store_int8(res, row, COL_ID));
    json_text(j, "state", res, row, COL_STATE);
    json_text(j, "kind", res, row, COL_KIND);
    if (PQgetisnull(res, row, COL_RESERVATION)) {
        rr_json_null(j, "reservation_id");
    } else {
        memcpy(id.b, PQgetvalue(res, row, COL_RESERVATION), sizeof(id.b));
        rr_json_uuid(j, "reservation_id", &id);
    }
    if (PQgetisnull(res, row, COL_ROOM))
        rr_json_null(j, "room_id");
    else
        rr_json_int(j, "room_id", store_int8(res, row, COL_ROOM));
    if (PQgetisnull(res, row, COL_VERSION))
        rr_json_null(j, "version");
    else
        rr_json_int(j, "version", store_int4(res, row, COL_VERSION));
    rr_json_int(j, "offset", store_int8(res, row, COL_OFFSET));
    json_text(j, "reason", res, row, COL_REASON);
    json_time(j, "parked_at", res, row, COL_PARKED_AT);
    json_time(j, "skipped_at", res, row, COL_SKIPPED_AT);
    json_text(j, "skipped_by", res, row, COL_SKIPPED_BY);
    json_text(j, "skip_reason", res, row, COL_SKIP_REASON);
}

static int put_json(struct rr_buf *buf)
{
    int end = buf->failed ? COULD_NOT : DONE;

    if (end == DONE)
        puts(buf->data);
    rr_buf_fini(buf);
    return end;
}

static int list_json(const PGresult *res, const struct generation *g)
{
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;

    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    rr_json_int(&j, "generation", g->position.generation);
    rr_json_int(&j, "parked", g->position.parked);
    rr_json_text(&j, "halted", *g->halted ? g->halted : NULL);
    rr_json_text(&j, "halted_reason", *g->halted ? g->halted_reason : NULL);
    rr_json_array(&j, "items");
    for (int i = 0; i < PQntuples(res); i++) {
        rr_json_object(&j, NULL);
        json_letter(&j, res, i);
        rr_json_end_object(&j);
    }
    rr_json_end_array(&j);
    rr_json_end_object(&j);
    return put_json(&buf);
}

static const char *whom(const PGresult *res, int row, char *out, size_t size)
{
    struct rr_uuid id;
    char text[RR_UUID_TEXT];

    if (!PQgetisnull(res, row, COL_RESERVATION)) {
        memcpy(id.b, PQgetvalue(res, row, COL_RESERVATION), sizeof(id.b));
        snprintf(out, size, "reservation %s", rr_uuid_format(&id, text));
    } else if (!PQgetisnull(res, row, COL_ROOM)) {
        snprintf(out, size, "room %lld", (long long)store_int8(res, row, COL_ROOM));
    } else {
        snprintf(out, size, "its key cannot be read");
    }
    return out;
}

static void print_letter(const PGresult *res, int row)
{
    char subject[80], version[32] = "", parked_at[RR_TIME_TEXT];

    if (!PQgetisnull(res, row, COL_VERSION))
        snprintf(version, sizeof(version), " version %d", (int)store_int4(res, row, COL_VERSION));
    printf("%lld  %s  %s%s  offset %lld  since %s  %s: %s\n", (long long)store_int8(res, row, COL_ID),
           store_text(res, row, COL_STATE).s, whom(res, row, subject, sizeof(subject)), version,
           (long long)store_int8(res, row, COL_OFFSET),
           rr_time_format(store_time(res, row, COL_PARKED_AT), parked_at), store_text(res, row, COL_KIND).s,
           store_text(res, row, COL_REASON).s);
    if (!PQgetisnull(res, row, COL_SKIPPED_AT))
        printf("    skipped by %s: %s\n", store_text(res, row, COL_SKIPPED_BY).s,
               store_text(res, row, COL_SKIP_REASON).s);
}

static int list_text(const PGresult *res, const struct generation *g)
{
    for (int i = 0; i < PQntuples(res); i++)
        print_letter(res, i);
    printf("generation %d: %d parked, %d skipped\n", g->position.generation, g->position.parked,
           PQntuples(res) - g->position.parked);
    if (*g->halted)
        printf("halted (%s), nothing more is applied: %s\n", g->halted, g->halted_reason);
    return DONE;
}

static int show_json(const PGresult *res)
{
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;

    rr_json_init(&j, &buf);
    rr_json_object(&j, NULL);
    json_letter(&j, res, 0);
    json_text(&j, "key", res, 0, COL_KEY);
    json_text(&j, "value", res, 0, COL_VALUE);
    rr_json_end_object(&j);
    return put_json(&buf);
}

/* As it came; a terminal is not for everything that may have come. */
static void print_bytes(const char *name, struct text t)
{
    printf("%-6s", name);
    if (!t.s) {
        puts("none");
        return;
    }
    for (size_t i = 0, step; i < t.n; i += step ? step : 1) {
        step = (unsigned char)t.s[i] < 0x80 ? (size_t)(t.s[i] >= 0x20 && t.s[i] != 0x7f)
                                            : rr_utf8_next(t.s + i, t.n - i);
        if (step)
            fwrite(t.s + i, 1, step, stdout);
        else
            printf("\\x%02x", (unsigned char)t.s[i]);
    }
    putchar('\n');
}

static int show_text(const PGresult *res)
{
    print_letter(res, 0);
    print_bytes("key", store_text(res, 0, COL_KEY));
    print_bytes("value", store_text(res, 0, COL_VALUE));
    return DONE;
}

/* `id` NULL: all of them. */
static int show(const struct retry_conf *conf, const struct generation *g, const int64_t *id, bool as_json)
{
    struct store *s = NULL;
    struct params p = {.n = 0};
    struct failure f;
    const PGresult *res;
    int number, end;

    if (store_open(conf->store, &s, &f) != 0)
        return could_not(&f);
    params_int4(&p, g->position.generation);
    if (id)
        params_int8(&p, *id);
    number = store_add(s, id ? &sql_show : &sql_list, &p);
    if (store_trip(s, &f) != 0) {
        store_close(s);
        return could_not(&f);
    }
    res = store_result(s, number);
    if (id && PQntuples(res) == 0) {
        fail(&f, FAIL_MESSAGE, "generation %d has no dead letter %lld", g->position.generation,
             (long long)*id);
        end = could_not(&f);
    } else if (id) {
        end = as_json ? show_json(res) : show_text(res);
    } else {
        end = as_json ? list_json(res, g) : list_text(res, g);
    }
    store_close(s);
    return end;
}

/* ---- doing something ---- */

static int told(int end, const struct retry_totals *t, const struct failure *f)
{
    if (t->changed || end == 0)
        printf("applied: %zu; still parked: %zu\n", t->applied, t->left);
    if (end != 0)
        return could_not(f);
    return t->left ? LEFT : DONE;
}

static int resume(const struct retry_conf *conf, int32_t generation)
{
    struct store *s = NULL;
    struct params p = {.n = 0};
    struct generation g;
    struct failure f;
    int end;

    params_int4(&p, generation);
    end = store_open(conf->store, &s, &f) != 0 ? -1 : generation_lock(s, generation, &g, &f);
    if (end == 0) {
        store_add(s, &sql_resume, &p);
        store_add(s, &sql_commit, NULL);
        end = store_trip(s, &f);
    }
    store_close(s);
    if (end != 0)
        return could_not(&f);
    if (*g.halted && strcmp(g.halted, "breaker") != 0) {
        fprintf(stderr, "projector: halted (%s), see docs/operations.md: %s\n", g.halted, g.halted_reason);
        return LEFT;
    }
    puts(*g.halted ? "the breaker is closed: it goes on" : "the breaker is closed");
    return DONE;
}

static const char *operator_name(void)
{
    const struct passwd *account = getpwuid(getuid());

    return account ? account->pw_name : "unknown";
}

static bool parse_id(const char *text, int64_t *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = text ? strtoll(text, &end, 10) : 0;
    return text && *ret > 0 && !*end && !errno;
}

static int find_generation(const struct retry_conf *conf, struct generation *ret, struct failure *f)
{
    struct store *s = NULL;
    int end = store_open(conf->store, &s, f) != 0 ? -1 : generation_find(s, ret, f);

    store_close(s);
    if (end == 0 && !ret->found)
        return fail(f, FAIL_POSTGRES, "there is no generation yet: `projector run` makes the first");
    return end;
}

static int do_retry(const struct retry_conf *conf, int32_t generation, const int64_t *id)
{
    struct retry_totals totals = {.applied = 0};
    struct failure f;
    int end =
        id ? retry_letter(conf, generation, *id, &totals, &f) : retry_all(conf, generation, &totals, &f);

    return told(end, &totals, &f);
}

static int do_skip(const struct retry_conf *conf, int32_t generation, int64_t id, const char *reason)
{
    struct retry_totals totals = {.applied = 0};
    struct failure f;
    int end = retry_skip(conf, generation, id, operator_name(), reason, &totals, &f);

    return told(end, &totals, &f);
}

int dead_letters_verb(const struct retry_conf *conf, const struct dead_letters_call *c)
{
    const char *what = c->what ? c->what : "";
    struct generation g;
    struct failure f;
    int64_t id;
    bool has_id = parse_id(c->id, &id);
    bool needs_id =
        strcmp(what, "show") == 0 || strcmp(what, "skip") == 0 || (strcmp(what, "retry") == 0 && !c->all);

    if (needs_id && !has_id)
        return wrong_call(c->id ? "an ID is a number, as `dead-letters list` shows it" : "an ID is missing");
    if (!needs_id && c->id)
        return wrong_call("no ID is expected here");
    if ((strcmp(what, "skip") == 0) != (c->reason != NULL))
        return wrong_call("--reason belongs to skip, and skip needs it");
    if (c->reason && (!rr_text_valid(c->reason, strlen(c->reason)) || !*c->reason))
        return wrong_call("the reason has to be a text");
    if (find_generation(conf, &g, &f) != 0)
        return could_not(&f);
    if (strcmp(what, "list") == 0)
        return show(conf, &g, NULL, c->as_json);
    if (strcmp(what, "show") == 0)
        return show(conf, &g, &id, c->as_json);
    if (strcmp(what, "retry") == 0)
        return do_retry(conf, g.position.generation, needs_id ? &id : NULL);
    if (strcmp(what, "skip") == 0)
        return do_skip(conf, g.position.generation, id, c->reason);
    if (strcmp(what, "resume") == 0)
        return resume(conf, g.position.generation);
    return wrong_call("this is not known");
}
