#include "mysql_snapshot.h"

#include "mysql_conn.h"

enum rr_err rr_mysql_snapshot_begin(struct rr_mysql *db)
{
    static const char sql[] = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                              "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    unsigned done;

    if (mysql_conn_ready(db) != RR_OK)
        return RR_DB_UNAVAILABLE;
    if (!mysql_conn_batch(db, sql, sizeof(sql) - 1, &done)) {
        mysql_conn_failed(db, mysql_errno(db->client), mysql_error(db->client));
        mysql_conn_close(db);
        return rr_mysql_err(db) == RR_INTERNAL ? RR_INTERNAL : RR_DB_UNAVAILABLE;
    }
    db->in_tx = true;
    return RR_OK;
}

void rr_mysql_snapshot_end(struct rr_mysql *db)
{
    static const char sql[] = "COMMIT";
    unsigned done;

    if (!db->in_tx)
        return;
    db->in_tx = false;
    if (db->client && !mysql_conn_batch(db, sql, sizeof(sql) - 1, &done))
        mysql_conn_close(db);
}

bool rr_mysql_thread_begin(void)
{
    return mysql_thread_init() == 0;
}

void rr_mysql_thread_end(void)
{
    mysql_thread_end();
}
