#include "unit.h"

#include "http/router.h"

#include <stdio.h>

static enum rr_step never(struct rr_req *r)
{
    (void)r;
    fail_msg("no handler is to run here");
    return RR_DONE;
}

static const struct rr_route routes[] = {
    {.method = "GET", .pattern = "/v1/rooms/{id}", .handle = never},
    {.method = "PATCH", .pattern = "/v1/rooms/{id}", .handle = never},
    {.method = "GET", .pattern = "/v1/rooms", .handle = never},
    {.method = "POST", .pattern = "/v1/rooms", .handle = never},
    {.method = "GET", .pattern = "/v1/rooms/popular", .handle = never},
    {.method = "GET", .pattern = "/v1/users/{id}/reservations", .handle = never},
    {.method = "DELETE", .pattern = "/v1/users/{user}/rooms/{room}", .handle = never},
    {0},
};

static struct rr_router *router;

static enum rr_err find(enum rr_method method, const char *path, struct rr_match *ret)
{
    static char copy[256];

    snprintf(copy, sizeof(copy), "%s", path);
    return rr_router_find(router, method, copy, ret);
}

static void assert_route(enum rr_method method, const char *path, const char *pattern)
{
    struct rr_match m;

    assert_int_equal(RR_OK, find(method, path, &m));
    assert_string_equal(pattern, m.route->pattern);
    assert_string_equal(pattern, rr_router_pattern(router, m.place));
}

static void a_route_is_found_by_its_method_and_path(void **state)
{
    (void)state;
    assert_route(RR_GET, "/v1/rooms", "/v1/rooms");
    assert_route(RR_POST, "/v1/rooms", "/v1/rooms");
    assert_route(RR_PATCH, "/v1/rooms/7", "/v1/rooms/{id}");
    assert_route(RR_GET, "/v1/users/ann/reservations", "/v1/users/{id}/reservations");
}

static void head_is_served_by_get(void **state)
{
    (void)state;
    assert_route(RR_HEAD, "/v1/rooms/7", "/v1/rooms/{id}");
}

static void a_literal_segment_wins_over_an_argument(void **state)
{
    (void)state;
    assert_route(RR_GET, "/v1/rooms/popular", "/v1/rooms/popular");
    assert_route(RR_GET, "/v1/rooms/popular%20", "/v1/rooms/{id}");
}

static void arguments_are_decoded_after_the_path_is_cut(void **state)
{
    struct rr_match m;

    (void)state;
    assert_int_equal(RR_OK, find(RR_DELETE, "/v1/users/a%2Fb+c%25/rooms/%C3%A9", &m));
    assert_string_equal("a/b+c%", m.arg[0]);
    assert_string_equal("\xC3\xA9", m.arg[1]);
}

static void literals_may_be_escaped(void **state)
{
    (void)state;
    assert_route(RR_GET, "/v1/%72ooms", "/v1/rooms");
}

static void what_no_pattern_has_is_not_found(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "*",
        "/v1",
        "/v1/rooms/",
        "/v1/rooms/7/",
        "//v1/rooms",
        "/v1//rooms",
        "/v1/Rooms",
        "/v1/users//reservations",
        "/v1/rooms/7/8",
        "v1/rooms",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14",
    };
    struct rr_match m;

    (void)state;
    for (size_t i = 0; i < RR_LEN(paths); i++) {
        assert_int_equal(RR_NOT_FOUND, find(RR_GET, paths[i], &m));
        assert_null(m.route);
        assert_string_equal("none", rr_router_pattern(router, m.place));
    }
}

static void another_method_is_refused_with_those_that_are_there(void **state)
{
    struct rr_match m;

    (void)state;
    assert_int_equal(RR_METHOD_NOT_ALLOWED, find(RR_DELETE, "/v1/rooms/7", &m));
    assert_string_equal("GET, HEAD, PATCH, OPTIONS", m.allow);
    assert_int_equal(RR_METHOD_NOT_ALLOWED, find(RR_GET, "/v1/users/a/rooms/b", &m));
    assert_string_equal("DELETE, OPTIONS", m.allow);
    assert_int_equal(RR_METHOD_NOT_ALLOWED, find(rr_method_of("BREW"), "/v1/rooms", &m));
}

static void a_path_that_is_no_text_is_malformed(void **state)
{
    static const char *const paths[] = {
        "/v1/rooms/%",     "/v1/rooms/%4",  "/v1/rooms/%zz", "/v1/rooms/%00",
        "/v1/rooms/a%00b", "/v1/rooms/%FF", "/v1/rooms/%0A", "/v1/rooms/%C0%80",
    };
    struct rr_match m;

    (void)state;
    for (size_t i = 0; i < RR_LEN(paths); i++)
        assert_int_equal(RR_BAD_REQUEST, find(RR_GET, paths[i], &m));
}

static int set_up(void **state)
{
    static const struct rr_route *const tables[] = {routes, NULL};

    (void)state;
    router = rr_router_new(tables);
    return router ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rr_router_free(router);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_found_by_its_method_and_path),
        cmocka_unit_test(head_is_served_by_get),
        cmocka_unit_test(a_literal_segment_wins_over_an_argument),
        cmocka_unit_test(arguments_are_decoded_after_the_path_is_cut),
        cmocka_unit_test(literals_may_be_escaped),
        cmocka_unit_test(what_no_pattern_has_is_not_found),
        cmocka_unit_test(another_method_is_refused_with_those_that_are_there),
        cmocka_unit_test(a_path_that_is_no_text_is_malformed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
