"""Downloads that outlive a stack: each entry is one folder, made once, complete or absent."""

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

from .account import running_as_root


class Cache:
    """Threads and processes: any; an entry is built under a lock of its own, in a folder beside it that is
    renamed when it is complete, so that nobody ever sees half of one."""

    def __init__(self, root: Path | None = None):
        self.root = root or default_root()

    def has(self, name: str) -> bool:
        return (self.root / name).is_dir()

    def entry(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder of entry `name`; calls `build(folder)` to fill it if it is not there yet."""
        final = self.root / name
        if final.is_dir():
            return final
        with self._lock(name):
            if not final.is_dir():  # another stack may have built it while we waited
                partial = self.root / f"{name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                try:
                    build(partial)
                    os.chmod(partial, 0o755)
                    partial.rename(final)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
        return final

    @contextmanager
    def _lock(self, name: str):
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.root / f"{name}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def default_root() -> Path:
    chosen = os.environ.get("RR_CACHE_DIR")
    if chosen:
        return Path(chosen).resolve()
    if running_as_root():
        return Path("/var/cache/room-reservation")
    return Path.home() / ".cache" / "room-reservation"
