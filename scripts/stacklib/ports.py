"""Which port each server listens on, and who has it when it is taken."""

import json
import os
import random
import socket
from pathlib import Path

from .errors import StackError

HOST = "127.0.0.1"

DEFAULT = {
    "gateway": 8000,
    "command-svc": 8080,
    "query-svc": 8090,
    "projector": 8070,
    "mysql": 13306,
    "postgres": 15432,
    "kafka": 19092,
    "kafka-controller": 19093,
    "connect": 18083,
}

# Below the ports that the kernel hands to outgoing connections: one of those cannot take ours
# between choosing and listening.
_AUTO_RANGE = range(20000, 32000)


def variable(name: str) -> str:
    return "RR_STACK_PORT_" + name.upper().replace("-", "_")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)  # a bind alone succeeds beside a listener that also set the option
        except OSError:
            return False
    return True


def _choose(taken: set[int]) -> int:
    for port in random.sample(_AUTO_RANGE, 500):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port between {_AUTO_RANGE.start} and {_AUTO_RANGE.stop}")


def allot(file: Path, mode: str) -> dict[str, int]:
    """The port of each server: from the environment, else as `file` remembers them, else by `mode`
    ("default" or "auto"). Writes nothing: remember() does, once the stack becomes one."""
    known = _known(file)
    ports = {}
    for name, default in DEFAULT.items():
        text = os.environ.get(variable(name))
        if text is not None:
            if not text.isdecimal() or not 0 < int(text) < 65536:
                raise StackError(f"{variable(name)}={text!r}: expected a port number, 1 to 65535")
            ports[name] = int(text)
        elif name in known:
            ports[name] = known[name]
        else:
            ports[name] = default if mode == "default" else _choose(set(ports.values()))
    return ports


def remember(file: Path, ports: dict[str, int]) -> None:
    """A stack keeps its ports until it is wiped, so that its clients find it again."""
    if ports != _known(file):
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(ports, indent=2) + "\n")
        partial.rename(file)


def _known(file: Path) -> dict[str, int]:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def _owner(port: int) -> str:
    """Whoever listens on `port`, as far as we may see it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in (row.split() for row in rows):
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if any(os.readlink(fd) in inodes for fd in (entry / "fd").iterdir()):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"process {entry.name} ({words.strip()[:80]})"
        except OSError:
            continue
    return "another process"


def require_free(name: str, port: int) -> None:
    if is_free(port):
        return
    raise StackError(
        f"port {port}, which {name} needs, is taken by {_owner(port)}.\n"
        f"  Stop that process, or choose another port: {variable(name)}=<port> scripts/up\n"
        "  (scripts/stack --ports auto up takes free ports for all servers of a new stack)"
    )
