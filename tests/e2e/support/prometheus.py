"""Prometheus itself, asking the stack's programs by the project's configuration."""

import subprocess
from pathlib import Path

import requests
import yaml
from stacklib import downloads
from stacklib.cache import Cache
from stacklib.stack import REPO

from .programs import free_port
from .waiting import eventually

FOLDER = REPO / "deploy/prometheus"
SCRAPE_SECONDS = 1


def program(name: str, log: Path) -> str:
    """prometheus or promtool, of Debian's package."""
    return str(downloads.debian(Cache(), "prometheus", log) / "usr/bin" / name)


class Prometheus:
    """`with Prometheus(stack, folder) as prometheus: prometheus.query("up")`: begins when every target has answered."""

    def __init__(self, stack, folder: Path):
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._stack = stack
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> "Prometheus":
        config = self._folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config()))
        log = self._folder / "prometheus.log"
        argv = [
            program("prometheus", self._folder / "fetch.log"), f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address={self.url.removeprefix('http://')}",
        ]  # fmt: skip
        with open(log, "wb") as output:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            eventually(self._all_up, 60, 0.2)
        except BaseException as error:
            self.__exit__()
            error.add_note(log.read_text()[-4000:])
            raise
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(30)

    def query(self, expression: str) -> list[dict]:
        answer = self._get("query", {"query": expression})
        assert answer["status"] == "success", f"{expression}: {answer}"
        return answer["data"]["result"]

    def names(self) -> set[str]:
        """Every metric that any target shows."""
        return set(self._get("label/__name__/values")["data"])

    def _get(self, path: str, parameters: dict | None = None) -> dict:
        return self._session.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()

    def _all_up(self) -> bool:
        assert self.process.poll() is None, "prometheus ended at once"
        if not self._ready():
            return False
        return len(self.query("up == 1")) == len(self._config()["scrape_configs"])

    def _ready(self) -> bool:
        """While it reads its storage, Prometheus listens already and refuses every question with a plain text."""
        try:
            return self._session.get(f"{self.url}/-/ready", timeout=30).status_code == 200
        except requests.ConnectionError:
            return False

    def _config(self) -> dict:
        """The project's, but for the names: here each service is one address."""
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        seconds = f"{SCRAPE_SECONDS}s"
        config["global"] = {"scrape_interval": seconds, "scrape_timeout": seconds, "evaluation_interval": seconds}
        config["rule_files"] = [str(FOLDER / name) for name in config["rule_files"]]
        for job in config["scrape_configs"]:
            (names,) = (each["names"] for each in job.pop("dns_sd_configs"))
            assert names == [job["job_name"]]
            port = self._stack.server(names[0]).port
            job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
        return config
