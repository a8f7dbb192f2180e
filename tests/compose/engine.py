"""A Docker engine with Compose: the one that runs on this machine, else one of our own that is stopped afterwards.

Our own keeps its images and build cache in the cache folder, so that the next run is quick; its containers, networks and
volumes, its processes, its network device and its rules in the firewall are gone when it is.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from stacklib import command, downloads, packages
from stacklib.account import running_as_root
from stacklib.cache import Cache
from stacklib.errors import StackError
from support.waiting import eventually

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Engine:
    """`with Engine(log) as engine: engine.docker("ps")`."""

    def __init__(self, log: Path):
        self.log = log
        self.cache = Cache()
        self.own = False
        self._scratch = Path(tempfile.mkdtemp(prefix="rr-docker-"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._scratch),
            "DOCKER_CONFIG": str(self._scratch / "config"),
        }
        if "DOCKER_HOST" in os.environ:
            self.environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]

    def __enter__(self) -> "Engine":
        try:
            packages.ensure(packages.COMPOSE, self.log)
            self._add_plugins()
            if not self.answers():
                self._start()
        except BaseException:
            shutil.rmtree(self._scratch)
            raise
        return self

    def __exit__(self, kind, error, trace) -> None:
        if self.own:
            self._stop()
        shutil.rmtree(self._scratch)

    def docker(self, *arguments: str, stdin: str | None = None, check: bool = True, seconds: float = 600) -> str:
        """Runs docker and returns its standard output; a StackError with its messages when it fails."""
        done = subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        with open(self.log, "a") as log:
            log.write(f"$ docker {' '.join(arguments)}\n{done.stderr}")
        if check and done.returncode != 0:
            raise StackError(f"docker {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def inspect(self, *things: str) -> list[dict]:
        return json.loads(self.docker("inspect", *things)) if things else []

    def answers(self) -> bool:
        return subprocess.run(["docker", "version"], env=self.environment, capture_output=True).returncode == 0

    def _add_plugins(self) -> None:
        folder = self._scratch / "config/cli-plugins"
        folder.mkdir(parents=True)
        for plugin in downloads.docker_plugins(self.cache, self.log).iterdir():
            (folder / plugin.name).symlink_to(plugin)

    def _start(self) -> None:
        if not running_as_root():
            raise StackError("no Docker engine answers, and only root can start one")
        self.own = True
        root = self.cache.root / "docker"
        root.mkdir(parents=True, exist_ok=True)
        self._lock = open(root / "lock", "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # two engines cannot share a folder
        self._firewall = _firewall()
        self._forwarding = _FORWARDING.read_text()
        self._devices = _devices()
        socket = f"unix://{self._scratch}/docker.sock"
        self.environment["DOCKER_HOST"] = socket
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--host", socket, "--data-root", str(root / "data"),
                 "--exec-root", str(self._scratch / "exec"), "--pidfile", str(self._scratch / "pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        eventually(self._is_up, seconds=60)
        self._clear()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise StackError("dockerd ended at once", self.log)
        return self.answers()

    def _clear(self) -> None:
        """What an earlier run that was cut off has left."""
        for kind, remove in (("container", ["rm", "--force"]), ("volume", ["volume", "rm"])):
            there = self.docker(kind, "ls", "--quiet", *(["--all"] if kind == "container" else [])).split()
            if there:
                self.docker(*remove, *there)
        self.docker("network", "prune", "--force")

    def _stop(self) -> None:
        self._clear()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        for device in _devices() - self._devices:
            subprocess.run(["ip", "link", "delete", device], capture_output=True)
        _restore_firewall(self._firewall)
        _FORWARDING.write_text(self._forwarding)
        self._lock.close()


def _devices() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def _firewall() -> dict[str, list[str]]:
    """The rules of each table, as iptables-save has them."""
    tables = {}
    for table in ("filter", "nat"):
        text = command.run(["iptables-save", "-t", table], "reading the firewall's rules")
        tables[table] = [re.sub(r" \[\d+:\d+\]$", "", line) for line in text.splitlines() if line[:1] in ":-"]
    return tables


def _restore_firewall(before: dict[str, list[str]]) -> None:
    """Takes away what has come since: rules first, then chains that are empty now; policies as they were."""
    for table, lines in _firewall().items():
        run = ["iptables", "-t", table]
        new = [line for line in lines if line not in before[table]]
        for line in new:
            if line.startswith("-A "):
                subprocess.run(f"{' '.join(run)} -D {line[3:]}", shell=True, capture_output=True)
        for line in new:
            chain, policy = line[1:].split()[:2]
            if line.startswith(":") and policy == "-":
                subprocess.run([*run, "-X", chain], capture_output=True)
        for line in before[table]:
            chain, policy = line[1:].split()[:2]
            if line.startswith(":") and policy != "-":
                subprocess.run([*run, "-P", chain, policy], capture_output=True)
