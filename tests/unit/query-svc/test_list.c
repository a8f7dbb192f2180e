#include "unit.h"

#include "http/http_internal.h"
#include "list.h"
#include "render.h"
#include "result.h"

/* A list of one filter over rows of an id. */
enum { Q = LIST_FILTERS, N_FIELDS };

static const struct rr_field fields[N_FIELDS] = {LIST_FIELDS, [Q] = {"q", RR_FIELD_TEXT, 0, 1, 200, NULL}};
static const struct read_kind kind = {.fields = fields, .n_fields = N_FIELDS};
static const struct rr_route route = {.method = "GET", .pattern = "/v1/users/{id}/things"};

struct fixture {
    struct rr_http_req http;
    struct read rd;
};

static void item(const struct read *rd, struct rr_json *j, const PGresult *res, int row)
{
    (void)rd;
    render_raw(j, "id", res, row, COL_DATA);
}

static void key(const struct read *rd, const PGresult *res, int row, struct cursor *ret)
{
    (void)rd;
    ret->minor = (uint64_t)render_int(res, row, COL_DATA);
}

static const struct list_kind list = {item, key};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->http.req = (struct rr_req){.route = &route, .http = &f->http, .arg = {"ann & bob"}};
    f->http.headers_end = &f->http.headers;
    f->rd.r = &f->http.req;
    f->rd.kind = &kind;
    f->rd.answer = answer_new();
    f->rd.v[LIST_LIMIT] = (struct rr_value){.set = true, .u = 2};
    f->rd.v[Q] = (struct rr_value){.set = true, .text = "x=y", .len = 3};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    answer_release(f->rd.answer);
    free(f);
    return 0;
}

static void answer(struct fixture *f, int rows)
{
    static const char *const ids[] = {"1", "2", "3"};
    PGresult *res = result_new(COL_DATA + 1);
    const char *row[COL_DATA + 1] = {"t", "1", "2026-12-01 09:00:00+00", "0", NULL};

    if (!rows)
        result_add(res, row);
    for (int i = 0; i < rows; i++) {
        row[COL_DATA] = ids[i];
        result_add(res, row);
    }
    assert_int_equal(list_render(&f->rd, res, &list), RR_OK);
    PQclear(res);
}

static void an_empty_list_still_says_how_fresh_it_is(void **state)
{
    struct fixture *f = *state;
    struct cursor c = {0};

    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    answer(f, 0);
    assert_string_equal(f->rd.answer->body.data,
                        "{\"as_of\":\"1970-01-01T00:00:00Z\",\"items\":[],\"next_cursor\":null}");
}

static void a_full_last_page_has_no_next(void **state)
{
    struct fixture *f = *state;
    struct cursor c = {0};

    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    answer(f, 2);
    assert_non_null(
        strstr(f->rd.answer->body.data, "\"items\":[{\"id\":1},{\"id\":2}],\"next_cursor\":null"));
    assert_int_equal(f->rd.answer->link.len, 0);
}

static void the_next_page_begins_after_the_last_shown_item(void **state)
{
    struct fixture *f = *state;
    struct cursor c = {0};
    const char *text;

    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    answer(f, 3);
    assert_null(strstr(f->rd.answer->body.data, "{\"id\":3}"));
    text = strstr(f->rd.answer->body.data, "\"next_cursor\":\"") + strlen("\"next_cursor\":\"");
    f->rd.v[LIST_CURSOR] = (struct rr_value){.set = true, .text = text, .len = strcspn(text, "\"")};
    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    assert_int_equal(c.minor, 2);
}

static void the_link_is_the_same_request_with_the_cursor(void **state)
{
    struct fixture *f = *state;
    struct cursor c = {0};
    const char *link = "</v1/users/ann%20%26%20bob/things?limit=2&q=x%3Dy&cursor=";

    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    answer(f, 3);
    assert_memory_equal(f->rd.answer->link.data, link, strlen(link));
    assert_non_null(strstr(f->rd.answer->link.data, ">; rel=\"next\""));
}

static void a_cursor_of_another_user_or_filter_is_refused(void **state)
{
    struct fixture *f = *state;
    struct cursor c = {0};
    const char *text;

    assert_int_equal(list_parse(&f->rd, &c), RR_OK);
    answer(f, 3);
    text = strstr(f->rd.answer->body.data, "\"next_cursor\":\"") + strlen("\"next_cursor\":\"");
    f->rd.v[LIST_CURSOR] = (struct rr_value){.set = true, .text = text, .len = strcspn(text, "\"")};
    f->rd.v[LIST_LIMIT].u = 7;
    assert_int_equal(list_parse(&f->rd, &c), RR_OK); /* another page size is the same list */
    f->rd.v[Q].set = false;
    assert_int_equal(list_parse(&f->rd, &c), RR_CURSOR_INVALID);
    f->rd.v[Q].set = true;
    f->http.req.arg[0] = "eve";
    assert_int_equal(list_parse(&f->rd, &c), RR_CURSOR_INVALID);
}

#define TEST(rule) cmocka_unit_test_setup_teardown(rule, set_up, tear_down)
UNIT_MAIN(TEST(an_empty_list_still_says_how_fresh_it_is), TEST(a_full_last_page_has_no_next),
          TEST(the_next_page_begins_after_the_last_shown_item),
          TEST(the_link_is_the_same_request_with_the_cursor),
          TEST(a_cursor_of_another_user_or_filter_is_refused))
