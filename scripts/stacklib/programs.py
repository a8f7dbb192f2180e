"""Our three programs."""

import os
from pathlib import Path

from . import mysql, postgres
from .errors import StackError
from .ports import HOST
from .server import Server, http_get, local_url

TOPIC = "cdc.reservations"


class Program(Server):
    """One of our programs: configured by environment, asked by HTTP."""

    arguments: list[str] = []
    start_seconds = 60.0

    def __init__(self, stack):
        super().__init__(stack)
        self.url = local_url(self.port, self.host)

    @property
    def binary(self) -> Path:
        folder = os.environ.get("RR_STACK_PROGRAMS")
        return Path(folder or self.stack.build_dir / "bin") / self.name

    def argv(self) -> list[str]:
        if not self.binary.exists():
            raise StackError(f"{self.binary} is not built: scripts/stack build")
        return [str(self.binary), *self.arguments]

    def reads(self) -> list[Path]:
        return [self.binary]

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.binary]

    def environment(self) -> dict[str, str]:
        return {"RR_AUTH": "off", "RR_HTTP_HOST": HOST, "RR_HTTP_PORT": str(self.port)}

    def whole_environment(self) -> dict[str, str]:
        return self.with_file(self.environment())

    def ready(self) -> bool:
        return http_get(f"{self.url}/readyz")[0] == 200

    def why(self) -> str:
        status, body = http_get(f"{self.url}/readyz")
        return f": /readyz answers {status or 'nothing'}, {body.strip()}"

    def mysql_environment(self, user: str) -> dict[str, str]:
        return {
            "RR_MYSQL_HOST": self.stack.mysql.host,
            "RR_MYSQL_PORT": str(self.stack.mysql.port),
            "RR_MYSQL_USER": user,
            "RR_MYSQL_PASSWORD_FILE": str(self.stack.mysql.password_file(user)),
            "RR_MYSQL_DATABASE": mysql.DATABASE,
        }

    def postgres_environment(self, user: str) -> dict[str, str]:
        conninfo = self.stack.postgres.conninfo(user)
        return {"RR_PG_CONNINFO_FILE": str(self.stack.passwords.put(f"conninfo-{user}", conninfo))}


class CommandSvc(Program):
    name = "command-svc"

    def environment(self) -> dict[str, str]:
        return super().environment() | self.mysql_environment(mysql.COMMAND_USER)


class QuerySvc(Program):
    """Ready once there is a read model: it waits longer than the projector, whose failure tells more."""

    name = "query-svc"
    start_seconds = 270.0

    def environment(self) -> dict[str, str]:
        return (
            super().environment()
            | self.postgres_environment(postgres.QUERY_USER)
            | {"RR_PUBLIC_URL": self.stack.gateway.url}
        )


class Projector(Program):
    """Ready once it has applied the first snapshot, so only after the connector runs, which is started beside it."""

    name = "projector"
    arguments = ["run"]
    start_seconds = 240.0

    def environment(self) -> dict[str, str]:
        return (
            super().environment()
            | self.mysql_environment(mysql.PROJECTOR_USER)
            | self.postgres_environment(postgres.PROJECTOR_USER)
            | {"RR_KAFKA_BOOTSTRAP": self.stack.kafka.bootstrap, "RR_KAFKA_TOPIC": TOPIC}
        )
