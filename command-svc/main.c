/* command-svc: takes every write, and answers strong reads, from MySQL. Wires settings, pool, routes and the
 * HTTP service. */
#include "app.h"
#include "endpoints.h"
#include "log.h"
#include "render.h"

#include <errno.h>

#define CONF(member) offsetof(struct app_conf, member)

static const struct rr_config_key service_keys[] = {
    RR_HTTP_CONFIG(struct app_conf, http, "8080"),
    {"RR_REQUEST_TIMEOUT_MS", RR_CFG_U32, CONF(request_timeout_ms), "8000",
     "a command that has not come to its end after this is given up with 503", 100, 600000, NULL},
    {"RR_LOG_LEVEL", RR_CFG_ENUM, CONF(log_level), "info", "what is logged", 0, 0, rr_log_level_names},
    {0},
};

static const struct rr_config_key mysql_keys[] = {RR_MYSQL_CONFIG(struct app_conf, mysql), {0}};

static const struct rr_config_key rule_keys[] = {
    {"RR_RULES_MAX_DAYS", RR_CFG_U32, CONF(rules.max_days), "31",
     "longest reservation; the database refuses more than 31", 1, 31, NULL},
    {"RR_RULES_HORIZON_DAYS", RR_CFG_U32, CONF(rules.horizon_days), "730",
     "how far ahead a reservation may start", 1, 36500, NULL},
    {"RR_RULES_PAST_GRACE_S", RR_CFG_U32, CONF(rules.past_grace_s), "300", "how long ago a new start may be",
     0, 86400, NULL},
    {"RR_IDEMPOTENCY_TTL_H", RR_CFG_U32, CONF(idempotency_ttl_h), "24",
     "how long an Idempotency-Key is kept at least", 24, 8760, NULL},
    {"RR_IDEMPOTENCY_PRUNE_S", RR_CFG_U32, CONF(idempotency_prune_s), "60",
     "how often keys that have expired are looked for, to be removed in batches of 500", 1, 86400, NULL},
    {0},
};

static const struct rr_config_key *const config_parts[] = {service_keys, mysql_keys, rule_keys, NULL};

static const struct rr_config_table config_table = {
    .program = "command-svc",
    .about = "takes the writes of the room reservation service, with MySQL as the truth",
    .parts = config_parts,
};

static const struct rr_route routes[] = {
    {"POST", "/v1/rooms", room_create, sizeof(struct room_create), command_fini, RR_ADMINS},
    {"PATCH", "/v1/rooms/{id}", room_patch, sizeof(struct room_patch), command_fini, RR_ADMINS},
    {"GET", "/v1/rooms/{id}", room_get, sizeof(struct room_get), NULL, RR_USERS},
    {"POST", "/v1/reservations", reservation_create, sizeof(struct reservation_create), command_fini,
     RR_USERS},
    {"PATCH", "/v1/reservations/{id}", reservation_patch, sizeof(struct reservation_patch), command_fini,
     RR_USERS},
    {"GET", "/v1/reservations/{id}", reservation_get, sizeof(struct reservation_get), NULL, RR_USERS},
    {"POST", "/v1/reservations/{id}/cancellation", reservation_cancel, sizeof(struct reservation_cancel),
     command_fini, RR_USERS},
    {"GET", "/readyz", readyz, sizeof(struct read), NULL, RR_EVERYBODY},
    {0},
};

static const struct rr_operation *const operations[] = {&room_create_operation,
                                                        &room_patch_operation,
                                                        &room_get_operation,
                                                        &reservation_create_operation,
                                                        &reservation_patch_operation,
                                                        &reservation_get_operation,
                                                        &reservation_cancel_operation,
                                                        &readyz_operation,
                                                        NULL};

static const struct rr_openapi openapi = {
    .title = "Room reservation: commands",
    .description = "Every write, and strong reads from the truth. Unknown fields and query parameters are "
                   "refused by name. docs/api.md explains each call by example.",
    .operations = operations,
    .schemas = answer_schemas,
};

static enum rr_err loop_init(struct rr_loop *l, void *app_ptr, void **ret_loop_app)
{
    struct app *app = app_ptr;

    *ret_loop_app = app;
    return rr_loop_index(l) == 0 ? prune_start(&app->prune, l, app->pool, app->conf.idempotency_prune_s)
                                 : RR_OK;
}

static void loop_fini(struct rr_loop *l, void *app_ptr)
{
    struct app *app = app_ptr;

    if (rr_loop_index(l) == 0)
        prune_stop(&app->prune);
}

static int serve(struct app *app)
{
    const struct rr_http_service service = {
        .routes = routes, .openapi = &openapi, .loop_init = loop_init, .loop_fini = loop_fini, .app = app};
    const uint32_t request_s = (app->conf.request_timeout_ms + 999) / 1000;
    struct rr_http *http;
    int rc;

    /* No longer than the request may take, and then neither is MySQL's answer. */
    if (app->conf.mysql.lock_timeout_s > request_s)
        app->conf.mysql.lock_timeout_s = request_s;
    if (rr_mysql_pool_new(&app->conf.mysql, &app->pool)) {
        rr_error("the MySQL workers cannot be started", "");
        return EXIT_FAILURE;
    }
    rc = rr_http_start(&app->conf.http, &service, &http);
    if (!rc) {
        int signal = rr_signal_wait(http);

        rr_info("stopping", "signal=%d", signal);
        rr_http_stop(http);
    }
    rr_mysql_pool_free(app->pool);
    rr_info("stopped", "");
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct app app = {0};
    int status;

    switch (rr_config_load(&config_table, &app.conf, argc, argv, NULL)) {
    case RR_CONFIG_OK: break;
    case RR_CONFIG_EXIT_OK: return 0;
    case RR_CONFIG_EXIT_BAD: return 2;
    }
    rr_signal_init();
    rr_log_init("command", (enum rr_log_level)app.conf.log_level);
    rr_log_collect();
    status = serve(&app);
    rr_config_fini(&config_table, &app.conf);
    return status;
}
