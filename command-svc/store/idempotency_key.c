/* The table of idempotency keys. A key counts until its row is removed; its expiry only says when that may
 * happen. */
#include "store.h"

enum rr_db store_find_key(struct rr_mysql *db, const char *user, const char *key, struct stored_answer *ret)
{
    const struct rr_sql_in in[] = {RR_IN_TEXT(user), RR_IN_TEXT(key)};
    const struct rr_sql_out out[] = {
        {.type = RR_SQL_BYTES, .p = ret->fingerprint.b, .cap = sizeof(ret->fingerprint.b)},
        {.type = RR_SQL_UINT, .p = &ret->status},
        {.type = RR_SQL_TEXT, .p = ret->headers, .cap = sizeof(ret->headers)},
        {.type = RR_SQL_TEXT, .p = ret->body, .cap = sizeof(ret->body), .ret_len = &ret->body_len},
    };

    return rr_mysql_exec(db,
                         "SELECT fingerprint, status, headers, body FROM idempotency_key"
                         " WHERE user_id = ? AND idem_key = ?",
                         in, RR_LEN(in), out, RR_LEN(out));
}

enum rr_db store_claim_key(struct rr_mysql *db, const char *user, const char *key,
                           const struct fingerprint *f, uint32_t ttl_h)
{
    const struct rr_sql_in in[] = {RR_IN_TEXT(user), RR_IN_TEXT(key), RR_IN_BYTES(f->b, sizeof(f->b)),
                                   RR_IN_UINT(ttl_h)};

    return rr_mysql_exec(db,
                         "INSERT INTO idempotency_key (user_id, idem_key, fingerprint, expires_at)"
                         " VALUES (?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? HOUR)",
                         in, RR_LEN(in), NULL, 0);
}

enum rr_db store_keep_answer(struct rr_mysql *db, const char *user, const char *key, unsigned status,
                             const char *headers, const char *body, size_t body_len)
{
    const struct rr_sql_in in[] = {RR_IN_UINT(status),
                                   RR_IN_TEXT(headers),
                                   {.type = RR_SQL_TEXT, .p = body, .len = body_len},
                                   RR_IN_TEXT(user),
                                   RR_IN_TEXT(key)};

    return rr_mysql_exec(db,
                         "UPDATE idempotency_key SET status = ?, headers = ?, body = ?"
                         " WHERE user_id = ? AND idem_key = ?",
                         in, RR_LEN(in), NULL, 0);
}

/* SKIP LOCKED: a key that a request holds at this moment is left for the next time, and nobody waits for
 * anybody. STRAIGHT_JOIN: the other way round it would read, and lock, the whole table. */
enum rr_db store_prune_keys(struct rr_mysql *db)
{
    return rr_mysql_exec(
        db,
        "DELETE k FROM (SELECT user_id, idem_key FROM idempotency_key"
        " WHERE expires_at < UTC_TIMESTAMP(6) ORDER BY expires_at LIMIT 500 FOR UPDATE SKIP LOCKED)"
        " expired STRAIGHT_JOIN idempotency_key k USING (user_id, idem_key)",
        NULL, 0, NULL, 0);
}
