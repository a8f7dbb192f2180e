"""`projector rebuild`, started, watched step by step, and ended."""

import json
import re
import signal
import subprocess
from pathlib import Path

from . import programs
from .waiting import eventually

STEPS = ("snapshot", "events", "days", "indexes", "analyze", "catch-up", "verify", "switch", "tidy")
OF_A_ROLL_BACK = ("catch-up", "verify", "switch", "tidy")


def rebuild(stack, *flags, settings=None) -> tuple[int, dict | str]:
    """The exit status, and what was told: JSON, or why not."""
    ended = programs.run(stack, "projector", "rebuild", "--json", *flags, settings=settings, seconds=240)
    assert not programs.UNSOUND.search(ended.stderr), ended.stderr[-8000:]
    return ended.returncode, json.loads(ended.stdout) if ended.returncode == 0 else ended.stderr


class Rebuild:
    """`with Rebuild(stack, folder) as one:` runs one in the background; it is gone when the block ends."""

    def __init__(self, stack, folder: Path, *flags: str):
        self.log = folder / "rebuild.log"
        with open(self.log, "w") as log:
            self.process = programs.launch(stack, "projector", "rebuild", *flags, output=log)

    def __enter__(self) -> "Rebuild":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def steps(self) -> list[str]:
        return list(dict.fromkeys(re.findall(r"step=(\S+)", self.log.read_text())))

    def await_step(self, name: str) -> None:
        eventually(lambda: name in self.steps or self._ended(), seconds=60, interval=0.001)
        assert name in self.steps, self.log.read_text()

    def stop_at(self, name: str) -> None:
        """It stands still there until go_on()."""
        self.await_step(name)
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait(self, seconds: float = 120) -> int:
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log.read_text()}") from None
        assert not programs.UNSOUND.search(self.log.read_text()), self.log.read_text()[-8000:]
        return status

    def _ended(self) -> bool:
        return self.process.poll() is not None
