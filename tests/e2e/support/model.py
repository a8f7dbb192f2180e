"""command-svc as docs/api.md has it, in a page of Python: what each call has to answer, and what stands afterwards."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from . import times

GRACE = timedelta(minutes=5)
HORIZON = timedelta(days=730)
LONGEST = timedelta(days=31)
CONFLICTS_SHOWN = 20


@dataclass(frozen=True)
class Request:
    """`spoilt`: the body is one that is refused as it stands, with this status and these bad fields."""

    method: str
    path: str
    body: dict
    if_match: str | None = None
    key: str | None = None
    spoilt: tuple[int, set[str]] | None = None

    @property
    def fingerprint(self) -> tuple:
        return (self.method, self.path, self.if_match, json.dumps(self.body))

    @property
    def headers(self) -> dict:
        return {"If-Match": self.if_match, "Idempotency-Key": self.key}


@dataclass(frozen=True)
class Room:
    name: str
    capacity: int
    location: str | None = None
    active: bool = True
    version: int = 1


@dataclass(frozen=True)
class Reservation:
    room_id: int
    user_id: str
    title: str | None
    starts_at: datetime
    ends_at: datetime
    state: str = "confirmed"
    version: int = 1

    @property
    def place(self) -> tuple:
        return (self.room_id, self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Event:
    kind: str
    state: Reservation
    reason: str | None


@dataclass
class Outcome:
    """What has to be answered. `made`: what was made or changed, else None."""

    status: int
    code: str | None = None
    members: dict = field(default_factory=dict)
    bad_names: set[str] = field(default_factory=set)
    made: Room | Reservation | None = None
    alternatives: list[dict] | None = None  # of the rooms that the model knows
    reason: str | None = None
    replayed: bool = False


def _refuse(status: int, code: str, **members) -> Outcome:
    return Outcome(status, code, members)


class Model:
    def __init__(self):
        self.rooms: dict[int, Room] = {}
        self.reservations: dict[str, Reservation] = {}
        self.history: dict[str, list[Event]] = {}
        self._kept: dict[str, tuple[tuple, int, dict]] = {}

    def expect(self, request: Request) -> Outcome:
        if request.method == "PATCH" and request.if_match is None:
            return _refuse(428, "precondition-required")
        if request.spoilt:
            status, names = request.spoilt
            return Outcome(status, "json-invalid" if status == 400 else "rule-broken", bad_names=names)
        if request.key in self._kept:
            fingerprint, status, members = self._kept[request.key]
            if fingerprint != request.fingerprint:
                return _refuse(422, "idempotency-key-reused")
            return Outcome(status, members=members, replayed=True)
        return self._decide(request)

    def learn(self, request: Request, outcome: Outcome, answer: dict) -> None:
        """Takes over what has been answered: ids are the service's to choose."""
        if isinstance(outcome.made, Room):
            self.rooms[answer["id"]] = outcome.made
        elif outcome.made:
            self.reservations[answer["id"]] = outcome.made
            kind = "created" if outcome.made.version == 1 else "changed"
            kind = "cancelled" if outcome.made.state == "cancelled" else kind
            self.history.setdefault(answer["id"], []).append(Event(kind, outcome.made, outcome.reason))
        decided = not request.spoilt and outcome.code not in ("precondition-required", "idempotency-key-reused")
        if request.key and decided and not outcome.replayed:
            members = {name: value for name, value in answer.items() if name != "request_id"}
            self._kept[request.key] = (request.fingerprint, outcome.status, members)

    # ---- the calls ----

    def _decide(self, request: Request) -> Outcome:
        parts = request.path.split("/")[2:]
        match parts:
            case ["rooms"]:
                return self._create_room(request.body)
            case ["rooms", number]:
                return self._change_room(int(number), request)
            case ["reservations"]:
                return self._create(request.body)
            case ["reservations", number]:
                return self._change(number, request)
            case ["reservations", number, "cancellation"]:
                return self._cancel(number, request)
        raise ValueError(request.path)

    def _create_room(self, body: dict) -> Outcome:
        if self._name_taken(body["name"], but=None):
            return _refuse(409, "room-name-taken")
        return _done(201, Room(**body))

    def _change_room(self, number: int, request: Request) -> Outcome:
        room = self.rooms.get(number)
        if not room:
            return _refuse(404, "not-found")
        if not _matches(request.if_match, room.version):
            return _refuse(412, "version-stale", version=room.version)
        new = replace(room, **request.body)
        if new == room:
            return _done(200, room, changed=False)
        if self._name_taken(new.name, but=number):
            return _refuse(409, "room-name-taken")
        return _done(200, replace(new, version=room.version + 1))

    def _create(self, body: dict) -> Outcome:
        new = Reservation(**_read(body))
        room = self.rooms.get(new.room_id)
        broken = _broken_rules(new, start_is_new=True) | (set() if room else {"room_id"})
        if broken:
            return Outcome(422, "rule-broken", bad_names=broken)
        if not room.active:
            return _refuse(409, "room-retired")
        return self._overlap(new, None) or _done(201, new)

    def _change(self, number: str, request: Request) -> Outcome:
        old = self.reservations.get(number)
        if not old:
            return _refuse(404, "not-found")
        if not _matches(request.if_match, old.version):
            return _refuse(412, "version-stale", version=old.version)
        if old.state == "cancelled":
            return _refuse(409, "reservation-cancelled")
        new = replace(old, **_read(request.body))
        if new == old:
            return _done(200, old, changed=False)
        if new.place != old.place:
            refused = self._refuse_place(number, old, new)
            if refused:
                return refused
        return _done(200, replace(new, version=old.version + 1))

    def _refuse_place(self, number: str, old: Reservation, new: Reservation) -> Outcome | None:
        room = self.rooms.get(new.room_id)
        broken = _broken_rules(new, new.starts_at != old.starts_at) | (set() if room else {"room_id"})
        if broken:
            return Outcome(422, "rule-broken", bad_names=broken)
        gives_back = new.room_id == old.room_id and new.starts_at >= old.starts_at and new.ends_at <= old.ends_at
        if not room.active and not gives_back:
            return _refuse(409, "room-retired")
        return self._overlap(new, number)

    def _cancel(self, number: str, request: Request) -> Outcome:
        old = self.reservations.get(number)
        if not old:
            return _refuse(404, "not-found")
        if old.state == "cancelled":
            return _done(200, old, changed=False)
        if request.if_match is not None and not _matches(request.if_match, old.version):
            return _refuse(412, "version-stale", version=old.version)
        outcome = _done(200, replace(old, state="cancelled", version=old.version + 1))
        outcome.reason = request.body.get("reason")
        return outcome

    # ---- rules ----

    def _name_taken(self, name: str, but: int | None) -> bool:
        return any(room.name.lower() == name.lower() for number, room in self.rooms.items() if number != but)

    def _overlap(self, wanted: Reservation, but: str | None) -> Outcome | None:
        taken = [span for span in self._taken(wanted.room_id, but) if _meet(span, wanted)]
        if not taken:
            return None
        shown = [_interval(*span) for span in taken[:CONFLICTS_SHOWN]]
        outcome = _refuse(409, "slot-taken", conflicts=shown, next_free=self._next_free(wanted, but, taken[-1][1]))
        outcome.alternatives = self._alternatives(wanted, but)
        return outcome

    def _taken(self, room_id: int, but: str | None) -> list[tuple[datetime, datetime]]:
        return sorted(
            (r.starts_at, r.ends_at)
            for number, r in self.reservations.items()
            if number != but and r.state == "confirmed" and r.room_id == room_id
        )

    def _next_free(self, wanted: Reservation, but: str | None, since: datetime) -> dict | None:
        """Each end of a reservation is tried, the earliest that fits is it."""
        taken = self._taken(wanted.room_id, but)
        for _, start in sorted(taken, key=lambda span: span[1]):
            moved = replace(wanted, starts_at=start, ends_at=start + (wanted.ends_at - wanted.starts_at))
            if start >= since and not any(_meet(span, moved) for span in taken):
                return _interval(moved.starts_at, moved.ends_at)
        return None

    def _alternatives(self, wanted: Reservation, but: str | None) -> list[dict]:
        fitting = sorted(
            (room.capacity, number, room.name)
            for number, room in self.rooms.items()
            if room.active and number != wanted.room_id and room.capacity >= self.rooms[wanted.room_id].capacity
        )
        return [
            {"room_id": number, "name": name}
            for _, number, name in fitting
            if not any(_meet(span, wanted) for span in self._taken(number, but))
        ]


def _meet(span: tuple[datetime, datetime], wanted: Reservation) -> bool:
    return span[0] < wanted.ends_at and wanted.starts_at < span[1]


def _interval(starts_at: datetime, ends_at: datetime) -> dict:
    return {"starts_at": times.text(starts_at), "ends_at": times.text(ends_at)}


def _read(body: dict) -> dict:
    """The members of a body, times as instants."""
    instants = {
        name: times.moment(body[name]).astimezone(UTC) for name in ("starts_at", "ends_at") if name in body
    }
    return {"title": None, **body, **instants} if "user_id" in body else {**body, **instants}


def _matches(if_match: str, version: int) -> bool:
    return if_match == "*" or f'"{version}"' in if_match.split(", ")


def _broken_rules(new: Reservation, start_is_new: bool) -> set[str]:
    now = datetime.now(UTC)
    broken = set()
    if start_is_new and new.starts_at < now - GRACE or new.starts_at > now + HORIZON:
        broken.add("starts_at")
    if not timedelta(0) < new.ends_at - new.starts_at <= LONGEST:
        broken.add("ends_at")
    return broken


def _done(status: int, state: Room | Reservation, changed: bool = True) -> Outcome:
    members = {name: times.text(v) if isinstance(v, datetime) else v for name, v in vars(state).items()}
    return Outcome(status, members=members, made=state if changed else None)
