"""The Kafka broker, which is its own controller."""

import base64
import socket
import struct
import uuid
from pathlib import Path

from . import account, command
from .java import JavaServer
from .server import fill, write_if_changed


class Kafka(JavaServer):
    name = "kafka"
    heap = "384m"
    main_class = "kafka.Kafka"
    # The first start shares the machine with the build, which may have all its cores.
    start_seconds = 180.0

    def __init__(self, stack):
        super().__init__(stack)
        self.data: Path = self.folder / "data"
        self.bootstrap = f"{self.host}:{self.port}"

    def ports(self) -> dict[str, int]:
        return {self.name: self.port, "kafka-controller": self.stack.ports["kafka-controller"]}

    def prepare(self) -> None:
        account.folder(self.folder)
        write_if_changed(self.settings_file, self.settings_text(self.data))
        if not (self.data / "meta.properties").exists():
            self._format()

    @property
    def settings_file(self) -> Path:
        return self.folder / "server.properties"

    def settings_text(self, data: Path) -> str:
        """The broker's settings; `data` is where its data lie."""
        values = {
            "host": self.host,
            "port": self.port,
            "controller_port": self.stack.ports["kafka-controller"],
            "data": data,
        }
        return fill(self.stack.repo / "deploy/kafka/server.properties", values)

    def ready(self) -> bool:
        """True once the broker answers an ApiVersions request."""
        request = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation, no client id
        try:
            with socket.create_connection((self.host, self.port), timeout=2) as connection:
                connection.settimeout(2)
                connection.sendall(struct.pack(">i", len(request)) + request)
                return len(connection.recv(8)) > 0
        except OSError:
            return False

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an id may begin with a dash.
        arguments = [f"--cluster-id={cluster}", "--config", str(self.settings_file)]
        argv = self.java(
            "128m", "kafka.tools.StorageTool", "format", *arguments, "--standalone", "--ignore-formatted"
        )
        argv[1:1] = self.shared_classes()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command.run(account.wrap(argv, *self.needs_paths()), "kafka: making the data folder", self.log)
