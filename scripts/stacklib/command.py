"""Runs helper programs (apt, Maven, CMake, dbmate, SQL clients) to their end."""

import os
import shlex
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from .errors import Cancelled, StackError

_cancelled = threading.Event()
_running: set[subprocess.Popen] = set()
_lock = threading.Lock()


def cancel_all() -> None:
    """Ends every helper that is running and lets no other begin: a part has failed already. One that must not be torn
    out of its work is left to its end."""
    _cancelled.set()
    with _lock:
        for process in _running:
            _end(process)


def _end(process: subprocess.Popen) -> None:
    """Ends it with all that it has started: a CMake that is gone would leave its compilers at work in the build folder."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):  # gone just now; run by sudo
            os.killpg(process.pid, signal.SIGTERM)


def reset() -> None:
    _cancelled.clear()


def check_cancelled() -> None:
    if _cancelled.is_set():
        raise Cancelled()


def run(
    argv: list[str],
    what: str,
    log: Path | None = None,
    env: dict[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
    may_be_ended: bool = True,
) -> str:
    """Runs `argv` and returns its standard output. Its output goes to `log` instead, if one is given.
    Raises StackError, which says `what` failed and shows the output, when it does not exit with 0."""
    check_cancelled()
    out = open(log, "ab") if log else subprocess.PIPE
    offset = out.tell() if log else 0
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise StackError(f"{what}: cannot run {argv[0]}: {error.strerror}") from error
    finally:
        if log:
            out.close()
    if may_be_ended:
        with _lock:
            _running.add(process)
            if _cancelled.is_set():
                _end(process)
    try:
        stdout, stderr = process.communicate(stdin.encode() if stdin is not None else None)
    except BaseException:  # Ctrl-C
        if may_be_ended:
            _end(process)
        raise
    finally:
        with _lock:
            _running.discard(process)
    if process.returncode == 0:
        return (stdout or b"").decode(errors="replace")
    check_cancelled()
    status = f"exit status {process.returncode}, command: {shlex.join(argv)}"
    if log:
        raise StackError(f"{what} failed ({status})", log, offset)
    text = ((stdout or b"") + (stderr or b"")).decode(errors="replace").rstrip()
    raise StackError(f"{what} failed ({status})\n" + "\n".join(f"  | {t}" for t in text.splitlines()[-20:]))
