"""Images under the names that docker-compose.yml gives, made from Debian's packages and Maven Central's jars.

Where images can be pulled, real ones take their place: an image that is there already is never replaced. What a stand-in is
to have is what deploy/images.md says of the image that it stands for, and no more.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from engine import Engine
from stacklib import command, downloads, packages
from stacklib.errors import StackError
from stacklib.stack import REPO
from stacklib.tasks import Tasks

FOLDER = Path(__file__).resolve().parent / "standins"
LABEL = "room-reservation.stand-in"
POM = REPO / "deploy/kafka/pom.xml"

# Each after the one that it is made from: its name, its folder, and which download it takes files from.
IMAGES = (
    ("ghcr.io/amacneil/dbmate:2.36.0", "dbmate", "dbmate"),
    ("mysql:9.7", "mysql", None),
    ("postgres:18", "postgres", None),
    ("nginx:1.30", "nginx", None),
    ("stand-in/java", "java", None),
    ("apache/kafka:4.3.1", "kafka", "kafka"),
    ("quay.io/debezium/connect:3.6", "connect", "kafka"),
    ("prom/prometheus:v3.5.0", "prometheus", None),
)
BUILD_SECONDS = 1200
BASES = (("debian:bookworm-slim", "bookworm"), ("stand-in/sid", "sid"))

# As the official images of Debian have it.
_APT_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
_SLIM = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale")


class StandIns:
    def __init__(self, engine: Engine):
        self.engine = engine
        self._files = {"kafka": self._kafka, "dbmate": self._dbmate}

    def make(self, tasks: Tasks) -> dict[str, Future]:
        """Begins to make what is missing, and returns what to wait for, by image."""
        made = {}
        for name, release in BASES:
            made[name] = tasks.go(partial(self._base, name, release))
        for name, folder, download in IMAGES:
            (base,) = re.findall(r"^FROM (\S+)", (FOLDER / folder / "Dockerfile").read_text(), re.MULTILINE)
            made[name] = tasks.go(partial(self._image, name, folder, download), made[base])
        return made

    def remove(self) -> None:
        """From an engine that is not ours."""
        for name in [image[0] for image in (*IMAGES, *BASES)]:
            if self._label(name):
                self.engine.docker("image", "rm", name, check=False)

    def _base(self, name: str, release: str) -> None:
        if not self._is_there(name, release):
            self._debootstrap(name, release)
        self.engine.prove(name)

    def _image(self, name: str, folder: str, download: str | None) -> None:
        key = self._key(folder, download)
        if not self._is_there(name, key):
            self._build(name, folder, download, key)

    def _label(self, name: str) -> str | None:
        """The key that a stand-in bears; "" for an image that is none; None if there is no such image."""
        found = self.engine.docker(
            "image", "ls", "--format", "{{.ID}}", "--filter", f"reference={name}", "--no-trunc"
        )
        if not found:
            return None
        return (self.engine.inspect(name)[0]["Config"]["Labels"] or {}).get(LABEL, "")

    def _is_there(self, name: str, key: str) -> bool:
        return self._label(name) in ("", key)

    def _key(self, folder: str, download: str | None) -> str:
        parts = hashlib.sha256(str(download and self._files[download]().name).encode())
        for path in sorted((FOLDER / folder).iterdir()):
            parts.update(path.name.encode() + path.read_bytes())
        return parts.hexdigest()[:12]

    def _kafka(self) -> Path:
        if not self.engine.cache.has(downloads.kafka_entry(POM)):
            packages.ensure(packages.FETCH_KAFKA, self.engine.log)
        return downloads.kafka(self.engine.cache, POM, self.engine.log)

    def _dbmate(self) -> Path:
        if not self.engine.cache.has(downloads.DBMATE_ENTRY):
            packages.ensure(packages.FETCH_DBMATE, self.engine.log)
        return downloads.dbmate(self.engine.cache, self.engine.log).parent

    def _build(self, name: str, folder: str, download: str | None, key: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.engine.cache.root) as context:
            shutil.copytree(FOLDER / folder, context, dirs_exist_ok=True)
            if download == "kafka":
                shutil.copy(FOLDER / "java/run-class", context)
            if download:
                shutil.copytree(self._files[download](), Path(context, "download"), copy_function=os.link)
            words = ["--quiet", "--label", f"{LABEL}={key}", "--tag", name, context]
            self.engine.docker("build", *words, seconds=BUILD_SECONDS)

    def _debootstrap(self, name: str, release: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.engine.cache.root) as folder:
            root = Path(folder)
            argv = ["debootstrap", "--variant=minbase", release, folder, packages.debian_mirror()]
            command.run(argv, f"debootstrap of {release}", self.engine.log)
            # A mirror that this machine takes although it is old is no older for the images.
            old = command.run(["apt-config", "dump", "Acquire::Check-Valid-Until"], "reading apt's settings")
            (root / "etc/apt/apt.conf.d/docker-clean").write_text(_APT_CLEAN + old)
            excluded = "".join(f"path-exclude /{path}/*\n" for path in _SLIM)
            (root / "etc/dpkg/dpkg.cfg.d/docker").write_text("force-unsafe-io\n" + excluded)
            for path in (*_SLIM, "var/cache/apt/archives", "var/lib/apt/lists"):
                shutil.rmtree(root / path, ignore_errors=True)
            # debootstrap leaves /proc mounted where it has failed only.
            tar = subprocess.Popen(
                ["tar", "--numeric-owner", "--exclude=./proc/*", "--exclude=./sys/*", "-C", folder, "-c", "."],
                stdout=subprocess.PIPE,
            )
            label = f"LABEL {LABEL}={release}"
            imported = subprocess.run(
                ["docker", "import", "--change", 'CMD ["bash"]', "--change", label, "-", name],
                env=self.engine.environment, stdin=tar.stdout, capture_output=True, text=True,
            )  # fmt: skip
            if tar.wait() != 0 or imported.returncode != 0:
                raise StackError(f"importing {name}: {imported.stderr}")
