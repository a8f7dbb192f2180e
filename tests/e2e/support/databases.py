"""Both databases by hand, as administrator."""

import psycopg
import pymysql


def connect_mysql(stack):
    """The truth, each statement a transaction of its own."""
    return pymysql.connect(
        host=stack.env["RR_MYSQL_HOST"],
        port=int(stack.env["RR_MYSQL_PORT"]),
        user=stack.env["RR_MYSQL_ROOT_USER"],
        password=stack.env["RR_MYSQL_ROOT_PASSWORD"],
        database=stack.env["RR_MYSQL_DATABASE"],
        autocommit=True,
        init_command="SET time_zone = '+00:00'",
    )


def somebody_waits_for_a_lock(mysql) -> bool:
    """For that of a row; anybody, in all of MySQL."""
    with mysql.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM performance_schema.data_lock_waits")
        return cursor.fetchone()[0] > 0


def connect_postgres(stack):
    """The read model, likewise."""
    return psycopg.connect(stack.env["RR_PG_ADMIN_CONNINFO"], autocommit=True)
