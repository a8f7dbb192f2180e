"""The Kafka Connect worker, in which Debezium runs."""

import json
from pathlib import Path

from . import account, mysql
from .java import JavaServer
from .server import fill, http_get, local_url, write_if_changed

SECRETS = "connect-secrets.properties"


class Connect(JavaServer):
    name = "connect"
    heap = "512m"
    main_class = "org.apache.kafka.connect.cli.ConnectDistributed"
    start_seconds = 180.0  # it is started beside the broker and waits for it

    def __init__(self, stack):
        super().__init__(stack)
        self.url = local_url(self.port, self.host)
        # Where the worker finds what write_secrets() has written.
        self.secrets: Path = stack.passwords.folder / SECRETS

    def prepare(self) -> None:
        account.folder(self.folder)
        self.write_secrets()
        write_if_changed(self.settings_file, self.settings_text(self.stack.files.kafka / "plugins"))

    def write_secrets(self) -> None:
        """The passwords that connectors refer to (deploy/connector.json): a file among the passwords."""
        self.stack.passwords.put(SECRETS, f"mysql_password={self.stack.mysql.password(mysql.DEBEZIUM_USER)}")

    def settings_text(self, plugins: Path) -> str:
        """The worker's settings; `plugins` is the folder that has Debezium's."""
        values = {
            "bootstrap": self.stack.kafka.bootstrap,
            "host": self.host,
            "port": self.port,
            "plugins": plugins,
            "secrets": self.secrets,
        }
        return fill(self.stack.repo / "deploy/kafka/connect.properties", values)

    @property
    def settings_file(self) -> Path:
        return self.folder / "connect.properties"

    def ready(self) -> bool:
        status, body = http_get(f"{self.url}/connectors")
        return status == 200 and isinstance(json.loads(body), list)
