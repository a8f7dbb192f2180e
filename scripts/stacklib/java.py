"""What Kafka and Kafka Connect have in common: how Java is started, and started faster the next time.

Most of a start goes into loading classes. Java can write those it has loaded to an archive when it ends, and
load them from there afterwards, in about half the time. So a server that finds no archive in the cache makes one
when it is stopped, for all later starts of any stack.
"""

import hashlib
import os
import shutil
from pathlib import Path

from .errors import StackError
from .server import Server


class JavaServer(Server):
    """A server of Kafka's jars, with a folder of its own."""

    heap: str
    main_class: str
    stop_seconds = 60.0  # writing the archive takes some of them, once

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / self.name

    def java(self, heap: str, *arguments: str) -> list[str]:
        """The command line that runs a class of Kafka's jars."""
        return [
            str(_executable()),
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.stack.repo / 'deploy/kafka/log4j2.xml'}",
            "-cp",
            f"{self.stack.files.kafka}/libs/*",
            *arguments,
        ]

    def argv(self) -> list[str]:
        return self.java(self.heap, self.main_class, str(self.settings_file))

    @property
    def settings_file(self) -> Path:
        raise NotImplementedError

    def reads(self) -> list[Path]:
        return [self.settings_file]

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.stack.files.kafka]

    def hints(self) -> list[str]:
        if self.stack.cache.has(self._entry) or not os.access(self.stack.cache.root, os.W_OK):
            return self.shared_classes()
        return [f"-XX:ArchiveClassesAtExit={self._new_archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]

    def shared_classes(self) -> list[str]:
        """The option that uses the archive, if there is one."""
        if not self.stack.cache.has(self._entry):
            return []
        return [f"-XX:SharedArchiveFile={self.stack.cache.root / self._entry / 'classes.jsa'}", "-Xlog:cds=off"]

    def clear_leftovers(self) -> None:
        self._new_archive.unlink(missing_ok=True)  # of one that was killed: perhaps half written

    def after_stop(self, clean: bool) -> None:
        def keep(folder: Path) -> None:
            shutil.copyfile(self._new_archive, folder / "classes.jsa")

        if clean and self._new_archive.exists():
            self.stack.cache.entry(self._entry, keep)
        self._new_archive.unlink(missing_ok=True)

    @property
    def _new_archive(self) -> Path:
        return self.folder / "classes.jsa"

    @property
    def _entry(self) -> str:
        """The archive's name in the cache: it belongs to these jars and to this very Java."""
        java = _executable()
        identity = f"{java} {java.stat().st_mtime_ns} {self.stack.files.kafka}"
        return f"classes-{self.name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _executable() -> Path:
    java = shutil.which("java")
    if java is None:
        raise StackError("java is not installed: scripts/stack install")
    return Path(java).resolve()
