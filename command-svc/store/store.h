/* The statements of command-svc, one file an operation. Each returns as rr_mysql_exec() does: FATAL, RETRY,
 * NONE, ONE.
 *
 * Texts live in the structs themselves, so that reading a row allocates nothing; sizes are those of the
 * columns, four bytes a character. */
#pragma once

#include "idempotency.h"
#include "mysql.h"
#include "uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE (200 * 4 + 1)
#define USER_SIZE (128 * 4 + 1)

/* Ends the calling function unless the statement found or did something. */
#define STORE_TRY(end)                                                                                       \
    do {                                                                                                     \
        enum rr_db store_end_ = (end);                                                                       \
        if (store_end_ != RR_DB_ONE)                                                                         \
            return store_end_;                                                                               \
    } while (0)

struct room {
    uint64_t id;
    char name[NAME_SIZE], location[NAME_SIZE];
    bool no_location;
    uint64_t capacity, active, version;
    int64_t created_at, updated_at;
};

struct reservation {
    struct rr_uuid id;
    uint64_t room_id;
    char user_id[USER_SIZE], title[NAME_SIZE];
    bool no_title;
    int64_t starts_at, ends_at;
    char state[17];
    uint64_t version;
    int64_t created_at, updated_at;
};

/* ---- rooms ---- */
struct locked_room {
    uint64_t id, active;
};
struct locked_rooms {
    size_t n;
    struct locked_room rooms[2];
};
/* Locks the rooms `a` and `b` (the same one: one room) in the order of their ids, the only order in which two
 * writers cannot wait for each other. ONE also when there is no such room: `ret` holds those that there are.
 */
enum rr_db store_lock_rooms(struct rr_mysql *db, uint64_t a, uint64_t b, struct locked_rooms *ret);
enum rr_db store_read_room(struct rr_mysql *db, uint64_t id, struct room *ret);
enum rr_db store_lock_room(struct rr_mysql *db, uint64_t id,
                           struct room *ret);                         /* the whole row, for its change */
enum rr_db store_insert_room(struct rr_mysql *db, struct room *room); /* sets room->id */
enum rr_db store_update_room(struct rr_mysql *db, const struct room *room);
/* Whether the last statement failed since another room has the name. */
bool store_room_name_taken(const struct rr_mysql *db);
/* Likewise: of the name's characters none counts. */
bool store_room_name_empty(const struct rr_mysql *db);

/* ---- reservations ---- */
enum rr_db store_read_reservation(struct rr_mysql *db, const struct rr_uuid *id, struct reservation *ret);
enum rr_db store_lock_reservation(struct rr_mysql *db, const struct rr_uuid *id, struct reservation *ret);
/* Which room it is in, as committed now: which room to lock is only known after this, and may have changed
 * after the lock. */
enum rr_db store_read_reservation_room(struct rr_mysql *db, const struct rr_uuid *id, uint64_t *ret_room_id);
enum rr_db store_insert_reservation(struct rr_mysql *db, const struct reservation *new);
enum rr_db store_update_reservation(struct rr_mysql *db, const struct reservation *changed);
enum rr_db store_cancel_reservation(struct rr_mysql *db, const struct rr_uuid *id);
/* Whether the last statement failed since the triggers found an overlap. It has then changed nothing; the
 * transaction goes on. */
bool store_slot_taken(const struct rr_mysql *db);

#define CONFLICTS_MAX 20

struct conflicts {
    size_t n; /* CONFLICTS_MAX + 1: there are more */
    struct {
        int64_t starts_at, ends_at;
    } items[CONFLICTS_MAX + 1];
};
/* What overlaps `wanted` in its room, itself left out, earliest first. Under the room's lock. */
enum rr_db store_read_conflicts(struct rr_mysql *db, const struct reservation *wanted, struct conflicts *ret);

/* ---- what may be had instead; asked without a lock, so another may be faster ---- */
struct next_free {
    bool found;
    int64_t starts_at, ends_at;
};
/* The first time from `from`, where a reservation ends, and from `earliest` on, and no later than `latest`,
 * when the room of `wanted` is free for as long as `wanted` lasts, itself left out. NONE, and not found:
 * there is none among the next 5,456 reservations. */
enum rr_db store_find_next_free(struct rr_mysql *db, const struct reservation *wanted, int64_t from,
                                int64_t earliest, int64_t latest, struct next_free *ret);

#define ALTERNATIVES_MAX 5

struct alternatives {
    size_t n;
    struct {
        uint64_t id;
        char name[NAME_SIZE];
    } rooms[ALTERNATIVES_MAX];
};
/* Rooms that take reservations, hold as many people as the room of `wanted`, and are free at its time; the
 * smallest first, looked for among the 64 next larger ones. */
enum rr_db store_find_alternatives(struct rr_mysql *db, const struct reservation *wanted,
                                   struct alternatives *ret);

/* ---- idempotency keys ---- */
struct stored_answer {
    struct fingerprint fingerprint;
    uint64_t status;
    char headers[1001];
    char body[8193];
    size_t body_len;
};
enum rr_db store_find_key(struct rr_mysql *db, const char *user, const char *key, struct stored_answer *ret);
enum rr_db store_claim_key(struct rr_mysql *db, const char *user, const char *key,
                           const struct fingerprint *f, uint32_t ttl_h);
/* After a claim that has failed: another request has claimed the key and committed; or it holds it and did
 * not end in time. */
bool store_key_taken(const struct rr_mysql *db);
bool store_key_in_progress(const struct rr_mysql *db);
enum rr_db store_keep_answer(struct rr_mysql *db, const char *user, const char *key, unsigned status,
                             const char *headers, const char *body, size_t body_len);
/* Removes up to 500 keys that have expired and that nobody holds; NONE: there were none. */
enum rr_db store_prune_keys(struct rr_mysql *db);

/* ---- health ---- */
/* Reads from each table that a command needs. NONE: MySQL is read_only. */
enum rr_db store_probe(struct rr_mysql *db);
