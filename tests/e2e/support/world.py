"""Every query against a slow, obvious computation over the same random writes.

The writes are bookings, moves, cancellations, deletions and renames around the next change of the clocks; what the
queries have to say is computed from what was done, one reservation after the other and minute by minute.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from math import isclose

from . import statistics
from .api import Query, unique
from .events import Stream
from .statistics import Booking
from .times import clock_changes, moment, text
from .waiting import eventually

SPAN = timedelta(days=12)
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
MINUTE = timedelta(minutes=1)


class World:
    """Rooms and reservations as those who write know them; each write changes the services and this."""

    def __init__(self, command, mysql, rng: random.Random):
        self.command, self.mysql, self.rng = command, mysql, rng
        self.mark = unique("world")
        self.middle = clock_changes("America/New_York", 1)[0]
        self.users = [unique(f"user{n}") for n in range(4)]
        self.rooms: dict[int, dict] = {}
        self.reservations: dict[str, dict] = {}
        self.events: list[dict] = []
        self.told: list[dict] = []
        self.token = None
        for n in range(4):
            room = command.create_room(f"{self.mark} {n}", capacity=4 + n, location=rng.choice([None, "Roof"]))
            self.rooms[room["id"]] = dict(room)

    # ---- writes ----

    def write(self) -> None:
        self.rng.choices(
            [self.book, self.change, self.cancel, self.delete, self.rename, self.retire], [50, 25, 12, 5, 4, 1]
        )[0]()

    def book(self) -> None:
        start, end = self.times()
        room, user = self.rng.choice(list(self.rooms)), self.rng.choice(self.users)
        title = self.rng.choice([{}, {"title": f"title {self.rng.random()}"}])
        self.took(self.command.reserve(room, text(start), text(end), user, expect=None, **title), "created")

    def change(self) -> None:
        old = self.some(lambda r: r["state"] == "confirmed")
        if not old:
            return
        start, end = self.times()
        fields = self.rng.choice(
            [
                {"starts_at": text(start), "ends_at": text(end)},
                {"room_id": self.rng.choice(list(self.rooms))},
                {"title": self.rng.choice([None, "other", "more"])},
            ]
        )
        self.took(self.command.change(old, expect=None, **fields), "changed")

    def cancel(self) -> None:
        old = self.some(lambda r: r["state"] == "confirmed")
        if old:
            reason = self.rng.choice([None, "ill"])
            self.took(self.command.cancel(old, reason), "cancelled", reason)

    def delete(self) -> None:
        old = self.some(lambda r: True)
        if old:
            with self.mysql.cursor() as cursor:
                cursor.execute("DELETE FROM reservation WHERE id = UUID_TO_BIN(%s)", [old["id"]])
            del self.reservations[old["id"]]
            self.events.append(old | {"kind": "deleted", "version": old["version"] + 1, "changes": {}})

    def rename(self) -> None:
        self.change_room(name=f"{self.mark} {self.rng.random()}")

    def retire(self) -> None:
        self.change_room(active=self.rng.random() < 0.5)

    def change_room(self, **fields) -> None:
        changed = self.command.change_room(self.rng.choice(list(self.rooms.values())), **fields)
        self.rooms[changed["id"]] = dict(changed)
        self.token = changed.token

    def took(self, answer, kind: str, reason=None) -> None:
        """Refusals (the time is taken, the room retired) change nothing; nor does a change to what is there already."""
        if answer.status not in (200, 201):
            assert answer["code"] in ("slot-taken", "room-retired"), answer
            return
        old = self.reservations.get(answer["id"])
        if old and old["version"] == answer["version"]:
            return
        new = dict(answer)
        names = ("room_id", "user_id", "title", "starts_at", "ends_at", "state")
        changes = {n: {"from": old[n], "to": new[n]} for n in names if old[n] != new[n]} if old else {}
        self.reservations[new["id"]] = new
        self.events.append(new | {"kind": kind, "reason": reason, "changes": changes})
        self.token = answer.token

    # ---- random choices ----

    def times(self) -> tuple[datetime, datetime]:
        start = self.middle + self.rng.randrange(-int(SPAN / MINUTE), int(SPAN / MINUTE)) * MINUTE
        return start, start + self.rng.choice([1, 15, 30, 45, 60, 95, 240, 1500, 5000]) * MINUTE

    def range(self, unit: timedelta = MINUTE) -> tuple[datetime, datetime]:
        reach = int(SPAN * 1.2 / unit)
        first, last = sorted(self.rng.sample(range(-reach, reach), 2))
        return self.middle + first * unit, self.middle + last * unit

    def some(self, good) -> dict | None:
        found = [r for r in self.reservations.values() if good(r)]
        return self.rng.choice(found) if found else None

    # ---- what is true ----

    def shown(self, reservation: dict) -> dict:
        room = self.rooms[reservation["room_id"]]
        return reservation | {"room_name": room["name"], "room_location": room["location"]}

    def taken(self, room_id: int) -> list[dict]:
        mine = [r for r in self.reservations.values() if r["room_id"] == room_id and r["state"] == "confirmed"]
        return sorted(mine, key=lambda r: (r["starts_at"], r["id"]))

    def bookings(self) -> list[Booking]:
        return [
            Booking(r["room_id"], moment(r["starts_at"]), moment(r["ends_at"]))
            for r in self.reservations.values()
            if r["state"] == "confirmed"
        ]


def write(world: World, query: Query, writes: int) -> None:
    """So many, of which some are refused; and what an event stream has told of them."""
    with Stream(query.url) as stream:
        for _ in range(writes):
            world.write()
        query.rooms(token=world.token)
        eventually(lambda: len(_told(world, stream)) >= len(world.events), seconds=60)
        world.told = _told(world, stream)
    assert len(world.events) > writes / 3
    assert {"created", "changed", "cancelled", "deleted"} == {e["kind"] for e in world.events}


def _told(world: World, stream: Stream) -> list[dict]:
    return [e.data for e in stream.events if e.kind == "message" and e.data["room_id"] in world.rooms]


def overlaps(reservation: dict, start: datetime, end: datetime) -> bool:
    return moment(reservation["starts_at"]) < end and moment(reservation["ends_at"]) > start


def all_items(query: Query, path: str, rng: random.Random, **params) -> list[dict]:
    """The whole list, in pages of a random size."""
    return [item for page in query.walk(path, limit=rng.randrange(1, 60), **params) for item in page]


def same(what: str, got, expected) -> None:
    assert got == expected, f"{what}: got {got}, expected {expected}"


# ---- the comparisons ----


def stream_told_every_event_once_in_order(world: World, query: Query) -> None:
    names = ("version", "kind", "changes")
    same(
        "the stream",
        [(e["reservation_id"], *(e[n] for n in names)) for e in world.told],
        [(e["id"], *(e[n] for n in names)) for e in world.events],
    )


def rooms(world: World, query: Query) -> None:
    for active in (None, "true", "false"):
        for least in (None, 5):
            expected = [
                r
                for r in world.rooms.values()
                if (active is None or r["active"] == (active == "true")) and r["capacity"] >= (least or 0)
            ]
            got = all_items(query, "/v1/rooms", world.rng, q=world.mark, active=active, min_capacity=least)
            same(f"rooms {active} {least}", got, sorted(expected, key=lambda r: r["id"]))


def each_reservation(world: World, query: Query) -> None:
    numbers = sorted({e["id"] for e in world.events})
    for number in world.rng.sample(numbers, min(60, len(numbers))):
        if number in world.reservations:
            expected = world.shown(world.reservations[number])
            same(f"reservation {number}", query.reservation(number).json, expected)
        else:
            query.reservation(number, expect=404)


def each_reservations_history(world: World, query: Query) -> None:
    numbers = sorted({e["id"] for e in world.events})
    for number in world.rng.sample(numbers, min(30, len(numbers))):
        expected = [e for e in reversed(world.events) if e["id"] == number]
        got = all_items(query, f"/v1/reservations/{number}/history", world.rng)
        same(
            f"history of {number}",
            [(e["version"], e["kind"], e["changes"]) for e in got],
            [(e["version"], e["kind"], e["changes"]) for e in expected],
        )


def each_users_reservations(world: World, query: Query) -> None:
    for user in world.users:
        for _ in range(5):
            start, end = world.range()
            room = world.rng.choice([None, *world.rooms])
            state = world.rng.choice([None, "confirmed", "cancelled"])
            expected = [
                world.shown(r)
                for r in world.reservations.values()
                if r["user_id"] == user
                and overlaps(r, start, end)
                and room in (None, r["room_id"])
                and state in (None, r["state"])
            ]
            expected.sort(key=lambda r: (r["starts_at"], r["id"]), reverse=True)
            params = {"from_": text(start), "to": text(end), "room_id": room, "state": state}
            got = all_items(query, f"/v1/users/{user}/reservations", world.rng, **params)
            same(f"reservations of {user}, {params}", got, expected)


def each_users_history(world: World, query: Query) -> None:
    for user in world.users:
        got = all_items(query, f"/v1/users/{user}/reservation-history", world.rng)
        mine = [e for e in reversed(world.events) if e["user_id"] == user]
        same(
            f"history of {user}",
            [(e["reservation_id"], e["version"], e["kind"], e["changes"]) for e in got],
            [(e["id"], e["version"], e["kind"], e["changes"]) for e in mine],
        )
        for event, expected in zip(got, mine, strict=True):
            same("room_name", event["room_name"], world.rooms[expected["room_id"]]["name"])
            if expected["kind"] != "deleted":
                same("recorded_at", event["recorded_at"], expected["updated_at"])
                for name in ("reason", "title", "starts_at", "ends_at", "state"):
                    same(name, event[name], expected[name])


def available_rooms(world: World, query: Query) -> None:
    for _ in range(25):
        start, end = world.range()
        if world.rng.random() < 0.5:
            end = start + world.rng.randrange(1, 300) * MINUTE
        least = world.rng.choice([None, 5, 6])
        params = {"from_": text(start), "to": text(end), "min_capacity": least}
        pages = query.walk("/v1/rooms/available", limit=200, **params)
        same(
            f"available, {params}",
            [room for page in pages for room in page if room["id"] in world.rooms],
            [
                room
                for number, room in sorted(world.rooms.items())
                if room["active"]
                and room["capacity"] >= (least or 0)
                and not any(overlaps(r, start, end) for r in world.taken(number))
            ],
        )


def schedules(world: World, query: Query) -> None:
    names = ("starts_at", "ends_at", "user_id", "title")
    for room in world.rooms:
        for _ in range(6):
            start, end = world.range()
            got = all_items(query, f"/v1/rooms/{room}/schedule", world.rng, from_=text(start), to=text(end))
            expected = [
                {name: r[name] for name in names} | {"reservation_id": r["id"]}
                for r in world.taken(room)
                if overlaps(r, start, end)
            ]
            same(f"schedule of {room} from {start} to {end}", got, expected)


def _free_minutes(world: World, room: int, start: datetime, end: datetime, least: int) -> list[tuple]:
    """Minute by minute: is the room taken?"""
    if not world.rooms[room]["active"]:
        return []
    taken = set()
    for booking in world.bookings():
        minute = max(booking.starts_at, start)
        while booking.room_id == room and minute < min(booking.ends_at, end):
            taken.add(minute)
            minute += MINUTE
    gaps, begin, minute = [], None, start
    while minute <= end:
        free = minute < end and minute not in taken
        if free and begin is None:
            begin = minute
        elif not free and begin is not None:
            gaps.append((text(begin), text(minute), (minute - begin) // MINUTE))
            begin = None
        minute += MINUTE
    return [gap for gap in gaps if gap[2] >= least]


def free_times(world: World, query: Query) -> None:
    for room in world.rooms:
        for least in (None, 30, 700):
            start, end = world.range()
            params = {"from_": text(start), "to": text(end), "min_minutes": least}
            got = all_items(query, f"/v1/rooms/{room}/free", world.rng, **params)
            expected = _free_minutes(world, room, start, end, least or 1)
            same(f"free, {params}", [(g["starts_at"], g["ends_at"], g["minutes"]) for g in got], expected)


def popularity(world: World, query: Query) -> None:
    for by in ("reservations", "minutes"):
        for room in world.rooms:
            start, end = world.range(15 * MINUTE)
            (got,) = query.popular(text(start), text(end), room_id=room, by=by)["items"]
            (expected,) = statistics.popular(world.bookings(), [room], start, end, by)
            for name in ("reservations", "reserved_minutes"):
                same(f"{name} of {room} from {start} to {end}", got[name], expected[name])
            assert isclose(got["utilization"], expected["utilization"], rel_tol=1e-6, abs_tol=1e-12)
            same("room_name", got["room_name"], world.rooms[room]["name"])


def busy_hours(world: World, query: Query) -> None:
    for zone in ZONES:
        for room in world.rooms:
            start, end = world.range(15 * MINUTE)
            got = query.busy_hours(text(start), text(end), room_id=room, tz=zone)
            mine = [b for b in world.bookings() if b.room_id == room]
            expected = statistics.busy_hours(mine, start, end, zone)
            same(f"busy hours of {room} from {start} to {end} in {zone}", got["cells"], expected.cells())
            same("busiest", (got["busiest_weekday"], got["busiest_hour"]), expected.busiest("reservations"))


COMPARISONS: tuple[Callable[[World, Query], None], ...] = (
    stream_told_every_event_once_in_order,
    rooms,
    each_reservation,
    each_reservations_history,
    each_users_reservations,
    each_users_history,
    available_rooms,
    schedules,
    free_times,
    popularity,
    busy_hours,
)
