/* query-svc: answers every GET from the read model, says how fresh it is, and lets a client read its own
 * write. */
#include "app.h"
#include "endpoints.h"
#include "events.h"
#include "read.h"

#include "config.h"
#include "log.h"

#include <stddef.h>

static const struct rr_config_key http_keys[] = {RR_HTTP_CONFIG(struct query_conf, http, "8090"), {0}};
static const struct rr_config_key pg_keys[] = {RR_PG_CONFIG(struct query_conf, pg), {0}};
static const struct rr_config_key own_keys[] = {
    {"RR_WAIT_MAX", RR_CFG_U32, offsetof(struct query_conf, waiters.max), "1000",
     "requests that wait for a Consistency-Token, a loop; more is 503", 0, 100000, NULL},
    {"RR_WAIT_MAX_USER", RR_CFG_U32, offsetof(struct query_conf, waiters.max_user), "100",
     "of these, those of one user; does not bind administrators", 0, 100000, NULL},
    {"RR_REQUEST_TIMEOUT_MS", RR_CFG_U32, offsetof(struct query_conf, request_timeout_ms), "5000",
     "all queries of a request together; waiting for a Consistency-Token comes on top", 10, 600000, NULL},
    {"RR_EVENTS_STREAMS", RR_CFG_U32, offsetof(struct query_conf, feed.streams), "5000",
     "open event streams, a loop; more is 503", 0, 1000000, NULL},
    {"RR_EVENTS_STREAMS_USER", RR_CFG_U32, offsetof(struct query_conf, feed.streams_user), "20",
     "of these, those of one user; does not bind administrators", 0, 1000000, NULL},
    {"RR_EVENTS_BUFFER_BYTES", RR_CFG_U32, offsetof(struct query_conf, feed.buffer_bytes), "262144",
     "what may wait for a client of events that takes too little, before it is cut off", 4096, 1073741824,
     NULL},
    {"RR_EVENTS_HEARTBEAT_S", RR_CFG_U32, offsetof(struct query_conf, feed.heartbeat_s), "15",
     "how often each event stream gets a sign of life", 1, 3600, NULL},
    {"RR_EVENTS_STREAM_S", RR_CFG_U32, offsetof(struct query_conf, feed.stream_s), "3600",
     "an event stream ends after this, so that its client comes again with a valid token", 1, 86400, NULL},
    {"RR_PUBLIC_URL", RR_CFG_TEXT, offsetof(struct query_conf, public_url), "",
     "what calendar links begin with, such as https://rooms.example.org; empty: http:// and the Host header",
     0, 0, NULL},
    {"RR_LOG_LEVEL", RR_CFG_ENUM, offsetof(struct query_conf, log_level), "info", "what is logged", 0, 0,
     rr_log_level_names},
    {0},
};
static const struct rr_config_key *const parts[] = {http_keys, pg_keys, own_keys, NULL};
static const struct rr_config_table table = {
    .program = "query-svc",
    .about = "answers queries about rooms and reservations from the read model in PostgreSQL",
    .parts = parts,
};

#define ROUTE(pattern, handler)                                                                              \
    {                                                                                                        \
        "GET", pattern, handler, sizeof(struct read), read_fini, RR_USERS                                    \
    }
static const struct rr_route routes[] = {
    ROUTE("/v1/rooms", rooms_list),
    ROUTE("/v1/rooms/popular", rooms_popular),
    ROUTE("/v1/rooms/available", rooms_available),
    ROUTE("/v1/rooms/{id}", room_get),
    ROUTE("/v1/rooms/{id}/schedule", room_schedule),
    ROUTE("/v1/rooms/{id}/free", room_free),
    ROUTE("/v1/reservations/{id}", reservation_get),
    ROUTE("/v1/reservations/{id}/history", reservation_history),
    ROUTE("/v1/users/{id}/reservations", user_reservations),
    ROUTE("/v1/users/{id}/reservation-history", user_history),
    ROUTE("/v1/statistics/busy-hours", busy_hours),
    ROUTE("/v1/projection", projection_get),
    ROUTE("/v1/users/{id}/calendar-link", calendar_link),
    {"DELETE", "/v1/users/{id}/calendar-link", calendar_link, sizeof(struct read), read_fini, RR_USERS},
    ROUTE("/v1/rooms/{id}/calendar-link", calendar_link),
    {"DELETE", "/v1/rooms/{id}/calendar-link", calendar_link, sizeof(struct read), read_fini, RR_USERS},
    {"GET", "/v1/calendars/{link}", calendar_feed, sizeof(struct read), read_fini, RR_EVERYBODY},
    {"GET", "/v1/events", events, sizeof(struct events), events_fini, RR_USERS},
    {"GET", "/readyz", readyz, sizeof(struct read), read_fini, RR_EVERYBODY},
    {0},
};

static const struct rr_operation *const operations[] = {&rooms_list_operation,
                                                        &rooms_popular_operation,
                                                        &rooms_available_operation,
                                                        &room_get_operation,
                                                        &room_schedule_operation,
                                                        &room_free_operation,
                                                        &reservation_get_operation,
                                                        &reservation_history_operation,
                                                        &user_reservations_operation,
                                                        &user_history_operation,
                                                        &busy_hours_operation,
                                                        &projection_get_operation,
                                                        &user_calendar_link_operation,
                                                        &user_calendar_revoke_operation,
                                                        &room_calendar_link_operation,
                                                        &room_calendar_revoke_operation,
                                                        &calendar_feed_operation,
                                                        &events_operation,
                                                        &readyz_operation,
                                                        NULL};

static const struct rr_openapi openapi = {
    .title = "Room reservation: queries",
    .description = "Every read from the read model; each answer says how fresh it is. Unknown query "
                   "parameters are refused by name. docs/api.md explains each call by example.",
    .operations = operations,
    .schemas = answer_schemas,
    .members = answer_members,
};

static int serve(struct query_conf *conf)
{
    const struct rr_http_service svc = {.routes = routes,
                                        .openapi = &openapi,
                                        .loop_init = query_loop_init,
                                        .loop_fini = query_loop_fini,
                                        .app = conf};
    struct rr_http *http;

    if (rr_http_start(&conf->http, &svc, &http))
        return 1;
    rr_info("stopping", "signal=%d", rr_signal_wait(http));
    rr_http_stop(http);
    rr_info("stopped", "");
    return 0;
}

int main(int argc, char **argv)
{
    struct query_conf conf = {0};
    int status;

    switch (rr_config_load(&table, &conf, argc, argv, NULL)) {
    case RR_CONFIG_OK: break;
    case RR_CONFIG_EXIT_OK: return 0;
    case RR_CONFIG_EXIT_BAD: return 2;
    }
    rr_log_init("query", (enum rr_log_level)conf.log_level);
    rr_signal_init();
    status = serve(&conf);
    rr_config_fini(&table, &conf);
    return status;
}
