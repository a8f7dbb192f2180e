"""Random calls, and a model in Python that says what each has to answer and what stands at the end.

RR_SEED repeats a run; a failure names its seed and the calls that led to it."""

import os
import random
import time
import uuid
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from support import times
from support.api import Answer, unique
from support.model import Model, Request

SECONDS = float(os.environ.get("RR_PROPERTY_SECONDS", "20"))
SEED = int(os.environ.get("RR_SEED", random.randrange(10**6)))
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
ALTERNATIVES_SHOWN = 5
OFFSETS = ("Z", "+00:00", "+09:00", "-05:30")


class Caller:
    """Draws requests that mostly make sense, and often collide."""

    def __init__(self, seed: int, model: Model):
        self.rng = random.Random(seed)
        self.model = model
        self.users = [unique("user") for _ in range(3)]
        self.prefix = unique("room")
        # Larger than the rooms of other tests, which then are no alternatives.
        self.capacity = self.rng.randrange(20_000, 90_000)
        self.sent: deque[Request] = deque(maxlen=40)

    def draw(self) -> Request:
        keyed = [request for request in self.sent if request.key]
        if keyed and self.rng.random() < 0.08:
            return self.rng.choice(keyed)
        kinds = {
            self._create_room: 1 if len(self.model.rooms) < 6 else 0.15,
            self._change_room: 1,
            self._create: 6,
            self._change: 6,
            self._cancel: 2,
        }
        if not self.model.rooms:
            request = self._create_room()
        else:
            request = self.rng.choices(list(kinds), list(kinds.values()))[0]()
        self.sent.append(request)
        return request

    def _key(self) -> str | None:
        keyed = [request.key for request in self.sent if request.key]
        if keyed and self.rng.random() < 0.03:
            return self.rng.choice(keyed)
        return uuid.uuid4().hex if self.rng.random() < 0.4 else None

    def _name(self) -> str:
        name = f"{self.prefix} Ä{self.rng.randrange(20)}"
        return self.rng.choice((name, name.lower(), name.upper()))

    def _create_room(self) -> Request:
        body = {"name": self._name(), "capacity": self.capacity + self.rng.randrange(5)}
        spoilt = None
        if self.rng.random() < 0.1:
            body, spoilt = self._spoil(body, {"capacity": (0, 100_001), "name": ("", "x" * 201, "a\tb")})
        return Request("POST", "/v1/rooms", body, key=self._key(), spoilt=spoilt)

    def _change_room(self) -> Request:
        number, room = self.rng.choice(list(self.model.rooms.items()))
        body = {
            "name": self._name(),
            "capacity": self.capacity + self.rng.randrange(5),
            "active": self.rng.random() < 0.8,
            "location": self.rng.choice((None, "first floor")),
        }
        body = {name: body[name] for name in self.rng.sample(list(body), self.rng.randint(0, 2))}
        if self.rng.random() < 0.05:
            number = 10**12
        return Request("PATCH", f"/v1/rooms/{number}", body, self._if_match(room.version), self._key())

    def _create(self) -> Request:
        starts_at, ends_at = self._times()
        body = {
            "room_id": self._room_id(),
            "user_id": self.rng.choice(self.users),
            "starts_at": self._text(starts_at),
            "ends_at": self._text(ends_at),
        }
        if self.rng.random() < 0.5:
            body["title"] = self.rng.choice((None, "Planung", "계획"))
        spoilt = None
        if self.rng.random() < 0.08:
            bad = {"title": ("", "x" * 201), "user_id": ("", "x" * 129), "room_id": (0,)}
            body, spoilt = self._spoil(body, bad)
        return Request("POST", "/v1/reservations", body, key=self._key(), spoilt=spoilt)

    def _change(self) -> Request:
        number, version = self._reservation()
        starts_at, ends_at = self._times()
        body = {
            "room_id": self._room_id(),
            "starts_at": self._text(starts_at),
            "ends_at": self._text(ends_at),
            "title": self.rng.choice((None, "Planung", "x")),
        }
        body = {name: body[name] for name in self.rng.sample(list(body), self.rng.randint(0, 4))}
        spoilt = None
        if self.rng.random() < 0.05:
            body, spoilt = self._spoil(body, {"title": ("",)})
        return Request("PATCH", f"/v1/reservations/{number}", body, self._if_match(version), self._key(), spoilt)

    def _cancel(self) -> Request:
        number, version = self._reservation()
        body = self.rng.choice(({}, {"reason": None}, {"reason": "ill"}))
        if_match = self._if_match(version) if self.rng.random() < 0.3 else None
        return Request("POST", f"/v1/reservations/{number}/cancellation", body, if_match, self._key())

    def _spoil(self, body: dict, bad: dict) -> tuple[dict, tuple[int, set[str]]]:
        """A body that is refused as it stands, and how."""
        if self.rng.random() < 0.3:
            return {**body, "colour": "red"}, (400, {"colour"})
        name = self.rng.choice(list(bad))
        if self.rng.random() < 0.3:
            return {**body, name: [1]}, (400, {name})
        return {**body, name: self.rng.choice(bad[name])}, (422, {name})

    def _room_id(self) -> int:
        return 10**12 if self.rng.random() < 0.02 else self.rng.choice(list(self.model.rooms))

    def _reservation(self) -> tuple[str, int]:
        recent = list(self.model.reservations.items())[-40:]
        if not recent or self.rng.random() < 0.03:
            return str(uuid.uuid4()), 1
        number, reservation = self.rng.choice(recent)
        return number, reservation.version

    def _if_match(self, version: int) -> str | None:
        others = (None, "*", f'"{version + 1}"', f'"{max(1, version - 1)}"', f'"{version + 7}", "{version}"')
        return self.rng.choice(others) if self.rng.random() < 0.25 else f'"{version}"'

    def _times(self) -> tuple[datetime, datetime]:
        """Mostly an hour or two of one day; now and then what a rule forbids."""
        starts_at = DAY + timedelta(minutes=15 * self.rng.randrange(96))
        ends_at = starts_at + timedelta(minutes=self.rng.choice((15, 30, 45, 60, 120)))
        chance = self.rng.random()
        if chance < 0.03:
            return starts_at - timedelta(days=9), ends_at
        if chance < 0.05:
            return starts_at + timedelta(days=731), ends_at + timedelta(days=731)
        if chance < 0.07:
            return ends_at, starts_at
        if chance < 0.09:
            return starts_at, starts_at + timedelta(days=31, minutes=1)
        if chance < 0.1:
            return starts_at, starts_at + timedelta(days=31)
        return starts_at, ends_at

    def _text(self, moment: datetime) -> str:
        offset = self.rng.choice(OFFSETS)
        sign = -1 if offset[0] == "-" else 1
        shift = timedelta(0) if offset == "Z" else timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
        return f"{moment + sign * shift:%Y-%m-%dT%H:%M:%S}{self.rng.choice(('', '.0', '.000000'))}{offset}"


def check(outcome, answer: Answer, known: dict) -> None:
    """`known`: the model's rooms; there may be others, of which it knows nothing."""
    assert answer.status == outcome.status, f"expected {outcome}"
    assert (answer.headers.get("Idempotency-Replayed") == "true") == outcome.replayed
    if outcome.code:
        assert answer["code"] == outcome.code, f"expected {outcome}"
    if outcome.bad_names:
        assert answer.bad_names == outcome.bad_names
    got = {name: answer.json.get(name) for name in outcome.members}
    assert got == outcome.members
    if outcome.alternatives is not None:
        mine = [room for room in answer["alternatives"] if room["room_id"] in known]
        others = len(answer["alternatives"]) - len(mine)
        assert mine == outcome.alternatives[: ALTERNATIVES_SHOWN - others]
    if answer.status < 300 and not outcome.replayed:
        assert answer.etag == f'"{answer["version"]}"' and answer.token
        assert (answer.headers.get("Location") is not None) == (answer.status == 201)


@pytest.fixture
def driven(command):
    """A model that has seen as many random calls as fit into the time, each answer compared."""
    model = Model()
    caller = Caller(SEED, model)
    log = deque(maxlen=12)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        request = caller.draw()
        outcome = model.expect(request)
        answer = command.call(request.method, request.path, request.body, headers=request.headers)
        log.append(f"{request} → {answer}")
        try:
            check(outcome, answer, model.rooms)
        except AssertionError as error:
            calls = "\n".join(log)
            raise AssertionError(f"RR_SEED={SEED}: {error}\n{calls}") from None
        model.learn(request, outcome, answer.json)
        if outcome.made and not outcome.replayed:
            model.token = answer.token
    model.users = caller.users
    return model


def test_every_answer_and_the_state_are_the_models(driven, command, query, mysql):
    assert len(driven.reservations) > 20, f"RR_SEED={SEED}: hardly anything was booked"
    for number, reservation in driven.reservations.items():
        assert _members(command.reservation(number)) == _members(vars(reservation)), f"RR_SEED={SEED}: {number}"
    for number, room in driven.rooms.items():
        answer = command.room(number)
        assert {name: answer[name] for name in vars(room)} == vars(room), f"RR_SEED={SEED}: room {number}"
    assert _journal(mysql, driven.reservations) == {
        (number, event.state.version): (event.kind, event.reason, "admin", *_members(vars(event.state)).values())
        for number, events in driven.history.items()
        for event in events
    }, f"RR_SEED={SEED}"
    for user in driven.users:
        pages = query.walk(f"/v1/users/{user}/reservations", token=driven.token, limit=200)
        shown = {item["id"]: _members(item) for page in pages for item in page}
        assert shown == {
            number: _members(vars(r)) for number, r in driven.reservations.items() if r.user_id == user
        }, f"RR_SEED={SEED}: {user}"


def _members(state) -> dict:
    """Those of a reservation that the model knows, in one order, times as the services write them."""
    names = ("room_id", "user_id", "title", "starts_at", "ends_at", "state", "version")
    return {n: times.text(state[n]) if isinstance(state[n], datetime) else state[n] for n in names}


def _journal(mysql, reservations) -> dict[tuple, tuple]:
    """The events of these reservations, as they stand in MySQL."""
    with mysql.cursor() as cursor:
        numbers = ", ".join(f"UUID_TO_BIN('{number}')" for number in reservations)
        cursor.execute(
            "SELECT BIN_TO_UUID(reservation_id), version, kind, reason, recorded_by, room_id, user_id, title, starts_at,"
            f" ends_at, state, version FROM reservation_event WHERE reservation_id IN ({numbers})"
        )
        rows = cursor.fetchall()
    text = [[times.text(v.replace(tzinfo=UTC)) if isinstance(v, datetime) else v for v in row] for row in rows]
    return {(row[0], row[1]): tuple(row[2:]) for row in text}
