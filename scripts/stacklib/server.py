"""What all servers of a stack have in common: start, readiness, stop, and telling why not."""

import hashlib
import http.client
import json
import os
import signal
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import account, process
from .command import check_cancelled
from .errors import StackError, tail
from .ports import HOST, require_free
from .settings import read_settings

# Handed on to whatever we start, so that sanitizers can be steered from outside.
_PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "RR_LOG_LEVEL")

# All servers are on this machine, whatever proxy the environment names for the rest of the world, and whatever a certificate says.
_anybody = ssl.create_default_context()
_anybody.check_hostname = False
_anybody.verify_mode = ssl.CERT_NONE
direct = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_anybody)
)


class Server:
    """One server. A subclass says what to run and when it is ready; the process is found again by its
    pid file, so that any later Python process can go on with it."""

    name: str
    start_seconds = 60.0
    stop_seconds = 20.0
    stop_signal = signal.SIGTERM

    def __init__(self, stack):
        self.stack = stack
        self.log: Path = stack.dir / "logs" / f"{self.name}.log"
        self.settings: dict[str, str] = {}  # more environment, for tests
        self._pid_file = process.PidFile(stack.dir / "pids", self.name)
        self._lock = threading.Lock()

    # What a subclass says.

    def ports(self) -> dict[str, int]:
        """The ports it listens on, by the name under which they are configured."""
        return {self.name: self.port}

    def prepare(self) -> None:
        """Makes its folders, data and configuration; called before each start."""

    def clear_leftovers(self) -> None:
        """Removes what a killed predecessor left behind; called before each start, when none runs."""

    def after_stop(self, clean: bool) -> None:
        """Called after each stop; clean: it ended by itself, in time."""

    def argv(self) -> list[str]:
        raise NotImplementedError

    def hints(self) -> list[str]:
        """Arguments right after the first that make no difference but in speed: no reason to start anew."""
        return []

    def environment(self) -> dict[str, str]:
        """What it has to be told to run in this stack."""
        return {}

    def whole_environment(self) -> dict[str, str]:
        """With what an operator has set."""
        return self.environment()

    def reads(self) -> list[Path]:
        """Files that it reads when it starts: when one changes, it is started anew."""
        return []

    def needs_paths(self) -> list[Path]:
        """Files and folders that its user must be able to reach."""
        return [self.stack.dir, self.stack.repo]

    def ready(self) -> bool:
        raise NotImplementedError

    # What every server has.

    @property
    def host(self) -> str:
        return self.stack.hosts.get(self.name, HOST)

    @property
    def port(self) -> int:
        return self.stack.ports[self.name]

    @property
    def pid(self) -> int | None:
        started = self._pid_file.running()
        return started.pid if started else None

    def alive(self) -> bool:
        return self._pid_file.running() is not None

    def log_since_start(self) -> str:
        """What it has logged since it was started last."""
        started = self._pid_file.read()
        with open(self.log, "rb") as file:
            file.seek(started.log_offset if started else 0)
            return file.read().decode(errors="replace")

    def with_file(self, own: dict[str, str]) -> dict[str, str]:
        """`own`, and what the file of this server in the stack's folder of settings adds to it."""
        if self.stack.settings is None:
            return own
        path = self.stack.settings / f"{self.name}.env"
        added = read_settings(path)
        for name in own.keys() & added.keys():
            raise StackError(f"{path}: {name} is set by the stack itself")
        return own | added

    def launch(self) -> bool:
        """Starts it unless it runs as it should already. True if it was started. Does not wait."""
        with self._lock:
            self.prepare()
            argv = self.argv()
            # Not the caller's PATH: from another shell a server would seem to have changed.
            env = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(self.stack.dir)}
            env |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
            env |= self.whole_environment() | self.settings
            fingerprint = self._fingerprint(argv, env)
            running = self._pid_file.running()
            if running and running.fingerprint == fingerprint:
                return False
            if running:
                self.stack.progress.say(f"{self.name}: has changed, is started anew")
                self._stop()
            for name, port in self.ports().items():
                require_free(name, port)
            self.clear_leftovers()
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._pid_file.pid_path.parent.mkdir(parents=True, exist_ok=True)
            whole = account.wrap([argv[0], *self.hints(), *argv[1:]], *self.needs_paths())
            self._pid_file.write(process.spawn(whole, env, self.stack.dir, self.log, fingerprint))
            return True

    def await_ready(self, seconds: float | None = None) -> None:
        """Waits until it is ready; a StackError with the end of its log if it ends or takes too long."""
        seconds = seconds or self.start_seconds
        deadline = time.monotonic() + seconds
        pause = 0.05
        while True:
            check_cancelled()
            started = self._pid_file.read()
            offset = started.log_offset if started else 0
            if not self.alive():
                status = process.exit_status(started.pid) if started else None
                how = "is not running" if status is None else f"ended with {_describe(status)}"
                raise StackError(f"{self.name} {how}", self.log, offset)
            if self.ready():
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} is not ready after {seconds:.0f} s{self.why()}", self.log, offset)
            time.sleep(pause)
            pause = min(pause * 1.2, 0.5)  # each question may be a line in its log

    def why(self) -> str:
        """What it says itself about not being ready, if it can be asked."""
        return ""

    def start(self) -> None:
        with self.stack.progress.step(self.name) as step:
            launched = self.launch()
            self.await_ready()
            listens = ", ".join(str(port) for port in self.ports().values())
            step.done = f"ready, port {listens}" if launched else None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal; after SIGKILL it waits until the process is gone."""
        started = self._pid_file.running()
        if started is None or not process.send(started, number):
            raise StackError(f"{self.name} is not running")
        if number == signal.SIGKILL:
            process.wait_gone(started, 10)

    def stop(self) -> int | None:
        """Stops it if it runs. Its exit status, where that can be known: 0, or minus the signal's number."""
        with self._lock:
            return self._stop()

    def _stop(self) -> int | None:
        started = self._pid_file.running()
        if started is None:
            self._pid_file.pid_path.unlink(missing_ok=True)
            return None
        clean = process.stop(started, self.stop_signal, self.stop_seconds)
        if not clean:
            self.stack.progress.say(f"{self.name}: did not stop in {self.stop_seconds:.0f} s and was killed")
        status = process.exit_status(started.pid)
        self._pid_file.remove()
        self.after_stop(clean)
        return status

    def tail(self, lines: int = 15) -> list[str]:
        return tail(self.log, 0, lines)

    def _fingerprint(self, argv: list[str], env: dict[str, str]) -> str:
        parts: list[object] = [argv, env]
        for path in self.reads():
            status = path.stat()
            parts.append([str(path), status.st_mtime_ns, status.st_size])
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def http_get(url: str, seconds: float = 2.0) -> tuple[int, str]:
    """(status, body); status 0 and the reason if there is no answer."""
    try:
        with direct.open(url, timeout=seconds) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, str(error)


def local_url(port: int, host: str = HOST, scheme: str = "http") -> str:
    return f"{scheme}://{host}:{port}"


def fill(template: Path, values: dict[str, object]) -> str:
    """The text of `template` with each {{name}} replaced."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value))
    return text


def write_if_changed(path: Path, text: str, mode: int = 0o640) -> Path:
    """Writes a generated file, and leaves it untouched if it says that already."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    account.own(path, mode)
    return path


def _describe(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
