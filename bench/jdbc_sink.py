"""Debezium's JDBC sink, at work on the events of bench/project: the peer of the projector."""

import time
from pathlib import Path

from stacklib import account, connector, downloads, packages, postgres
from stacklib.connect import Connect
from stacklib.errors import StackError
from stacklib.server import write_if_changed
from stacklib.stack import REPO

NAME = "jdbc-sink"
POM = REPO / "bench/peers/jdbc-sink/pom.xml"
DATABASE, TABLE = "jdbc_sink", "reservation_event"
POLL_S = 0.25
STUCK_S = 900


class SinkWorker(Connect):
    """A worker that has this plugin instead of the project's."""

    heap = "1g"

    def __init__(self, stack, plugins: Path):
        super().__init__(stack)
        self.plugins = plugins

    def prepare(self) -> None:
        account.folder(self.folder)
        self.write_secrets()
        write_if_changed(self.settings_file, self.settings_text(self.plugins))

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.plugins]


def worker(stack) -> SinkWorker:
    log = stack.log("fetch-jdbc-sink")
    if not stack.cache.has(downloads.maven_entry(NAME, POM)):
        packages.ensure(packages.FETCH_KAFKA, stack.log("packages"), stack.cache.root / "debs")
    return SinkWorker(stack, downloads.maven(stack.cache, NAME, POM, log) / "plugins")


def configuration(stack, topic: str) -> dict[str, str]:
    """Its best settings: large polls and batches, statements of many rows. It delivers at least once, so only an upsert is right."""
    json = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics": topic,
        "connection.url": f"jdbc:postgresql://{stack.postgres.host}:{stack.postgres.port}/{DATABASE}?reWriteBatchedInserts=true",
        "connection.username": postgres.ADMIN,
        "connection.password": stack.postgres.password(postgres.ADMIN),
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": "reservation_id,version",
        "schema.evolution": "basic",
        "collection.name.format": TABLE,
        "batch.size": "5000",
        "consumer.override.max.poll.records": "5000",
        "consumer.override.max.partition.fetch.bytes": "16777216",
        "consumer.override.auto.offset.reset": "earliest",
        "key.converter": json,
        "key.converter.schemas.enable": "false",
        "value.converter": json,
        "value.converter.schemas.enable": "true",
    }


def empty(stack) -> None:
    stack.postgres.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    stack.postgres.sql(f"CREATE DATABASE {DATABASE}")


def run(stack, topic: str, rows: int) -> float:
    """Seconds from the connector's registration to its last row. It stays registered, for its CPU to be read."""
    began = time.monotonic()
    connector.call(stack, "PUT", "/config", configuration(stack, topic), NAME)
    size, grown = -1, began
    while True:
        now = time.monotonic()
        present = _size(stack)
        if present != size:
            size, grown = present, now
        elif size > 0 and int(stack.postgres.sql(f"SELECT count(*) FROM {TABLE}", DATABASE)) == rows:
            return grown - began
        if now - grown > 60 or now - began > STUCK_S:
            raise StackError("the JDBC sink does not get to the end", stack.connect.log)
        time.sleep(POLL_S)


def remove(stack) -> None:
    connector.call(stack, "DELETE", "", name=NAME)


def _size(stack) -> int:
    """Of its table, in bytes: it grows with every batch, and asking costs nothing."""
    return int(stack.postgres.sql(f"SELECT coalesce(pg_relation_size(to_regclass('{TABLE}')), 0)", DATABASE))
