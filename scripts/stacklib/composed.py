"""The steps between the servers of docker-compose.yml: each is a container that does it and ends.

    python3 -m stacklib.composed prepare           passwords and settings, into the volumes of those who read them
    python3 -m stacklib.composed migrate-mysql     and the others: as scripts/up does it

A step's folder is /state. What must outlive it is a volume there or below; the passwords it needs, and no others, are
mounted where a stack keeps its own.
"""

import os
import sys
from pathlib import Path

from . import connect, connector, demo, migrations, mysql, postgres
from .errors import StackError
from .ports import DEFAULT
from .stack import Stack

STATE = Path("/state")
# One folder, a volume, for each who reads them.
SECRETS = Path("/secrets")
SETTINGS = Path("/settings")

# Inside, each server has a host of its own, and so the port that it is known by.
PORTS = {
    "gateway": 8000,
    "command-svc": 8080,
    "query-svc": 8090,
    "projector": 8070,
    "mysql": 3306,
    "postgres": 5432,
    "kafka": 9092,
    "kafka-controller": 9093,
    "connect": 8083,
}
# Where the images of Kafka and of Debezium have them.
KAFKA_DATA = Path("/var/lib/kafka/data")
CONNECT_PLUGINS = Path("/kafka/connect")
# Where docker-compose.yml mounts a server's volume of passwords.
CONNECT_SECRETS = Path("/run/secrets") / connect.SECRETS

# What psql reads instead of a .pgpass, which would have to be the reader's own file.
_SERVICE = """\
[admin]
host={host}
port={port}
dbname=postgres
user={user}
password={password}
"""


def stack() -> Stack:
    stack = Stack(STATE, ports=PORTS, hosts={name: name for name in DEFAULT})
    stack.connect.secrets = CONNECT_SECRETS
    return stack


def keep_auth(asked: str) -> None:
    """Once callers have had to bear tokens, nobody is let in without because RR_AUTH was left out: that has to be said."""
    kept = STATE / "auth"
    if not asked and kept.exists() and kept.read_text() != "off":
        raise StackError(
            "RR_AUTH is not set, and callers had to bear tokens (RR_AUTH=jwt) until now. It belongs into .env beside "
            "docker-compose.yml, as RR_JWT_KEYS does; RR_AUTH=off there lets everybody in again"
        )
    kept.write_text(asked or "off")


def prepare(stack: Stack) -> None:
    """Makes what is missing, and hands out what there is."""
    keep_auth(os.environ["RR_AUTH"])
    stack.mysql.write_accounts()
    stack.connect.write_secrets()
    stack.passwords.put("postgres-accounts.sql", stack.postgres.accounts())
    stack.passwords.put("postgres-service.conf", _service(stack.postgres))
    for user in postgres.USERS:
        stack.passwords.put(f"conninfo-{user}", stack.postgres.conninfo(user))
    readers = {
        "mysql": [f"mysql-{mysql.ROOT}", "mysql-init.sql", "mysql-client.cnf"],
        "postgres": [f"postgres-{postgres.ADMIN}", "postgres-accounts.sql", "postgres-service.conf"],
        "connect": [connect.SECRETS],
        "command-svc": [f"mysql-{mysql.COMMAND_USER}"],
        "query-svc": [f"conninfo-{postgres.QUERY_USER}"],
        "projector": [f"mysql-{mysql.PROJECTOR_USER}", f"conninfo-{postgres.PROJECTOR_USER}"],
    }
    for reader, names in readers.items():
        for name in names:
            _hand_out(SECRETS / reader / name, stack.passwords.get(name))
    _hand_out(SETTINGS / "server.properties", stack.kafka.settings_text(KAFKA_DATA))
    _hand_out(SETTINGS / "connect.properties", stack.connect.settings_text(CONNECT_PLUGINS))
    _hand_out(SETTINGS / "log4j2.xml", (stack.repo / "deploy/kafka/log4j2.xml").read_text())


def _service(server: postgres.Postgres) -> str:
    return _SERVICE.format(
        host=server.host, port=server.port, user=postgres.ADMIN, password=server.password(postgres.ADMIN)
    )


def _hand_out(path: Path, text: str) -> None:
    """Writes a file that whoever has its volume may read: each reader has another user id."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(text.rstrip("\n") + "\n")
    partial.chmod(0o444)
    partial.rename(path)


def load_demo(stack: Stack) -> None:
    if os.environ["RR_AUTH"] == "off":
        demo.load(stack)
    else:
        stack.progress.say("demo: left out, since callers have to bear tokens (RR_AUTH)")


STEPS = {
    "prepare": prepare,
    "migrate-mysql": lambda stack: migrations.run(stack, "mysql", stack.mysql.url()),
    "migrate-postgres": lambda stack: migrations.run(stack, "postgres", stack.postgres.url()),
    "connector": connector.ensure,
    "demo": load_demo,
}


if __name__ == "__main__":
    try:
        STEPS[sys.argv[1]](stack())
    except StackError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
