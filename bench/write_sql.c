#include "mysql_client.h"
#include "uuid.h"
#include "write.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN  "SET @rr_actor = 'bench', @rr_reason = NULL, @rr_trace_id = NULL; START TRANSACTION"
#define COMMIT "COMMIT; SET @rr_actor = NULL, @rr_reason = NULL, @rr_trace_id = NULL"
/* What the service keeps under a key is about this long. */
#define KEPT_HEADERS                                                                                         \
    "Location: /v1/reservations/019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\nETag: \"1\"\nConsistency-Token: "      \
    "AQGa1MBbHnxDnFU8H20qfhAAAAABBfDEgA\n"
#define KEPT_BODY                                                                                            \
    "{\"id\":\"019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10\",\"room_id\":1,\"user_id\":\"bench\",\"title\":null,"   \
    "\"starts_at\":\"2026-12-01T09:00:00Z\",\"ends_at\":\"2026-12-01T10:00:00Z\",\"state\":\"confirmed\","   \
    "\"version\":1,\"created_at\":\"2026-11-22T13:00:00.123456Z\",\"updated_at\":\"2026-11-22T13:00:00."     \
    "123456Z\"}"

/* The service's statements in its order. `in`: which value each parameter is, see bind(). */
static const struct step {
    const char *sql, *in;
    bool keyed;
} steps[] = {
    {"SELECT fingerprint, status, headers, body FROM idempotency_key WHERE user_id = ? AND idem_key = ?",
     "uk", true},
    {"SELECT id, active FROM room WHERE id IN (?, ?) ORDER BY id FOR UPDATE", "rr", false},
    {"INSERT INTO idempotency_key (user_id, idem_key, fingerprint, expires_at)"
     " VALUES (?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL 48 HOUR)",
     "uki", true},
    {"INSERT INTO reservation (id, room_id, user_id, title, starts_at, ends_at) VALUES (?, ?, ?, NULL, ?, ?)",
     "iruse", false},
    {"SELECT id, room_id, user_id, title, starts_at, ends_at, state, version, created_at, updated_at"
     " FROM reservation WHERE id = ?",
     "i", false},
    {"UPDATE idempotency_key SET status = 201, headers = ?, body = ? WHERE user_id = ? AND idem_key = ?",
     "hbuk", true},
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

struct run {
    const struct plan *plan;
    const struct account *account;
    struct sample *sample;
    pthread_mutex_t lock; /* of all below, and of the sample */
    uint64_t n;
    int64_t *queue; /* a ring: since when each client waits */
    unsigned first, waiting;
};

struct session {
    struct run *run;
    pthread_t thread;
    MYSQL *client;
    MYSQL_STMT *stmts[N_STEPS];
    /* the values of the next booking; bound once */
    unsigned long long room;
    struct rr_uuid id;
    char key[RR_UUID_TEXT];
    MYSQL_TIME starts_at, ends_at;
};

static void die(MYSQL *c)
{
    fprintf(stderr, "bench-write: %u %s\n", mysql_errno(c), mysql_error(c));
    exit(1);
}

static void bind(struct session *s, char value, MYSQL_BIND *b)
{
    const char *text = NULL;

    switch (value) {
    case 'u': text = "bench"; break;
    case 'k': text = s->key; break;
    case 'h': text = KEPT_HEADERS; break;
    case 'b': text = KEPT_BODY; break;
    case 'r': *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &s->room}; break;
    case 'i':
        *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_BLOB, .buffer = s->id.b, .buffer_length = 16};
        break;
    case 's': *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &s->starts_at}; break;
    default: *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &s->ends_at}; break;
    }
    if (text)
        *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                          .buffer = (void *)text,
                          .buffer_length = value == 'k' ? sizeof(s->key) - 1 : strlen(text)};
}

static void prepare(struct session *s, size_t i)
{
    MYSQL_BIND binds[8] = {0};
    size_t n = strlen(steps[i].in);

    for (size_t k = 0; k < n; k++)
        bind(s, steps[i].in[k], &binds[k]);
    s->stmts[i] = mysql_stmt_init(s->client);
    if (!s->stmts[i] || mysql_stmt_prepare(s->stmts[i], steps[i].sql, strlen(steps[i].sql)) ||
        mysql_stmt_bind_param(s->stmts[i], binds))
        die(s->client);
}

static bool batch(MYSQL *c, const char *sql)
{
    int more;

    if (mysql_real_query(c, sql, strlen(sql)))
        return false;
    while ((more = mysql_next_result(c)) == 0)
        ;
    return more < 0;
}

static void open_session(struct session *s)
{
    const struct account *a = s->run->account;
    unsigned tcp = MYSQL_PROTOCOL_TCP;

    s->client = mysql_init(NULL);
    mysql_options(s->client, MYSQL_OPT_PROTOCOL, &tcp);
    mysql_client_no_tls(s->client);
    if (!mysql_real_connect(s->client, "127.0.0.1", a->user, a->password, a->database, a->port, NULL,
                            CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS) ||
        !batch(s->client,
               "SET NAMES utf8mb4, time_zone = '+00:00', transaction_isolation = 'READ-COMMITTED'"))
        die(s->client);
    for (size_t i = 0; i < N_STEPS; i++)
        prepare(s, i);
}

static MYSQL_TIME time_of(int64_t us)
{
    MYSQL_TIME t = {.time_type = MYSQL_TIMESTAMP_DATETIME};
    int year;

    rr_civil_from_days(us / RR_US_PER_DAY, &year, &t.month, &t.day);
    t.year = (unsigned)year;
    t.hour = (unsigned)(us % RR_US_PER_DAY / RR_US_PER_HOUR);
    t.minute = (unsigned)(us % RR_US_PER_HOUR / RR_US_PER_MIN);
    return t;
}

static bool book(struct session *s, struct slot slot)
{
    s->room = slot.room;
    s->id = rr_uuid_v7();
    rr_uuid_format(&s->id, s->key);
    s->starts_at = time_of(slot.starts_at);
    s->ends_at = time_of(slot.ends_at);
    if (!batch(s->client, BEGIN))
        return false;
    for (size_t i = 0; i < N_STEPS; i++) {
        if (steps[i].keyed && !s->run->plan->keyed)
            continue;
        if (mysql_stmt_execute(s->stmts[i]) || mysql_stmt_store_result(s->stmts[i])) {
            fprintf(stderr, "bench-write: %s\n", mysql_stmt_error(s->stmts[i]));
            batch(s->client, "ROLLBACK");
            return false;
        }
        mysql_stmt_free_result(s->stmts[i]);
    }
    return batch(s->client, COMMIT);
}

static void *work(void *arg)
{
    struct session *s = arg;
    struct run *r = s->run;
    unsigned clients = r->plan->clients;

    mysql_thread_init();
    pthread_mutex_lock(&r->lock);
    for (;;) {
        /* There are never fewer clients than sessions: whoever looks here finds one that waits. */
        int64_t began = r->queue[r->first];
        struct slot slot = slot_at(&r->plan->slots, r->n++);
        int64_t ended;
        bool ok;

        r->first = (r->first + 1) % clients;
        r->waiting--;
        pthread_mutex_unlock(&r->lock);
        ok = book(s, slot);
        ended = rr_time_monotonic();
        pthread_mutex_lock(&r->lock);
        sample_add(r->sample, began, ended, ok);
        if (ended >= r->sample->until)
            break;
        r->queue[(r->first + r->waiting++) % clients] = ended;
    }
    pthread_mutex_unlock(&r->lock);
    mysql_thread_end();
    return NULL;
}

void write_sql(const struct plan *p, const struct account *a, unsigned connections, struct sample *s)
{
    unsigned n = p->clients < connections ? p->clients : connections;
    struct run r = {.plan = p, .account = a, .sample = s, .waiting = p->clients};
    struct session *sessions = calloc(n, sizeof(sessions[0]));

    r.queue = calloc(p->clients, sizeof(r.queue[0]));
    if (!sessions || !r.queue || mysql_library_init(0, NULL, NULL))
        exit(1);
    pthread_mutex_init(&r.lock, NULL);
    for (unsigned i = 0; i < n; i++) {
        sessions[i].run = &r;
        open_session(&sessions[i]);
    }
    for (unsigned i = 0; i < p->clients; i++)
        r.queue[i] = rr_time_monotonic();
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&sessions[i].thread, NULL, work, &sessions[i]))
            exit(1);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(sessions[i].thread, NULL);
        for (size_t k = 0; k < N_STEPS; k++)
            mysql_stmt_close(sessions[i].stmts[k]);
        mysql_close(sessions[i].client);
    }
    pthread_mutex_destroy(&r.lock);
    free(r.queue);
    free(sessions);
}
