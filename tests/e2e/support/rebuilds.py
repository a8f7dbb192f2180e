"""`projector rebuild`, started, watched step by step, and ended."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from . import programs
from .api import unique
from .databases import connect_postgres
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
        self.stack = stack
        self.name = unique("rebuild")
        self.log = folder / f"{self.name}.log"
        with open(self.log, "w") as log:
            self.process = programs.launch(
                stack, "projector", "rebuild", *flags, settings={"PGAPPNAME": self.name}, output=log
            )

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

    def await_held(self) -> None:
        """It is in no_analyze()."""
        held = "query LIKE 'ANALYZE %%' AND wait_event_type = 'Lock'"
        eventually(lambda: self._asks(held) or self._ended(), seconds=60)
        assert not self._ended(), self.log.read_text()

    def await_undone(self) -> None:
        """PostgreSQL has nothing left to do of what it was asked."""
        eventually(lambda: not self._asks("true"), seconds=60)

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

    def _asks(self, condition: str) -> bool:
        with connect_postgres(self.stack) as pg:
            found = f"SELECT FROM pg_stat_activity WHERE application_name = %s AND {condition}"
            return pg.execute(found, [self.name]).rowcount > 0


@contextmanager
def no_analyze(stack) -> Iterator[None]:
    """In the block each ANALYZE waits, for the table that it writes."""
    with psycopg.connect(stack.env["RR_PG_ADMIN_CONNINFO"]) as pg:
        pg.execute("LOCK TABLE pg_statistic IN SHARE MODE")
        yield


@contextmanager
def stopped_in_analyze(stack, folder: Path) -> Iterator[Rebuild]:
    """One that stands still there until go_on()."""
    with ExitStack() as held:
        held.enter_context(no_analyze(stack))
        with Rebuild(stack, folder) as one:
            one.await_held()
            one.process.send_signal(signal.SIGSTOP)
            held.close()
            yield one
