"""Servers as processes: detached, found again by pid and start time, stopped by pid only.

A pid file alone proves nothing: the machine may have given the number to another process. Beside each
pid stands what the process was started as, and at what tick of which boot.
"""

import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# Those started by this very Python process: only for them is an exit status to be had.
_children: dict[int, subprocess.Popen] = {}


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_time(pid: int) -> int | None:
    """The clock tick at which `pid` started; None if it is gone. A zombie is gone once its last thread is: until
    then its ports and files are still held."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold anything
    threads = int(fields[17])
    return None if fields[0] in "ZX" and threads <= 1 else int(fields[19])


@dataclass(frozen=True)
class Started:
    """What the files beside a running server say."""

    pid: int
    start_time: int
    boot_id: str
    fingerprint: str
    log_offset: int


class PidFile:
    """`<folder>/<name>.pid` with the bare number for people and tools, `<name>.json` with the identity."""

    def __init__(self, folder: Path, name: str):
        self.pid_path = folder / f"{name}.pid"
        self.identity_path = folder / f"{name}.json"

    def write(self, started: Started) -> None:
        self.identity_path.write_text(json.dumps(started.__dict__) + "\n")
        self.pid_path.write_text(f"{started.pid}\n")

    def read(self) -> Started | None:
        """What was started last, whether it still runs or not."""
        try:
            return Started(**json.loads(self.identity_path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> Started | None:
        started = self.read()
        if started is None or _start_time(started.pid) != started.start_time:
            return None
        return started if started.boot_id == _boot_id() else None

    def remove(self) -> None:
        self.pid_path.unlink(missing_ok=True)
        self.identity_path.unlink(missing_ok=True)


def spawn(argv: list[str], env: dict[str, str], cwd: Path, log: Path, fingerprint: str) -> Started:
    """Starts `argv` in a session of its own, so that it outlives us; its output is appended to `log`."""
    with open(log, "ab") as out:
        offset = out.tell()
        process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _children[process.pid] = process
    return Started(process.pid, _start_time(process.pid) or -1, _boot_id(), fingerprint, offset)


def exit_status(pid: int) -> int | None:
    """The exit status (negative: the signal) of a process that ended and that this process had started."""
    process = _children.get(pid)
    return process.poll() if process else None


def send(started: Started, number: int) -> bool:
    """Sends a signal to exactly that process; False if it is gone."""
    try:
        fd = os.pidfd_open(started.pid)
    except ProcessLookupError:
        return False
    try:
        if _start_time(started.pid) != started.start_time:
            return False
        signal.pidfd_send_signal(fd, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)


def wait_gone(started: Started, seconds: float) -> bool:
    """Waits until the process has ended; False if it has not within `seconds`."""
    try:
        fd = os.pidfd_open(started.pid)
    except ProcessLookupError:
        return True
    try:
        if _start_time(started.pid) != started.start_time:
            return True
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(fd)


def stop(started: Started, number: int, seconds: float) -> bool:
    """Asks the process to end, waits for `seconds`, then kills it. False if it had to be killed."""
    if not send(started, number):
        return True
    send(started, signal.SIGCONT)  # a stopped process takes no other signal but SIGKILL
    if wait_gone(started, seconds):
        return True
    send(started, signal.SIGKILL)
    wait_gone(started, 10)
    return False


def working_in(folder: Path) -> list[int]:
    """The processes whose working folder is `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and os.readlink(entry / "cwd") == str(folder):
                found.append(int(entry.name))
        except OSError:
            continue  # gone by now, a zombie, or not ours to look at
    return found


def wait_until(condition, seconds: float, interval: float = 0.05) -> bool:
    """Polls `condition` until it holds; False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
