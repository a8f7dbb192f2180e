/* projector: keeps the read model in PostgreSQL equal to the truth in MySQL, from the changes that Debezium
 * writes to Kafka. */
#include "config.h"
#include "dead_letters_verb.h"
#include "health.h"
#include "log.h"
#include "rebuild.h"
#include "run.h"
#include "status.h"
#include "verify_verb.h"
#include "watch.h"

#include <stdio.h>
#include <string.h>

struct conf {
    struct rr_http_conf http;
    struct run_conf run;
    int synchronous_commit, log_level;
    uint32_t ready_lag_ms, verify_interval_s, verify_again_s;
};

static const char *const off_on[] = {"off", "on", NULL};

static const struct rr_config_key keys[] = {
    {"RR_PG_CONNINFO", RR_CFG_SECRET, offsetof(struct conf, run.store.conninfo), NULL,
     "libpq connection string of the read model", 0, 0, NULL},
    {"RR_PG_TIMEOUT_MS", RR_CFG_U32, offsetof(struct conf, run.store.timeout_ms), "60000",
     "PostgreSQL's answer to a batch is given up after this", 1000, 3600000, NULL},
    {"RR_PG_SYNCHRONOUS_COMMIT", RR_CFG_ENUM, offsetof(struct conf, synchronous_commit), "on",
     "off: commits do not wait for the disk; after a crash of PostgreSQL as_of may move back", 0, 0, off_on},
    RR_KAFKA_CONFIG(struct conf, run.kafka),
    {"RR_BATCH_EVENTS", RR_CFG_U32, offsetof(struct conf, run.batch_events), "20000",
     "most messages applied in one transaction", 1, 100000, NULL},
    {"RR_BREAKER_EVENTS", RR_CFG_U32, offsetof(struct conf, run.breaker.events), "100",
     "more than so many events parked within the window: nothing more is applied", 0, 1000000, NULL},
    {"RR_BREAKER_WINDOW_S", RR_CFG_U32, offsetof(struct conf, run.breaker.window_s), "300",
     "the window of RR_BREAKER_EVENTS", 1, 86400, NULL},
    {"RR_READY_LAG_MS", RR_CFG_U32, offsetof(struct conf, ready_lag_ms), "4000",
     "not ready when as_of is older than this; pulses come every second", 1000, 86400000, NULL},
    {"RR_VERIFY_INTERVAL_S", RR_CFG_U32, offsetof(struct conf, verify_interval_s), "86400",
     "the read model is compared with the truth so often; 0: never by itself", 0, 0, NULL},
    {"RR_VERIFY_AGAIN_S", RR_CFG_U32, offsetof(struct conf, verify_again_s), "600",
     "so soon after a comparison that failed or found differences comes the next one", 1, 86400, NULL},
    {"RR_LOG_LEVEL", RR_CFG_ENUM, offsetof(struct conf, log_level), "info", "what is logged", 0, 0,
     rr_log_level_names},
    RR_HTTP_CONFIG(struct conf, http, "8070"),
    {.key = NULL},
};

/* What compares the read model with the truth reads MySQL. */
static const struct rr_config_key mysql_keys[] = {RR_MYSQL_CONFIG(struct conf, run.mysql), {.key = NULL}};

static const struct rr_config_key *const key_parts[] = {keys, mysql_keys, NULL};

static const struct rr_config_table table = {
    .program = "projector",
    .about = "applies the changes in Kafka to the read model in PostgreSQL",
    .usage = "run | status [--json] | verify [--repair] [--json] | rebuild [--rollback] [--json] |\n"
             "       dead-letters list [--json] | show ID [--json] | retry ID | retry --all |"
             " skip ID --reason TEXT | resume",
    .parts = key_parts,
};

static enum rr_err loop_init(struct rr_loop *l, void *app, void **ret_loop_app)
{
    (void)l;
    *ret_loop_app = app;
    return RR_OK;
}

static struct verify_conf verify_conf_of(const struct conf *conf)
{
    return (struct verify_conf){
        .store = &conf->run.store, .kafka = &conf->run.kafka, .mysql = &conf->run.mysql};
}

static int serve(const struct conf *conf)
{
    static const struct rr_route routes[] = {
        {.method = "GET", .pattern = "/readyz", .handle = readyz, .may = RR_EVERYBODY},
        {.method = NULL},
    };
    struct health health;
    struct rr_http_service service = {.routes = routes, .loop_init = loop_init, .app = &health};
    const struct verify_conf verify_conf = verify_conf_of(conf);
    struct rr_http *http;
    struct watch *watch;
    struct run *run;
    int err;

    rr_signal_init();
    health_init(&health, conf->ready_lag_ms);
    if (rr_http_start(&conf->http, &service, &http) != 0)
        return 1;
    err = run_start(&conf->run, &health, &run);
    if (err == 0) {
        err = watch_start(&verify_conf, conf->verify_interval_s, conf->verify_again_s, &watch);
        if (err == 0) {
            rr_info("started", "port=%u", rr_http_port(http));
            rr_info("stopping", "signal=%d", rr_signal_wait(http));
            watch_stop(watch);
        }
        run_stop(run);
    }
    if (err != 0)
        rr_error("cannot start", "reason=%s", RR_Q(strerror(-err)));
    rr_http_stop(http);
    return err != 0;
}

/* What belongs to a verb and is no setting. */
struct options {
    bool as_json, repairing, rolling_back, all;
    const char *reason; /* NULL: not there */
};

/* Takes a flag out of the arguments. */
static bool take_flag(int *argc, char **argv, const char *flag)
{
    bool found = false;
    int n = 0;

    for (int i = 0; i < *argc; i++)
        if (strcmp(argv[i], flag) == 0)
            found = true;
        else
            argv[n++] = argv[i];
    argv[n] = NULL;
    *argc = n;
    return found;
}

/* The same of `--name TEXT` and `--name=TEXT`; NULL if it is not there. */
static const char *take_text(int *argc, char **argv, const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);
    int n = 0;

    for (int i = 0; i < *argc; i++)
        if (strcmp(argv[i], name) == 0 && i + 1 < *argc)
            found = argv[++i];
        else if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            found = argv[i] + len + 1;
        else
            argv[n++] = argv[i];
    argv[n] = NULL;
    *argc = n;
    return found;
}

static int dead_letters(const struct conf *conf, char **words, int n, const struct options *o)
{
    const struct retry_conf retry_conf = {.store = &conf->run.store, .mysql = &conf->run.mysql};

    return dead_letters_verb(&retry_conf, &(struct dead_letters_call){.what = n > 1 ? words[1] : NULL,
                                                                      .id = n > 2 ? words[2] : NULL,
                                                                      .reason = o->reason,
                                                                      .all = o->all,
                                                                      .as_json = o->as_json});
}

static int run_verb(const struct conf *conf, char **words, int n, const struct options *o)
{
    const struct verify_conf verify_conf = verify_conf_of(conf);
    const char *verb = n > 0 ? words[0] : "";
    bool none = !o->all && !o->reason && n == 1;

    if (strcmp(verb, "dead-letters") == 0 && !o->repairing && !o->rolling_back && n <= 3)
        return dead_letters(conf, words, n, o);
    if (strcmp(verb, "run") == 0 && none && !o->as_json && !o->repairing && !o->rolling_back)
        return serve(conf);
    if (strcmp(verb, "status") == 0 && none && !o->repairing && !o->rolling_back)
        return status(&conf->run.store, &conf->run.kafka, o->as_json);
    if (strcmp(verb, "verify") == 0 && none && !o->rolling_back)
        return verify_verb(&verify_conf, o->repairing, o->as_json);
    if (strcmp(verb, "rebuild") == 0 && none && !o->repairing)
        return rebuild_verb(&(struct rebuild_conf){.run = &conf->run, .mysql = &conf->run.mysql},
                            o->rolling_back, o->as_json);
    fprintf(stderr, "projector: one of these is expected: %s\n", table.usage);
    return 2;
}

int main(int argc, char **argv)
{
    struct conf conf = {.log_level = 0};
    const struct options options = {.as_json = take_flag(&argc, argv, "--json"),
                                    .repairing = take_flag(&argc, argv, "--repair"),
                                    .rolling_back = take_flag(&argc, argv, "--rollback"),
                                    .all = take_flag(&argc, argv, "--all"),
                                    .reason = take_text(&argc, argv, "--reason")};
    int words = 0, end;

    switch (rr_config_load(&table, &conf, argc, argv, &words)) {
    case RR_CONFIG_OK: break;
    case RR_CONFIG_EXIT_OK: rr_config_fini(&table, &conf); return 0;
    case RR_CONFIG_EXIT_BAD: rr_config_fini(&table, &conf); return 2;
    }
    conf.run.store.synchronous_commit = conf.synchronous_commit;
    rr_log_init("projector", (enum rr_log_level)conf.log_level);
    end = run_verb(&conf, argv + 1, words, &options);
    rr_config_fini(&table, &conf);
    return end;
}
