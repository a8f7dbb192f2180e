"""The containers of docker-compose.yml under a name of their own, and what a client of them has to know."""

import json
import subprocess
import time
from pathlib import Path

import psycopg
from engine import Engine
from stacklib.ports import HOST
from stacklib.stack import REPO
from support.api import Service
from support.programs import free_port
from support.waiting import eventually

NAME = "rr-compose-test"
# Those that stay; the others do a step and end.
SERVERS = ("mysql", "postgres", "kafka", "connect", "command-svc", "query-svc", "projector", "gateway")
# Which other images our own are made of (deploy/Dockerfile).
BASES = ("debian:bookworm-slim", "ghcr.io/amacneil/dbmate:2.36.0")
OURS = ("room-reservation/programs", "room-reservation/setup")
# More settings of the programs and of the gateway, a file each.
SETTINGS = Path(__file__).with_name("settings")
# Where much else is at work, a JVM alone takes minutes to start.
START_SECONDS = 900
HEALTHY_SECONDS = 300
BUILD_SECONDS = 1200


class Project:
    name = NAME

    def __init__(self, engine: Engine):
        self.engine = engine
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.settings = {
            "RR_GATEWAY_PORT": str(self.port),
            "RR_SETTINGS": str(SETTINGS),
        }

    def compose(self, *arguments: str, **options) -> str:
        files = ["--project-directory", str(REPO), "--project-name", self.name]
        return self.engine.docker(
            "compose", "--ansi", "never", *files, *arguments, settings=self.settings, **options
        )

    def build(self) -> None:
        self.compose("build", seconds=BUILD_SECONDS)

    def up(self, *arguments: str) -> None:
        self.compose(
            "up",
            "--detach",
            "--wait",
            "--wait-timeout",
            str(START_SECONDS),
            *arguments,
            seconds=START_SECONDS + 60,
        )
        # A gateway that was healthy before may still look for programs at old addresses.
        if "--no-deps" not in arguments:
            eventually(Service(self.url).is_ready, HEALTHY_SECONDS)

    def down(self, *arguments: str) -> None:
        """What the containers have said goes to the logs of the tests first."""
        try:
            for name, words in (
                ("containers", ("logs", "--no-color", "--timestamps")),
                ("states", ("ps", "--all")),
            ):
                with open(REPO / f".test/logs/compose-{name}.log", "a") as log:
                    log.write(self.compose(*words, check=False))
        finally:
            self.compose("down", *arguments)

    def configuration(self) -> dict:
        return json.loads(self.compose("--profile", "*", "config", "--format", "json"))

    def containers(self, service: str | None = None, all: bool = False) -> list[str]:
        """Ids, running ones unless `all`."""
        wanted = ["--all"] if all else []
        return self.compose("ps", "--quiet", *wanted, *([service] if service else [])).split()

    def container(self, service: str) -> dict:
        (found,) = self.engine.inspect(*self.containers(service, all=True))
        return found

    def execute(self, service: str, *words: str, **options) -> str:
        return self.compose("exec", "--no-TTY", service, *words, **options)

    def verify(self) -> tuple[int, str]:
        """Exit status and words of `projector verify`."""
        (container,) = self.containers("projector")[:1]
        done = subprocess.run(
            ["docker", "exec", container, "projector", "verify"],
            env=self.engine.environment, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def is_healthy(self, service: str) -> bool:
        states = [container["State"] for container in self.engine.inspect(*self.containers(service, all=True))]
        return all(s["Status"] == "running" and s["Health"]["Status"] == "healthy" for s in states)

    def exit_codes(self, service: str, since: str) -> set[int]:
        """With what the containers of a service have ended since that time."""
        chosen = [
            f"label=com.docker.compose.project={self.name}",
            f"label=com.docker.compose.service={service}",
            "event=die",
        ]
        filters = [word for each in chosen for word in ("--filter", each)]
        shown = '{{index .Actor.Attributes "exitCode"}}'
        events = self.engine.docker(
            "events", "--since", since, "--until", str(time.time()), *filters, "--format", shown
        )
        return {int(code) for code in events.split()}

    # Databases are published nowhere: the tests go to the containers' own addresses, as only this machine can.

    def addresses(self, service: str) -> list[str]:
        containers = self.engine.inspect(*self.containers(service))
        return [c["NetworkSettings"]["Networks"][f"{self.name}_inside"]["IPAddress"] for c in containers]

    def address(self, service: str) -> str:
        (found,) = self.addresses(service)
        return found

    def connect_pg(self):
        return psycopg.connect(self.env["RR_PG_ADMIN_CONNINFO"], autocommit=True)

    def psql(self, statement: str) -> str:
        words = ["psql", "service=admin dbname=reservations", "-qAtX", "--command", statement]
        return self.execute("postgres", "env", "PGSERVICEFILE=/run/secrets/postgres-service.conf", *words)

    def secret(self, service: str, name: str) -> str:
        return self.execute(service, "cat", f"/run/secrets/{name}").strip()

    @property
    def env(self) -> dict[str, str]:
        """As scripts/up writes it for a stack."""
        password = self.secret("postgres", "postgres-postgres")
        conninfo = f"host={self.address('postgres')} dbname=reservations user=postgres password={password}"
        return {
            "RR_COMMAND_URL": self.url,
            "RR_QUERY_URL": self.url,
            "RR_MYSQL_HOST": self.address("mysql"),
            "RR_MYSQL_PORT": "3306",
            "RR_MYSQL_ROOT_USER": "root",
            "RR_MYSQL_ROOT_PASSWORD": self.secret("mysql", "mysql-root"),
            "RR_MYSQL_DATABASE": "reservations",
            "RR_PG_ADMIN_CONNINFO": conninfo,
        }
