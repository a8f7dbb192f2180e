"""Kafka and Kafka Connect: two Java programs of the same jars."""

import base64
import json
import shutil
import socket
import struct
import uuid
from pathlib import Path

from . import account, command
from .errors import StackError
from .ports import HOST
from .server import Server, fill, http_get, local_url, write_if_changed


def _java(stack, heap: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise StackError("java is not installed: scripts/stack install")
    return [
        java, f"-Xmx{heap}", "-XX:+UseSerialGC", "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={stack.repo / 'deploy/kafka/log4j2.xml'}",
        "-cp", f"{stack.files.kafka}/libs/*",
    ]  # fmt: skip


class Kafka(Server):
    """The broker, which is its own controller."""

    name = "kafka"

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / "kafka"
        self.data: Path = self.folder / "data"
        self.bootstrap = f"{HOST}:{self.port}"

    def ports(self) -> dict[str, int]:
        return {self.name: self.port, "kafka-controller": self.stack.ports["kafka-controller"]}

    def prepare(self) -> None:
        account.folder(self.folder)
        values = {
            "host": HOST,
            "port": self.port,
            "controller_port": self.stack.ports["kafka-controller"],
            "data": self.data,
        }
        text = fill(self.stack.repo / "deploy/kafka/server.properties", values)
        write_if_changed(self._settings, text)
        if not (self.data / "meta.properties").exists():
            self._format()

    def argv(self) -> list[str]:
        return _java(self.stack, "384m") + ["kafka.Kafka", str(self._settings)]

    def reads(self) -> list[Path]:
        return [self._settings]

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.stack.files.kafka]

    def ready(self) -> bool:
        """True once the broker answers an ApiVersions request."""
        request = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation, no client id
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.settimeout(2)
                connection.sendall(struct.pack(">i", len(request)) + request)
                return len(connection.recv(8)) > 0
        except OSError:
            return False

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        argv = _java(self.stack, "128m") + [
            "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(self._settings),
            "--standalone", "--ignore-formatted",
        ]  # fmt: skip
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command.run(account.wrap(argv, *self.needs_paths()), "kafka: making the data folder", self.log)


class Connect(Server):
    """The Connect worker, in which Debezium runs."""

    name = "connect"
    start_seconds = 90.0

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / "connect"
        self.url = local_url(self.port)

    def prepare(self) -> None:
        account.folder(self.folder)
        values = {
            "bootstrap": self.stack.kafka.bootstrap,
            "host": HOST,
            "port": self.port,
            "plugins": self.stack.files.kafka / "plugins",
        }
        write_if_changed(self._settings, fill(self.stack.repo / "deploy/kafka/connect.properties", values))

    def argv(self) -> list[str]:
        return _java(self.stack, "512m") + ["org.apache.kafka.connect.cli.ConnectDistributed", str(self._settings)]

    def reads(self) -> list[Path]:
        return [self._settings]

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.stack.files.kafka]

    def ready(self) -> bool:
        status, body = http_get(f"{self.url}/connectors")
        return status == 200 and isinstance(json.loads(body), list)

    @property
    def _settings(self) -> Path:
        return self.folder / "connect.properties"
