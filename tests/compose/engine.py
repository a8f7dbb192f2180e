"""A Docker engine with Compose: the one that runs on this machine, else one of our own that is stopped afterwards.

Our own keeps its images and build cache in the cache folder, so that the next run is quick; its containers, networks and
volumes, its processes, its network device, its rules in the firewall and the folders that it makes by the way are gone when it is.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from stacklib import command, downloads, packages
from stacklib.account import running_as_root
from stacklib.cache import Cache
from stacklib.errors import StackError
from support.waiting import eventually

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class NoEngine(StackError):
    """This machine runs no containers, whatever the project does."""


class Engine:
    """`with Engine(log) as engine: engine.docker("ps")`."""

    def __init__(self, log: Path):
        self.log = log
        self.cache = Cache()
        self._process: subprocess.Popen | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="rr-docker-"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._scratch),
            "DOCKER_CONFIG": str(self._scratch / "config"),
        }
        if "DOCKER_HOST" in os.environ:
            self.environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]

    @property
    def own(self) -> bool:
        return self._process is not None

    def __enter__(self) -> "Engine":
        try:
            if not self.answers():
                self._start()
            packages.ensure(packages.IMAGES, self.log)
            self._add_plugins()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            if self.own:
                self._stop()
        finally:
            shutil.rmtree(self._scratch)

    def docker(
        self,
        *arguments: str,
        settings: dict[str, str] | None = None,
        check: bool = True,
        seconds: float = 600,
    ) -> str:
        """Runs docker and returns its standard output; a StackError with its messages when it fails."""
        done = subprocess.run(
            ["docker", *arguments],
            env=self.environment | (settings or {}),
            stdin=subprocess.DEVNULL,
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

    def has(self, image: str) -> bool:
        return bool(self.docker("image", "ls", "--quiet", "--filter", f"reference={image}"))

    def answers(self) -> bool:
        try:
            return subprocess.run(["docker", "version"], env=self.environment, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False

    def prove(self, image: str) -> None:
        """That containers can be started at all."""
        try:
            self.docker("run", "--rm", "--network", "none", image, "true")
        except StackError as error:
            raise NoEngine(f"the Docker engine starts no container: {error}") from error

    def _add_plugins(self) -> None:
        folder = self._scratch / "config/cli-plugins"
        folder.mkdir(parents=True)
        for plugin in downloads.docker_plugins(self.cache, self.log).iterdir():
            (folder / plugin.name).symlink_to(plugin)

    def _start(self) -> None:
        if not running_as_root():
            raise NoEngine("no Docker engine answers, and only root can start one")
        packages.ensure(packages.ENGINE, self.log)
        files = downloads.docker_engine(self.cache, self.log)
        self.environment["PATH"] = f"{files}/usr/bin:{files}/usr/sbin:{self.environment['PATH']}"
        self.environment["DOCKER_HOST"] = f"unix://{self._scratch}/docker.sock"
        root = self.cache.root / "docker"
        root.mkdir(parents=True, exist_ok=True)
        self._lock = open(root / "lock", "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # two engines cannot share a folder
        self._firewall = _firewall()
        self._forwarding = _FORWARDING.read_text()
        self._devices = _devices()
        self._folders = _folders()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                # If we are killed, it ends, too.
                ["setpriv", "--pdeathsig", "TERM", "dockerd", "--host", self.environment["DOCKER_HOST"],
                 "--data-root", str(root / "data"), "--exec-root", str(self._scratch / "exec"),
                 "--pidfile", str(self._scratch / "pid")],
                env=os.environ | {"PATH": self.environment["PATH"]},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            eventually(self._is_up, seconds=60)
        except AssertionError as error:
            raise NoEngine("dockerd does not answer within a minute", self.log) from error
        self._clear()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise NoEngine("dockerd ended at once", self.log)
        return self.answers()

    def _clear(self) -> None:
        """What an earlier run that was cut off has left."""
        for kind, remove in (("container", ["rm", "--force"]), ("volume", ["volume", "rm"])):
            there = self.docker(kind, "ls", "--quiet", *(["--all"] if kind == "container" else [])).split()
            if there:
                self.docker(*remove, *there)
        self.docker("network", "prune", "--force")

    def _stop(self) -> None:
        try:
            if self.answers():
                self._clear()
        finally:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            finally:
                for device in _devices() - self._devices:
                    subprocess.run(["ip", "link", "delete", device], capture_output=True)
                for folder in _folders() - self._folders:
                    subprocess.run(["find", folder, "-depth", "-delete"], capture_output=True)
                _restore_firewall(self._firewall)
                _FORWARDING.write_text(self._forwarding)
                self._lock.close()


def _devices() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def _folders() -> set[Path]:
    """What Docker keeps outside the folders that it is given: groups of processes (their files cannot be removed, and go with
    their folders), sockets of plugins and of containers, a key."""
    groups = Path("/sys/fs/cgroup")
    places = [
        *groups.glob("docker"),
        *groups.glob("*/docker"),
        *map(Path, ("/run/docker", "/run/containerd", "/etc/docker")),
    ]
    return {place for place in places if place.is_dir()}


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
