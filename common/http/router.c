#include "router.h"

#include "../log.h"
#include "../text.h"
#include "http_internal.h"

#include <stdio.h>
#include <string.h>

enum { SEGMENTS = 12, ALLOW_TEXT = 64 };

/* One pattern with all its methods. */
struct resource {
    const char *pattern;
    char *copy;                    /* the pattern, cut into segments */
    const char *segment[SEGMENTS]; /* NULL: a {…} */
    size_t n_segments;
    size_t route[RR_METHODS]; /* place in the list of routes, plus 1; 0: none */
    char allow[ALLOW_TEXT];
};

struct rr_router {
    const struct rr_route **routes;
    size_t n_routes, n_resources;
    struct resource *resources; /* those with literals first, see compare() */
};

static const char *const method_names[RR_METHODS] = {
    [RR_GET] = "GET", [RR_HEAD] = "HEAD",     [RR_POST] = "POST",       [RR_PATCH] = "PATCH",
    [RR_PUT] = "PUT", [RR_DELETE] = "DELETE", [RR_OPTIONS] = "OPTIONS", [RR_METHOD_OTHER] = "other",
};

enum rr_method rr_method_of(const char *name)
{
    int m = 0;

    while (m < RR_METHOD_OTHER && strcmp(name, method_names[m]) != 0)
        m++;
    return (enum rr_method)m;
}

const char *rr_method_name(enum rr_method m)
{
    return method_names[m];
}

bool rr_method_has_body(enum rr_method m)
{
    return m == RR_POST || m == RR_PATCH || m == RR_PUT;
}

bool rr_method_changes(enum rr_method m)
{
    return rr_method_has_body(m) || m == RR_DELETE;
}

/* ---- building ---- */

/* Cuts `path` at its slashes. Returns the number of segments, or -1 if there are too many or it does not
 * begin with one. */
static int split(char *path, char *segment[SEGMENTS])
{
    int n = 0;

    if (*path != '/')
        return -1;
    while (path) {
        if (n == SEGMENTS)
            return -1;
        *path++ = '\0';
        segment[n++] = path;
        path = strchr(path, '/');
    }
    return n;
}

static bool resource_init(struct resource *res, const char *pattern)
{
    char *segment[SEGMENTS];
    int n, args = 0;

    res->pattern = pattern;
    res->copy = strdup(pattern);
    if (!res->copy)
        return false;
    n = split(res->copy, segment);
    if (n < 0)
        RR_BUG("a route's pattern is malformed");
    res->n_segments = (size_t)n;
    for (int i = 0; i < n; i++) {
        bool literal = segment[i][0] != '{';

        args += !literal;
        res->segment[i] = literal ? segment[i] : NULL;
    }
    if (args > RR_PATH_ARGS)
        RR_BUG("a route has too many path arguments");
    return true;
}

/* The first that matches has to be the one with literals where another has {…}. */
static int compare(const void *a, const void *b)
{
    const struct resource *x = a, *y = b;

    if (x->n_segments != y->n_segments)
        return x->n_segments < y->n_segments ? -1 : 1;
    for (size_t i = 0; i < x->n_segments; i++)
        if (!x->segment[i] != !y->segment[i])
            return x->segment[i] ? -1 : 1;
    return 0;
}

static struct resource *resource_of(struct rr_router *router, const char *pattern)
{
    struct resource *res = router->resources;

    for (; res < router->resources + router->n_resources; res++)
        if (strcmp(res->pattern, pattern) == 0)
            return res;
    return resource_init(res, pattern) ? (router->n_resources++, res) : NULL;
}

static void write_allow(struct resource *res)
{
    size_t n = 0;

    for (int m = 0; m < RR_METHOD_OTHER; m++)
        if (res->route[m] || m == RR_OPTIONS)
            n += (size_t)snprintf(res->allow + n, sizeof(res->allow) - n, "%s%s", n ? ", " : "",
                                  method_names[m]);
}

static bool add(struct rr_router *router, const struct rr_route *route)
{
    struct resource *res = resource_of(router, route->pattern);
    enum rr_method m = rr_method_of(route->method);

    if (!res)
        return false;
    if (m == RR_METHOD_OTHER || m == RR_HEAD || m == RR_OPTIONS || res->route[m])
        RR_BUG("a route's method is unknown, the router's own, or there twice");
    router->routes[router->n_routes++] = route;
    res->route[m] = router->n_routes;
    if (m == RR_GET)
        res->route[RR_HEAD] = router->n_routes;
    return true;
}

struct rr_router *rr_router_new(const struct rr_route *const *tables)
{
    struct rr_router *router = calloc(1, sizeof(*router));
    size_t n = 0;

    if (!router)
        return NULL;
    for (size_t t = 0; tables[t]; t++)
        for (const struct rr_route *route = tables[t]; route->method; route++)
            n++;
    router->routes = calloc(n + 1, sizeof(struct rr_route *));
    router->resources = calloc(n + 1, sizeof(*router->resources));
    if (!router->routes || !router->resources)
        goto fail;
    for (size_t t = 0; tables[t]; t++)
        for (const struct rr_route *route = tables[t]; route->method; route++)
            if (!add(router, route))
                goto fail;
    for (size_t i = 0; i < router->n_resources; i++)
        write_allow(&router->resources[i]);
    qsort(router->resources, router->n_resources, sizeof(*router->resources), compare);
    return router;
fail:
    rr_router_free(router);
    return NULL;
}

void rr_router_free(struct rr_router *router)
{
    if (!router)
        return;
    for (size_t i = 0; i < router->n_resources; i++)
        free(router->resources[i].copy);
    free(router->resources);
    free(router->routes);
    free(router);
}

/* ---- finding ---- */

static bool matches(const struct resource *res, char *const *segment, size_t n)
{
    if (n != res->n_segments)
        return false;
    for (size_t i = 0; i < n; i++)
        if (res->segment[i] ? strcmp(res->segment[i], segment[i]) != 0 : !segment[i][0])
            return false;
    return true;
}

static const struct resource *resource_at(const struct rr_router *router, char *const *segment, size_t n)
{
    for (size_t i = 0; i < router->n_resources; i++)
        if (matches(&router->resources[i], segment, n))
            return &router->resources[i];
    return NULL;
}

static bool take_args(const struct resource *res, char *const *segment, struct rr_match *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < res->n_segments; i++) {
        if (res->segment[i])
            continue;
        if (!rr_text_valid(segment[i], strlen(segment[i])))
            return false;
        ret->arg[n++] = segment[i];
    }
    return true;
}

enum rr_err rr_router_find(const struct rr_router *router, enum rr_method method, char *path,
                           struct rr_match *ret)
{
    char *segment[SEGMENTS] = {0};
    int n = split(path, segment);
    const struct resource *res;

    *ret = (struct rr_match){.place = router->n_routes};
    if (n < 0)
        return RR_NOT_FOUND;
    /* After the cut, so that an encoded slash stays part of its segment. */
    for (int i = 0; i < n; i++)
        if (rr_percent_decode(segment[i]) < 0)
            return RR_BAD_REQUEST;
    res = resource_at(router, segment, (size_t)n);
    if (!res)
        return RR_NOT_FOUND;
    ret->allow = res->allow;
    if (!res->route[method])
        return RR_METHOD_NOT_ALLOWED;
    ret->place = res->route[method] - 1;
    ret->route = router->routes[ret->place];
    return take_args(res, segment, ret) ? RR_OK : RR_BAD_REQUEST;
}

size_t rr_router_size(const struct rr_router *router)
{
    return router->n_routes;
}

const char *rr_router_pattern(const struct rr_router *router, size_t place)
{
    return place < router->n_routes ? router->routes[place]->pattern : "none";
}
