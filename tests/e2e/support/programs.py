"""Programs started by a test itself, beside those of the stack, with settings of the test's own."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import requests

from .api import Command, Query, Service
from .waiting import eventually

# What makes a run unsound whatever the tests say: a sanitizer's report, a broken invariant.
UNSOUND = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|^BUG\b|\bBUG at\b|Assertion `", re.MULTILINE
)

_CLIENTS = {"command-svc": Command, "query-svc": Query, "projector": Service}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(stack, name: str, *arguments: str, settings: dict[str, str | None] | None = None, seconds: float = 30):
    """Runs a program to its end with the stack's settings and `settings` over them (None: without that one)."""
    server = stack.server(name)
    return subprocess.run(
        [str(server.binary), *arguments],
        env=_environment(server, settings or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def launch(stack, name: str, *arguments: str, settings: dict[str, str] | None = None, output) -> subprocess.Popen:
    """Starts a program as run() does, and leaves it running."""
    server = stack.server(name)
    return subprocess.Popen(
        [str(server.binary), *arguments],
        env=_environment(server, settings or {}),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _environment(server, settings: dict[str, str | None]) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"]} | server.whole_environment() | settings
    return {name: value for name, value in environment.items() if value is not None}


class Program:
    """`with Program(stack, "command-svc", folder, RR_MYSQL_WORKERS="1") as program:` a second one of its kind, on a port
    of its own. The block begins when `awaits` answers 200; at its end the program is stopped, and has to end cleanly."""

    def __init__(self, stack, name: str, folder: Path, awaits: str = "/readyz", **settings: str):
        self.server = stack.server(name)
        self.port = free_port()
        self.settings = {"RR_HTTP_PORT": str(self.port), **settings}
        self.log = folder / f"{name}-{self.port}.log"
        self.client = _CLIENTS[name](f"http://127.0.0.1:{self.port}")
        self.awaits = awaits
        self.killed = False

    def __enter__(self) -> "Program":
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                self.server.argv(),
                env=_environment(self.server, self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._is_ready)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def kill(self) -> None:
        """Ends it without a word, and that is then no failure."""
        self.process.kill()
        self.process.wait()
        self.killed = True

    def refuses_connections(self) -> bool:
        """So it does when its end has begun."""
        try:
            Service(self.client.url).get("/livez", seconds=0.2)
            return False
        except requests.ConnectionError:
            return True
        except requests.Timeout:
            return False

    def __exit__(self, kind, error, trace) -> None:
        if self.killed:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            if kind is None:
                raise AssertionError(f"it did not stop:\n{self.log.read_text()[-4000:]}") from None
        if kind is None:
            text = self.log.read_text()
            assert self.process.returncode == 0, f"it ended with {self.process.returncode}:\n{text[-4000:]}"
            assert not UNSOUND.search(text), text[-8000:]

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"it ended at once:\n{self.log.read_text()[-4000:]}"
        return self.client.is_ready(self.awaits)
