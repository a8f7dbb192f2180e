"""The gateway: Debian's nginx with the files of deploy/gateway, which the official image runs, too."""

import re
import signal
from pathlib import Path

from . import account
from .ports import HOST
from .server import Server, http_get, local_url, write_if_changed
from .settings import read_settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy/gateway"


def defaults() -> dict[str, str]:
    """The settings of deploy/gateway/gateway.env."""
    return read_settings(FOLDER / "gateway.env")


def render(folder: Path, settings: dict[str, str]) -> list[Path]:
    """Fills the templates in, as the image's envsubst does, and returns the files made in `folder`, nginx.conf first."""
    values = defaults() | {"RR_GATEWAY_RUN_DIR": str(folder)} | settings
    files = []
    for template in sorted(FOLDER.glob("templates/*.template")):
        text = re.sub(r"\$\{(RR_GATEWAY_\w+)\}", lambda match: values[match[1]], template.read_text())
        files.append(write_if_changed(folder / template.stem, text))
    return sorted(files, key=lambda file: file.name != "nginx.conf")


def command_line(files: Path, folder: Path) -> list[str]:
    """How nginx, unpacked in `files`, is started with what was rendered into `folder`."""
    program = str(files / "usr/sbin/nginx")
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


class Gateway(Server):
    name = "gateway"
    stop_signal = signal.SIGQUIT  # answers under way are finished

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / self.name

    @property
    def url(self) -> str:
        tls = self._settings().get("RR_GATEWAY_SCHEME") == "tls"
        return local_url(self.port, scheme="https" if tls else "http")

    def prepare(self) -> None:
        account.folder(self.folder)
        self.stack.log(self.name).touch()
        account.own(self.log, 0o640)  # nginx opens it once more, by the name /dev/stdout
        self._files = render(self.folder, self._settings())

    def argv(self) -> list[str]:
        return command_line(self.stack.files.nginx, self.folder)

    def reads(self) -> list[Path]:
        return self._files

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.stack.files.nginx]

    def ready(self) -> bool:
        return http_get(f"{self.url}/livez")[0] == 200

    def _settings(self) -> dict[str, str]:
        own = {
            "RR_GATEWAY_LISTEN": f"{HOST}:{self.port}",
            "RR_GATEWAY_COMMAND": f"{HOST}:{self.stack.command_svc.port}",
            "RR_GATEWAY_QUERY": f"{HOST}:{self.stack.query_svc.port}",
            "RR_GATEWAY_WEB": str(self.stack.repo / "web"),
        }
        return self.with_file(own) | self.settings
