"""The migrations of both databases go up, all the way down, and up again, in databases of their own."""

import os
import subprocess

import psycopg
import pytest
from stacklib.stack import REPO
from support.databases import connect_mysql

NAME = "migrated"


class Mysql:
    kind = "mysql"

    def __init__(self, stack):
        self.url = stack.mysql.url().replace("/reservations", f"/{NAME}")
        self.connection = connect_mysql(stack)

    def things(self) -> list:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %(name)s"
                " UNION ALL SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %(name)s"
                " UNION ALL SELECT event_name FROM information_schema.events WHERE event_schema = %(name)s"
                " UNION ALL SELECT CONCAT(grantee, ' ', table_name, ' ', privilege_type)"
                "  FROM information_schema.table_privileges WHERE table_schema = %(name)s",
                {"name": NAME},
            )
            return sorted(row[0] for row in cursor.fetchall() if row[0] != "schema_migrations")

    def close(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {NAME}")
        self.connection.close()


class Postgres:
    kind = "postgres"

    def __init__(self, stack):
        self.url = stack.postgres.url().replace("/reservations", f"/{NAME}")
        self.conninfo = stack.env["RR_PG_ADMIN_CONNINFO"]

    def things(self) -> list:
        with psycopg.connect(self.conninfo, dbname=NAME) as connection:
            rows = connection.execute(
                "SELECT n.nspname || '.' || c.relname || ' ' || COALESCE(c.relacl::text, '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relname NOT LIKE 'schema_migrations%'"
                " UNION ALL SELECT n.nspname || '.' || proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
                " UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
            ).fetchall()
        return sorted(row[0] for row in rows)

    def close(self) -> None:
        with psycopg.connect(self.conninfo, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {NAME}")


@pytest.fixture(params=[Mysql, Postgres], ids=lambda kind: kind.kind)
def database(request, stack):
    database = request.param(stack)
    yield database
    database.close()


@pytest.fixture
def dbmate(stack, database):
    folder = REPO / "migrations" / database.kind

    def run(verb: str) -> None:
        ended = subprocess.run(
            [str(stack.files.dbmate), "--migrations-dir", str(folder), "--no-dump-schema", verb],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    run.count = len(list(folder.glob("*.sql")))
    return run


def test_migrations_go_down_to_nothing_and_up_again(database, dbmate):
    dbmate("up")
    after_up = database.things()
    assert after_up
    for _ in range(dbmate.count):
        dbmate("rollback")
    assert database.things() == []
    dbmate("up")
    assert database.things() == after_up


def test_each_migration_can_be_taken_back_alone(database, dbmate):
    """Down and up again, one more each time: each down leaves what the migration before it had made."""
    dbmate("up")
    whole = database.things()
    for count in range(1, dbmate.count + 1):
        for _ in range(count):
            dbmate("rollback")
        dbmate("up")
        assert database.things() == whole, f"after the last {count}"
