"""Debian packages: which are needed for what, and their installation.

A package counts as there when dpkg says so or when the command it is wanted for is found, so that a
machine with, say, another Java keeps its own.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import command
from .account import running_as_root
from .errors import StackError

# Package, and the command that makes it unnecessary (None: only the package will do).
RUN = [
    ("default-jre-headless", "java"),
    ("postgresql", None),
    ("curl", "curl"),
    ("jq", "jq"),
    ("ca-certificates", None),
]
BUILD = [
    ("gcc", "gcc"),
    ("libc6-dev", None),
    ("cmake", "cmake"),
    ("ninja-build", "ninja"),
    ("pkg-config", "pkg-config"),
    ("libmicrohttpd-dev", None),
    ("libjansson-dev", None),
    ("libssl-dev", None),
    ("libical-dev", None),
    ("libpq-dev", None),
    ("librdkafka-dev", None),
    ("libmariadb-dev", None),
    ("libcmocka-dev", None),
]
# Only for scripts/test and scripts/check.
TEST = [
    ("git", "git"),
    ("clang", "clang"),
    ("libclang-rt-14-dev", None),
    ("clang-format-14", None),
    ("clang-tidy-14", None),
    ("python3-venv", None),
    ("chromium", "chromium"),
    ("shellcheck", None),
]
# Only for scripts/test compose: what makes images, and what a Docker engine of its own needs.
IMAGES = [("debootstrap", "debootstrap")]
ENGINE = [
    ("iptables", "iptables"),
    ("iproute2", "ip"),
    ("procps", "ps"),
    ("libdevmapper1.02.1", None),
    ("libseccomp2", None),
]
# Only for what is not in the cache yet.
FETCH_KAFKA = [("maven", "mvn")]
FETCH_DBMATE = [("python3-pip", None)]

# The package postgresql would make and start a cluster of its own; the stack needs only the programs.
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/room-reservation.conf")


def missing(wanted: list[tuple[str, str | None]]) -> list[str]:
    """Those of `wanted` that are not there."""
    names = [name for name, tool in wanted if tool is None or shutil.which(tool) is None]
    if not names:
        return []
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *names], capture_output=True, text=True
    ).stdout
    installed = {line.split()[1] for line in shown.splitlines() if line.startswith("installed ")}
    return [name for name in names if name not in installed]


@contextmanager
def _without_new_cluster(names: list[str], sudo: list[str]):
    """Keeps the package postgresql from making a cluster while it is installed."""
    if "postgresql" not in names or Path("/usr/lib/postgresql").exists() or sudo:
        yield
        return
    made = [p for p in (_NO_CLUSTER.parent.parent, _NO_CLUSTER.parent) if not p.exists()]
    _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    _NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        _NO_CLUSTER.unlink()
        for folder in reversed(made):
            try:
                folder.rmdir()
            except OSError:
                pass  # the package has put files of its own there


def ensure(wanted: list[tuple[str, str | None]], log: Path, archives: Path | None = None) -> list[str]:
    """Installs what is missing of `wanted` and returns its names. `archives` is a folder that keeps
    the downloaded packages."""
    names = missing(wanted)
    if not names:
        return []
    sudo = [] if running_as_root() else ["sudo", "-n"]
    if sudo and subprocess.run([*sudo, "true"], capture_output=True).returncode != 0:
        raise StackError(
            "packages are missing, and this is neither root nor a user with sudo. Let an administrator run:\n"
            f"  apt-get install --no-install-recommends {' '.join(names)}"
        )
    apt = _apt(sudo)
    install = [*apt, "-o", "Dpkg::Options::=--force-confold", "--no-install-recommends"]
    if archives and not sudo:
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        install += ["-o", f"Dir::Cache::archives={archives}", "-o", "APT::Keep-Downloaded-Packages=true"]
    with _one_at_a_time():
        command.run([*apt, "update"], "apt-get update", log)
        with _without_new_cluster(names, sudo):
            # Ended in the middle, it would leave packages half configured, which the next run could not mend.
            command.run([*install, "install", *names], f"installing {' '.join(names)}", log, may_be_ended=False)
    return names


def unpack(names: list[str], folder: Path, log: Path) -> None:
    """Unpacks the newest versions of packages, without what they need, into `folder`: a server that is installed would be started
    at once and at every boot, on the ports of its own configuration."""
    sudo = [] if running_as_root() else ["sudo", "-n"]
    with _one_at_a_time():
        command.run([*_apt(sudo), "update"], "apt-get update", log)
        command.run([*_apt([]), "download", *names], f"fetching {' '.join(names)}", log, cwd=folder)
    for archive in folder.glob("*.deb"):
        command.run(["dpkg-deb", "--extract", str(archive), str(folder)], f"unpacking {archive.name}", log)
        archive.unlink()


def _apt(sudo: list[str]) -> list[str]:
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    return [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", *wait]


@contextmanager
def _one_at_a_time():
    """Two stacks that install at once take turns: apt-get update has no lock time-out of its own."""
    with open(Path(tempfile.gettempdir()) / f"rr-stack-apt.{os.getuid()}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def debian_mirror() -> str:
    """Where this machine gets Debian from, as its own apt sources have it."""
    chosen = os.environ.get("RR_DEBIAN_MIRROR")
    if chosen:
        return chosen
    for uri, suites in _sources():
        if uri.startswith(("http://", "https://")) and not any("security" in s for s in suites):
            if uri.rstrip("/").endswith("/debian"):
                return uri
    raise StackError(
        "this machine's apt sources name no Debian mirror, from which MySQL 9.7 would come: set RR_DEBIAN_MIRROR to one"
    )


def _sources() -> list[tuple[str, list[str]]]:
    """(URI, suites) of every binary source, from the one-line and the deb822 files."""
    found = []
    etc = Path("/etc/apt")
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else []:
            match = re.match(r"\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)", line)
            if match:
                found.append((match[1], [match[2]]))
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        text = re.sub(r"(?m)^#.*\n?", "", path.read_text())
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"(?m)^(\S+):[ \t]*((?:.*)(?:\n[ \t]+.*)*)", stanza))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes").strip() != "no":
                found += [(uri, fields.get("Suites", "").split()) for uri in fields.get("URIs", "").split()]
    return found
