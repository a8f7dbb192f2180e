"""64 clients in a few hot rooms: what is acknowledged stays, nothing overlaps, and every answer is one of the contract's.

Each race is a mix of bookings, moves and cancellations on the same reservations by clients that know nothing of each
other. Afterwards the audit asks the database, not the service. Run: tests/chaos/races --help
"""

import argparse
import json
import random
import signal
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymysql
from chaos import audit, lanes
from chaos.lanes import Answer, Call
from stacklib.errors import StackError
from stacklib.stack import REPO, Stack

CLIENTS = 64
ALLOWED = {200, 201, 404, 409, 412, 422, 503}
SLOT = timedelta(minutes=30)


@dataclass(frozen=True)
class Mix:
    """How often each kind of write is drawn, in which arena. `swaps`: a moved reservation goes to where another one is
    while that one comes to its place. `retried`: each write is sent by several clients under one key, some of which hang
    up without waiting for the answer."""

    name: str
    rooms: int
    slots: int
    create: int = 0
    move: int = 0
    cancel: int = 0
    swaps: bool = False
    retried: bool = False


RACES = (
    Mix("create against create", rooms=2, slots=16, create=9, cancel=1),
    Mix("create against move", rooms=3, slots=16, create=4, move=4, cancel=1),
    Mix("move against move", rooms=2, slots=12, create=2, move=9, cancel=1, swaps=True),
    Mix("cancel against move", rooms=2, slots=12, create=3, move=5, cancel=3),
    Mix("retries under one key", rooms=2, slots=16, create=4, move=3, cancel=2, retried=True),
)


@dataclass
class Known:
    """A reservation as a client has last seen it; by now it may be different."""

    id: str
    version: int
    room_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass
class Intent:
    """One write that several clients send under one key, until each has its answer."""

    call: Call
    left: int
    answer: tuple | None = None


@dataclass
class Race:
    mix: Mix
    attempts_max: int
    deadline: float
    rooms: list[int]
    rng: random.Random
    attempts: int = 0
    statuses: Counter = field(default_factory=Counter)
    promised: dict[tuple[str, int], tuple] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=lambda: {"bad answers": [], "contradictions": []})
    unknown: int = 0  # writes of which nobody was told how they ended
    seconds: float = 0.0
    deadlocks: int = 0  # of the whole server meanwhile; tried again by the service, but each one is worth a look
    known: dict[str, Known] = field(default_factory=dict)
    swaps: deque = field(default_factory=deque)
    intents: deque = field(default_factory=deque)
    first_day: datetime = field(
        default_factory=lambda: (
            datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=3)
        )
    )

    # ---- what the clients do ----

    def script(self) -> lanes.Script:
        while self.attempts < self.attempts_max and time.monotonic() < self.deadline:
            if self.mix.retried:
                yield from self._retried()
            else:
                yield self._write()

    def _write(self) -> Call:
        kinds = (self._create, self._move, self._cancel)
        weights = (self.mix.create, self.mix.move, self.mix.cancel)
        kind = self.rng.choices(kinds, weights)[0]
        return self._create() if not self.known else kind()

    def _create(self) -> Call:
        starts_at, ends_at = self._time()
        body = {
            "room_id": self.rng.choice(self.rooms),
            "user_id": f"racer-{self.rng.randrange(100)}",
            "starts_at": _text(starts_at),
            "ends_at": _text(ends_at),
        }
        return Call("POST", "/v1/reservations", body)

    def _move(self) -> Call:
        if self.swaps:
            one, there = self.swaps.popleft()
            return self._put(one, there.room_id, there.starts_at, there.ends_at)
        one = self._any()
        if self.mix.swaps and self.rng.random() < 0.5:
            other = self._any()
            self.swaps.append((other, one))
            return self._put(one, other.room_id, other.starts_at, other.ends_at)
        return self._put(one, self.rng.choice(self.rooms), *self._time())

    def _put(self, one: Known, room_id: int, starts_at: datetime, ends_at: datetime) -> Call:
        body = {"room_id": room_id, "starts_at": _text(starts_at), "ends_at": _text(ends_at)}
        return Call("PATCH", f"/v1/reservations/{one.id}", body, {"If-Match": f'"{one.version}"'})

    def _cancel(self) -> Call:
        return Call("POST", f"/v1/reservations/{self._any().id}/cancellation", {"reason": "raced"})

    def _any(self) -> Known:
        return self.rng.choice(list(self.known.values()))

    def _time(self) -> tuple[datetime, datetime]:
        """One to three slots of the only day that there is."""
        first = self.rng.randrange(self.mix.slots)
        starts_at = self.first_day + first * SLOT
        return starts_at, starts_at + self.rng.randint(1, 3) * SLOT

    def _retried(self) -> lanes.Script:
        if not self.intents:
            intent = Intent(self._write(), left=self.rng.randint(2, 4))
            intent.call.headers["Idempotency-Key"] = uuid.uuid4().hex
            self.intents.append(intent)
        intent = self.intents[0]
        intent.left -= 1
        if intent.left == 0:
            self.intents.popleft()
        answer = None
        while answer is None or answer.status in (0, 503) or answer.code == "idempotency-in-progress":
            patience = self.rng.uniform(0, 0.05) if self.rng.random() < 0.3 else None
            call = intent.call
            answer = yield Call(call.method, call.path, call.body, call.headers, patience)
            if time.monotonic() > self.deadline + 10:
                self.unknown += 1
                return
        decided = (answer.status, {k: v for k, v in answer.json.items() if k != "request_id"})
        if intent.answer not in (None, decided):
            self.findings["contradictions"].append(f"one key, two answers: {intent.answer} and {decided}")
        intent.answer = decided

    # ---- what comes of it ----

    def note(self, call: Call, answer: Answer | None) -> None:
        self.attempts += 1
        if answer is None:
            self.statuses["hung up"] += 1
            return
        self.statuses[answer.status] += 1
        if answer.status not in ALLOWED:
            self.findings["bad answers"].append(f"{call.method} {call.path} {call.body}: {answer}")
        elif answer.status in (200, 201):
            self._promise(answer.json)
        elif answer.code == "version-stale":
            self._seen(call, answer.json["version"])
        elif answer.code == "reservation-cancelled":
            self.known.pop(call.path.split("/")[3], None)
        if answer.status == 0 or (answer.code == "outcome-unknown" and not self.mix.retried):
            self.unknown += 1

    def _promise(self, told: dict) -> None:
        key = (told["id"], told["version"])
        state = (told["room_id"], _moment(told["starts_at"]), _moment(told["ends_at"]), told["state"])
        if self.promised.setdefault(key, state) != state:
            self.findings["contradictions"].append(f"{key} is {self.promised[key]}, and {state}")
        known = self.known.get(told["id"])
        if told["state"] == "cancelled":
            self.known.pop(told["id"], None)
        elif not known or known.version < told["version"]:
            if known or told["version"] == 1:
                self.known[told["id"]] = Known(told["id"], told["version"], *state[:3])

    def _seen(self, call: Call, version: int) -> None:
        known = self.known.get(call.path.split("/")[3])
        if known:
            known.version = max(known.version, version)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# ---- running ----


def make_rooms(port: int, n: int) -> list[int]:
    rooms = []

    def ask() -> lanes.Script:
        for _ in range(n):
            answer = yield Call("POST", "/v1/rooms", {"name": f"race {uuid.uuid4()}", "capacity": 4})
            if answer.status != 201:
                raise StackError(f"no room could be made: {answer}")
            rooms.append(answer.json["id"])

    lanes.run(port, [ask()], lambda call, answer: None)
    return rooms


def hold(port: int, mysql, mix: Mix, attempts: int, seconds: float, seed: int, clients: int = CLIENTS) -> Race:
    """Runs one race and audits it; `findings` of the result holds what must not be, all of it empty."""
    race = Race(mix, attempts, time.monotonic() + seconds, make_rooms(port, mix.rooms), random.Random(seed))
    began, deadlocks = time.monotonic(), audit.deadlocks(mysql)
    lanes.run(port, [race.script() for _ in range(clients)], race.note)
    race.seconds = time.monotonic() - began
    race.deadlocks = audit.deadlocks(mysql) - deadlocks
    race.findings |= audit.findings(mysql, race.rooms, race.promised, all_told=race.unknown == 0)
    return race


def line(race: Race) -> str:
    statuses = ", ".join(f"{status}: {n}" for status, n in sorted(race.statuses.items(), key=str))
    found = ", ".join(f"{name} {len(items)}" for name, items in race.findings.items())
    rate = race.attempts / race.seconds
    head = f"{race.mix.name}: {race.attempts} attempts in {race.seconds:.0f} s ({rate:.0f}/s), {race.deadlocks} deadlocks"
    return f"{head}\n  {statuses}\n  {found}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/chaos/races", description=__doc__)
    parser.add_argument("--attempts", type=int, default=100_000, help="in all (default: 100000)")
    parser.add_argument("--seconds", type=float, default=1800, help="no longer than this in all (default: 1800)")
    parser.add_argument("--clients", type=int, default=CLIENTS, help=f"at once (default: {CLIENTS})")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the same draws")
    parser.add_argument("--preset", default="release", help="which build of the service (default: release)")
    parser.add_argument(
        "--dir", type=Path, default=REPO / ".test/races", help="the stack's folder (default: .test/races)"
    )
    return parser.parse_args()


def run_all(args, stack) -> Iterator[Race]:
    mysql = pymysql.connect(
        host="127.0.0.1",
        port=stack.mysql.port,
        user="root",
        password=stack.mysql.password("root"),
        database="reservations",
        autocommit=True,
    )
    for number, mix in enumerate(RACES):
        share = len(RACES)
        yield hold(
            stack.command_svc.port, mysql, mix, args.attempts // share, args.seconds / share, args.seed + number,
            args.clients,
        )  # fmt: skip
    mysql.close()


def main() -> int:
    # Whoever ends us ends what we have started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args = arguments()
    stack = Stack(args.dir, ports="auto", preset=args.preset)
    was_running = stack.command_svc.alive()
    attempts = 0
    unsound = 0
    try:
        stack.up_writes()
        print(f"seed {args.seed}", flush=True)
        for race in run_all(args, stack):
            print(line(race), flush=True)
            attempts += race.attempts
            for name, items in race.findings.items():
                unsound += len(items)
                for item in items[:5]:
                    print(f"  {name}: {item}")
    finally:
        if not was_running:
            stack.stop(["command-svc", "mysql"])
    print(json.dumps({"attempts": attempts, "unsound": unsound, "seed": args.seed}))
    return 1 if unsound else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"tests/chaos/races: {error}")
