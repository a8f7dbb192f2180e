/* bench-fill: loads a plan's reservations and their journal into MySQL. The triggers have to be gone.
 *
 * usage: bench-fill PORT USER DATABASE FIRST_ROOM ROOMS USERS RESERVATIONS PERCENT_CHANGED SEED TODAY
 * DAYS_PAST DAYS_AHEAD BINLOG     (the password is in MYSQL_PWD; TODAY in days since 1970)
 *
 * A few sessions beside each other, each of which loads chunk by chunk, a transaction a chunk: wherever this
 * ends, reservations and journal agree. Prints a JSON object. */
#include "fill.h"
#include "mysql_client.h"
#include "time.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

enum { SESSIONS = 2, CHUNK = 10000, REPORT_S = 5 };

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

struct source {
    const struct rr_buf *buf;
    size_t at;
};

/* What the sessions share. */
struct run {
    pthread_mutex_t lock; /* of all below */
    struct fill *fill;
    uint64_t wanted, reservations, events;
    int64_t began, told;
};

struct loader {
    struct run *run;
    pthread_t thread;
    MYSQL *client;
    struct source source;
    struct rr_buf reservations, events;
    uint64_t affected; /* by the last statement */
    unsigned warnings;
    bool failed;
};

static bool failed(const struct loader *l, const char *what)
{
    fprintf(stderr, "bench-fill: %s: %u %s\n", what, mysql_errno(l->client), mysql_error(l->client));
    return false;
}

/* ---- what LOAD DATA reads ---- */

static int source_init(void **ret, const char *name, void *arg)
{
    (void)name;
    *ret = arg;
    return 0;
}

static int source_read(void *arg, char *out, unsigned cap)
{
    struct source *s = arg;
    size_t n = s->buf->len - s->at < cap ? s->buf->len - s->at : cap;

    memcpy(out, s->buf->data + s->at, n);
    s->at += n;
    return (int)n;
}

static void source_end(void *arg)
{
    (void)arg;
}

static int source_error(void *arg, char *out, unsigned cap)
{
    (void)arg;
    snprintf(out, cap, "nothing goes wrong in memory");
    return 0;
}

/* ---- statements ---- */

static bool execute(struct loader *l, const char *sql)
{
    if (mysql_real_query(l->client, sql, strlen(sql)))
        return failed(l, sql);
    l->affected = mysql_affected_rows(l->client);
    l->warnings = mysql_warning_count(l->client);
    return true;
}

/* LOCAL means IGNORE: what the server does not take is only counted. */
static bool load(struct loader *l, const char *sql, const struct rr_buf *buf, uint64_t rows)
{
    l->source = (struct source){.buf = buf};
    if (buf->failed || !execute(l, sql))
        return false;
    if (l->affected == rows && l->warnings == 0)
        return true;
    fprintf(stderr, "bench-fill: of %" PRIu64 " rows %" PRIu64 " were taken, with %u warnings\n", rows,
            l->affected, l->warnings);
    return false;
}

static bool open_session(struct loader *l, char **argv, bool binlog)
{
    unsigned on = 1, tcp = MYSQL_PROTOCOL_TCP;

    l->client = mysql_init(NULL);
    mysql_options(l->client, MYSQL_OPT_PROTOCOL, &tcp);
    mysql_options(l->client, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_client_no_tls(l->client);
    if (!mysql_real_connect(l->client, "127.0.0.1", argv[2], getenv("MYSQL_PWD"), argv[3],
                            (unsigned)atoi(argv[1]), NULL, 0))
        return failed(l, "connecting");
    mysql_set_local_infile_handler(l->client, source_init, source_read, source_end, source_error, &l->source);
    return execute(l, "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 0, foreign_key_checks = 0,"
                      " transaction_isolation = 'READ-COMMITTED'") &&
           (binlog || execute(l, "SET sql_log_bin = 0"));
}

/* ---- the work ---- */

static uint64_t next_chunk(struct loader *l, uint64_t *ret_events)
{
    struct run *r = l->run;
    uint64_t rows = 0;

    *ret_events = 0;
    rr_buf_reset(&l->reservations);
    rr_buf_reset(&l->events);
    pthread_mutex_lock(&r->lock);
    for (unsigned n = 1; rows < CHUNK && n && !ended; rows += n > 0)
        *ret_events += n = fill_next(r->fill, &l->reservations, &l->events);
    pthread_mutex_unlock(&r->lock);
    return rows;
}

static void count(struct run *r, uint64_t reservations, uint64_t events)
{
    int64_t now = rr_time_monotonic();

    pthread_mutex_lock(&r->lock);
    r->reservations += reservations;
    r->events += events;
    if (now - r->told > REPORT_S * RR_US_PER_SEC) {
        r->told = now;
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " reservations, %.0f/s\n", r->reservations, r->wanted,
                (double)r->reservations * (double)RR_US_PER_SEC / (double)(now - r->began));
    }
    pthread_mutex_unlock(&r->lock);
}

static void *work(void *arg)
{
    struct loader *l = arg;
    uint64_t rows, n_events;

    mysql_thread_init();
    while (!l->failed && (rows = next_chunk(l, &n_events)) > 0) {
        l->failed = !load(l,
                          "LOAD DATA LOCAL INFILE 'r' INTO TABLE reservation CHARACTER SET "
                          "utf8mb4 " FILL_RESERVATION_COLUMNS,
                          &l->reservations, rows) ||
                    !load(l,
                          "LOAD DATA LOCAL INFILE 'e' INTO TABLE reservation_event CHARACTER SET "
                          "utf8mb4 " FILL_EVENT_COLUMNS,
                          &l->events, n_events) ||
                    !execute(l, "COMMIT");
        if (l->failed)
            ended = 1;
        else
            count(l->run, rows, n_events);
    }
    mysql_thread_end();
    return NULL;
}

static bool load_all(struct run *r, char **argv, bool binlog)
{
    struct loader loaders[SESSIONS] = {0};
    bool ok = true;

    for (unsigned i = 0; i < SESSIONS; i++) {
        loaders[i].run = r;
        ok = ok && open_session(&loaders[i], argv, binlog);
    }
    for (unsigned i = 0; ok && i < SESSIONS; i++)
        if (pthread_create(&loaders[i].thread, NULL, work, &loaders[i]))
            abort();
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (loaders[i].thread)
            pthread_join(loaders[i].thread, NULL);
        ok = ok && !loaders[i].failed;
        mysql_close(loaders[i].client);
        rr_buf_fini(&loaders[i].reservations);
        rr_buf_fini(&loaders[i].events);
    }
    return ok && !ended;
}

int main(int argc, char **argv)
{
    struct run r = {.began = rr_time_monotonic(), .told = rr_time_monotonic()};
    struct fill_plan plan;
    bool ok;

    if (argc != 14) {
        fprintf(stderr, "bench-fill: see the top of fill.c for the arguments\n");
        return 2;
    }
    plan = (struct fill_plan){.first_room = strtoull(argv[4], NULL, 10),
                              .rooms = (unsigned)atoi(argv[5]),
                              .users = (unsigned)atoi(argv[6]),
                              .reservations = strtoull(argv[7], NULL, 10),
                              .percent_changed = (unsigned)atoi(argv[8]),
                              .seed = strtoull(argv[9], NULL, 10),
                              .today = atoi(argv[10]) * RR_US_PER_DAY,
                              .days_past = (unsigned)atoi(argv[11]),
                              .days_ahead = (unsigned)atoi(argv[12])};
    r.wanted = plan.reservations;
    r.fill = fill_new(&plan);
    if (!r.fill) {
        fprintf(stderr, "bench-fill: so many do not fit into these rooms and days\n");
        return 1;
    }
    pthread_mutex_init(&r.lock, NULL);
    /* Nobody brings the triggers back before the last of us has ended. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTERM, end);
    signal(SIGINT, end);
    mysql_library_init(0, NULL, NULL);
    ok = load_all(&r, argv, atoi(argv[13]));
    printf("{\"reservations\": %" PRIu64 ", \"events\": %" PRIu64 ", \"seconds\": %.3f}\n", r.reservations,
           r.events, (double)(rr_time_monotonic() - r.began) / (double)RR_US_PER_SEC);
    pthread_mutex_destroy(&r.lock);
    fill_free(r.fill);
    return ok ? 0 : 1;
}
