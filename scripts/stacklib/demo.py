"""Demo data: rooms and four weeks of bookings, made through the HTTP API like anybody's.

They fill the weeks from next Monday on, always with the same bookings, so that the README's tour gives the same figures
on every day. Each has its own Idempotency-Key: a load that was interrupted goes on where it was, and one that was
completed is not repeated. Whatever else is there goes first: among somebody's rooms there is no demo, and a load that finds its
times taken, or past, ends there. That is no failure, since containers wait for this step before they let anybody in.
"""

import http.client
import json
import random
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .errors import StackError

WEEKS = 4
BOOKINGS = 480
# The earliest start (UTC); the tour books before it.
FIRST_HOUR = 8

# Name, capacity, location, how much people like it.
ROOMS = [
    ("Aurora", 8, "2nd floor", 10),
    ("Borealis", 12, "2nd floor", 8),
    ("Cascade", 4, "2nd floor", 6),
    ("Delta", 4, "3rd floor", 5),
    ("Estuary", 20, "3rd floor", 4),
    ("Fjord", 6, "3rd floor", 6),
    ("Glacier", 2, "4th floor", 3),
    ("Harbour", 10, "4th floor", 5),
    ("Island", 40, "ground floor", 1),
    ("Jetty", 2, None, 2),
]
USERS = ("ann", "ben", "chloe", "daniel", "emma", "farid", "grace", "hugo", "ines", "jun", "kofi", "lena")
TITLES = (
    "Planning", "Stand-up", "Interview", "Design review", "Retrospective", "Customer call", "Budget",
    "One to one", "Workshop", "Training", None,
)  # fmt: skip
# By weekday (Monday first) and by hour from FIRST_HOUR on: Tuesday at ten is the busiest.
WEEKDAYS = (7, 10, 9, 8, 4)
HOURS = (2, 6, 10, 7, 2, 4, 9, 7, 4, 2)
MINUTES = (30, 60, 60, 60, 90, 120)


class _Refused(StackError):
    """What is there does not go together with the demo."""


class _Client:
    """One connection to command-svc, kept alive; what may go through later is tried again."""

    def __init__(self, stack):
        self.log = stack.command_svc.log
        self.connection = http.client.HTTPConnection(stack.command_svc.host, stack.command_svc.port, timeout=30)

    def send(self, method: str, path: str, body: dict, key: str, version: int | None = None) -> dict:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        status, text = self._ask(method, path, json.dumps(body), headers)
        if status in (409, 412, 422):
            raise _Refused(f"{method} {path} answers {status}: {text}")
        if not 200 <= status < 300:
            raise StackError(f"demo: {method} {path} answers {status or 'nothing'}: {text}", self.log)
        return json.loads(text)

    def has(self, path: str) -> bool:
        status, text = self._ask("GET", path)
        if status not in (200, 404):
            raise StackError(f"demo: GET {path} answers {status or 'nothing'}: {text}", self.log)
        return status == 200

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict | None = None
    ) -> tuple[int, str]:
        """(status, body); status 0 and the reason if there is no answer."""
        for _ in range(10):
            try:
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                status, text = answer.status, answer.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                status, text = 0, str(error)
            if status not in (0, 503) and "idempotency-in-progress" not in text:
                break
            time.sleep(1)
        return status, text


def load(stack) -> None:
    """Loads the demo, unless that has been done, or has turned out not to go together with what is there."""
    state = _state(stack)
    if state and state["complete"]:
        return
    client = _Client(stack)
    with stack.progress.step("demo") as step:
        try:
            state = state or _begin(stack, client)
            changed, cancelled = _book(client, datetime.fromisoformat(state["first_day"]))
            step.done = f"{len(ROOMS)} rooms, {BOOKINGS} bookings, {changed} changes, {cancelled} cancellations"
        except _Refused as error:
            step.done = f"left out: {error}"
    _remember(stack, state | {"complete": True})


def _begin(stack, client: _Client) -> dict:
    """The mark by which our rooms are told from somebody's: it is there before the first one. Rooms are never deleted."""
    if client.has("/v1/rooms/1"):
        raise _Refused("there are rooms already")
    today = datetime.now(timezone.utc)
    monday = today + timedelta(days=7 - today.weekday())
    state = {"first_day": monday.strftime("%Y-%m-%dT00:00:00+00:00"), "complete": False}
    _remember(stack, state)
    return state


def _book(client: _Client, first: datetime) -> tuple[int, int]:
    run = f"demo-{first:%Y%m%d}"
    chance = random.Random(1)
    rooms = [
        client.send("POST", "/v1/rooms", {"name": n, "capacity": c, "location": p}, f"{run}-room-{n}")["id"]
        for n, c, p, _ in ROOMS
    ]
    changed = cancelled = 0
    for number, (room, starts_at, ends_at) in enumerate(_slots(chance, first)):
        body = {
            "room_id": rooms[room],
            "user_id": chance.choice(USERS),
            "starts_at": _text(starts_at),
            "ends_at": _text(ends_at),
            "title": chance.choice(TITLES),
        }
        made = client.send("POST", "/v1/reservations", body, f"{run}-{number}")
        fate = chance.random()
        if fate < 0.07:
            reason = {"reason": chance.choice(("no longer needed", "moved online", "illness"))}
            client.send("POST", f"/v1/reservations/{made['id']}/cancellation", reason, f"{run}-{number}-cancel")
            cancelled += 1
        elif fate < 0.17:
            change = {"ends_at": _text(ends_at - timedelta(minutes=15)), "title": "Shorter, please"}
            client.send("PATCH", f"/v1/reservations/{made['id']}", change, f"{run}-{number}-change", 1)
            changed += 1
    return changed, cancelled


def _slots(chance: random.Random, first: datetime) -> list[tuple[int, datetime, datetime]]:
    """(index of the room, start, end) of bookings that do not overlap, as an office would have them."""
    days = [first + timedelta(days=day) for day in range(7 * WEEKS)]
    days = [day for day in days if day.weekday() < 5]
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    slots = []
    while len(slots) < BOOKINGS:
        room = chance.choices(range(len(ROOMS)), [room[3] for room in ROOMS])[0]
        day = chance.choices(days, [WEEKDAYS[day.weekday()] for day in days])[0]
        hour = FIRST_HOUR + chance.choices(range(len(HOURS)), HOURS)[0]
        starts_at = day + timedelta(hours=hour, minutes=chance.choice((0, 0, 0, 30)))
        ends_at = starts_at + timedelta(minutes=chance.choice(MINUTES))
        others = taken.setdefault(room, [])
        if all(ends_at <= other[0] or other[1] <= starts_at for other in others):
            others.append((starts_at, ends_at))
            slots.append((room, starts_at, ends_at))
    return slots


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(stack) -> Path:
    return stack.dir / "demo.json"


def _state(stack) -> dict:
    try:
        return json.loads(_path(stack).read_text())
    except (OSError, ValueError):  # not there, or cut off
        return {}


def _remember(stack, state: dict) -> None:
    _path(stack).write_text(json.dumps(state) + "\n")
