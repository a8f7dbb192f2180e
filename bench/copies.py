"""What bench/rebuild and bench/verify share: a stack with a full truth, and what a command costs in each process."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "scripts"))

from stacklib import command, mysql  # noqa: E402
from stacklib.errors import StackError  # noqa: E402
from stacklib.stack import Stack  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
# Of a verb with any number of rows.
MEMORY_MIB = 256
# In the order in which a rebuild and a verify read them.
EVENTS = "SELECT * FROM reservation_event ORDER BY reservation_id, version"
ROWS = "SELECT * FROM reservation ORDER BY id"


def arguments(doc: str, reservations: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--reservations", type=int, default=reservations, help=f"in MySQL at least (default: {reservations})"
    )
    parser.add_argument("--rooms", type=int, default=250, help="that are made for them (default: 250)")
    parser.add_argument("--rounds", type=int, default=3, help="the middle one counts (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--dir",
        type=Path,
        default=REPO / ".test/bench-copies",
        help="the stack's folder (default: .test/bench-copies)",
    )
    return parser.parse_args()


class Copies:
    """`with Copies(args) as copies:` a stack that runs, whose truth is full."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.stack = Stack(args.dir, ports="auto", preset="release")
        self.was_running = self.stack.mysql.alive()

    def __enter__(self) -> "Copies":
        self.stack.up()
        there = int(self.stack.mysql.sql("SELECT COUNT(*) FROM reservation", mysql.DATABASE))
        if there < self.args.reservations:
            missing = self.args.reservations - there
            self.stack.progress.say(f"filling MySQL with {missing} reservations")
            argv = [REPO / "bench/fill", "--dir", self.stack.dir, "--reservations", missing]
            argv += ["--rooms", self.args.rooms, "--seed", there + 1, "--no-binlog"]
            command.run([str(word) for word in argv], "bench/fill", self.stack.log("fill"))
        return self

    def __exit__(self, *_) -> None:
        if not self.was_running:
            self.stack.stop()

    def projector(self, *words: str) -> dict:
        """One of the projector's verbs: what it told and cost."""
        environment = os.environ | self.stack.projector.environment() | {"RR_LOG_LEVEL": "warn"}
        return self.measure([str(self.stack.projector.binary), *words, "--json"], environment)

    def read_truth(self, *statements: str) -> dict:
        """The limit: MySQL's own client takes the same rows and drops them."""
        argv = [
            *self.stack.mysql.client_argv(),
            "--quick",
            "--skip-column-names",
            "--execute",
            "; ".join(statements),
        ]
        return self.measure([*argv, mysql.DATABASE])

    def psql(self, *statements: str, out: Path | None = None, source: Path | None = None) -> dict:
        argv = [*self.stack.postgres.client_argv(), "-qAtX", "-v", "ON_ERROR_STOP=1"]
        return self.measure([*argv, *(word for one in statements for word in ("-c", one))], out=out, source=source)

    def schema(self) -> str:
        return (
            "g"
            + self.stack.postgres.sql(
                "SELECT generation FROM projection.generation WHERE state = 'serving'"
            ).strip()
        )

    def measure(self, argv: list[str], environment: dict | None = None, out=None, source=None) -> dict:
        """Seconds by the clock, and of CPU in each process."""
        roots = {"mysql": self.stack.mysql.pid, "postgres": self.stack.postgres.pid}
        before = {name: cpu_seconds(pid) for name, pid in roots.items()}
        began = time.monotonic()
        with (
            open(out, "wb") if out else tempfile.TemporaryFile() as told,
            open(source or os.devnull, "rb") as given,
        ):
            process = subprocess.Popen(argv, env=environment, stdin=given, stdout=told)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - began
            text = b""
            if not out:
                told.seek(0)
                text = told.read(1 << 20)
        if process.returncode:
            raise StackError(f"{Path(argv[0]).name} ended with {process.returncode}")
        cpu = {"itself": usage.ru_utime + usage.ru_stime}
        cpu |= {name: cpu_seconds(pid) - before[name] for name, pid in roots.items()}
        told = json.loads(text) if text.startswith(b"{") else None
        return {"seconds": seconds, "cpu": cpu, "memory_mib": usage.ru_maxrss / 1024, "told": told}


def cpu_seconds(root: int) -> float:
    """Of a process, its children, and those children that have ended."""
    parents, ticks = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # gone just now
            continue
        parents[int(name)] = int(fields[1])
        ticks[int(name)] = sum(map(int, fields[11:15]))
    return sum(n for pid, n in ticks.items() if root in (pid, parents[pid])) / TICKS


def middle(runs: list[dict]) -> dict:
    return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]


def row(name: str, run: dict) -> str:
    cells = [f"{run['seconds']:.1f}", *(f"{run['cpu'][key]:.1f}" for key in ("itself", "mysql", "postgres"))]
    return f"| {name} | {' | '.join(cells)} |"


HEAD = "| what | seconds | CPU s itself | MySQL | PostgreSQL |\n| --- | --- | --- | --- | --- |"


def report(args: argparse.Namespace, name: str, runs: dict[str, dict], said: list[str]) -> None:
    print("\n".join([HEAD, *(row(label, run) for label, run in runs.items()), *said]))
    if args.json:
        args.json.write_text(json.dumps({"benchmark": name, "runs": runs, "said": said}, indent=2) + "\n")


def misses(run: dict, seconds: float) -> list[str]:
    said = []
    if run["seconds"] > seconds:
        said.append(f"{run['seconds']:.1f} s, the target is {seconds:.0f} s")
    if run["memory_mib"] > MEMORY_MIB:
        said.append(f"{run['memory_mib']:.0f} MiB of memory, the limit is {MEMORY_MIB} MiB")
    return said
