#include "store.h"

enum rr_db store_probe(struct rr_mysql *db)
{
    return rr_mysql_exec(db,
                         "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM room LIMIT 1) a)"
                         " + (SELECT COUNT(*) FROM (SELECT 1 FROM reservation LIMIT 1) b)"
                         " + (SELECT COUNT(*) FROM (SELECT 1 FROM idempotency_key LIMIT 1) c)"
                         " FROM DUAL WHERE NOT @@GLOBAL.read_only",
                         NULL, 0, NULL, 0);
}
