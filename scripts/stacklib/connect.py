"""The Kafka Connect worker, in which Debezium runs."""

import json
from pathlib import Path

from . import account
from .java import JavaServer
from .server import fill, http_get, local_url, write_if_changed


class Connect(JavaServer):
    name = "connect"
    heap = "512m"
    main_class = "org.apache.kafka.connect.cli.ConnectDistributed"
    start_seconds = 180.0  # it is started beside the broker and waits for it

    def __init__(self, stack):
        super().__init__(stack)
        self.url = local_url(self.port, self.host)

    def prepare(self) -> None:
        account.folder(self.folder)
        write_if_changed(self.settings_file, self.settings_text(self.stack.files.kafka / "plugins"))

    def settings_text(self, plugins: Path) -> str:
        """The worker's settings; `plugins` is the folder that has Debezium's."""
        values = {
            "bootstrap": self.stack.kafka.bootstrap,
            "host": self.host,
            "port": self.port,
            "plugins": plugins,
        }
        return fill(self.stack.repo / "deploy/kafka/connect.properties", values)

    @property
    def settings_file(self) -> Path:
        return self.folder / "connect.properties"

    def ready(self) -> bool:
        status, body = http_get(f"{self.url}/connectors")
        return status == 200 and isinstance(json.loads(body), list)
