"""Every query against a slow, obvious computation over the same random writes.

The writes are bookings, moves, cancellations, deletions and renames around the next change of the clocks; what the
queries have to say is computed from what the test did, one reservation after the other and minute by minute.
RR_TEST_SEED gives other writes.
"""

import os
import random
import threading
from datetime import datetime, timedelta

import pytest
from support import statistics
from support.api import unique
from support.events import Stream
from support.statistics import Booking
from support.times import clock_changes, moment, text
from support.waiting import eventually

SEED = int(os.environ.get("RR_TEST_SEED", "41"))
WRITES = 300
SPAN = timedelta(days=12)
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
MINUTE = timedelta(minutes=1)


class World:
    """Rooms and reservations as the test knows them; each write changes the services and this."""

    def __init__(self, command, mysql, rng: random.Random):
        self.command, self.mysql, self.rng = command, mysql, rng
        self.mark = unique("world")
        self.middle = clock_changes("America/New_York", 1)[0]
        self.users = [unique(f"user{n}") for n in range(4)]
        self.rooms: dict[int, dict] = {}
        self.reservations: dict[str, dict] = {}
        self.events: list[dict] = []
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


def overlaps(reservation: dict, start: datetime, end: datetime) -> bool:
    return moment(reservation["starts_at"]) < end and moment(reservation["ends_at"]) > start


@pytest.fixture(scope="module")
def world(command, query, stack):
    from conftest import connect_mysql

    mysql = connect_mysql(stack)
    world = World(command, mysql, random.Random(SEED))
    with Stream(query.url) as stream:
        for _ in range(WRITES):
            world.write()
        world.stream = stream
        query.rooms(token=world.token)
        eventually(lambda: len([e for e in stream.events if known(world, e)]) >= len(world.events))
    mysql.close()
    assert len(world.events) > WRITES / 3
    assert {"created", "changed", "cancelled", "deleted"} == {e["kind"] for e in world.events}
    return world


def known(world, event) -> bool:
    return event.kind == "message" and event.data["room_id"] in world.rooms


def all_items(query, path, rng, **params) -> list[dict]:
    """The whole list, in pages of a random size."""
    return [item for page in query.walk(path, limit=rng.randrange(1, 60), **params) for item in page]


def test_every_event_was_told_once_in_the_order_of_the_writes(world):
    told = [e.data for e in world.stream.events if known(world, e)]
    assert [(e["reservation_id"], e["version"], e["kind"], e["changes"]) for e in told] == [
        (e["id"], e["version"], e["kind"], e["changes"]) for e in world.events
    ]


def test_rooms(world, query):
    for active in (None, "true", "false"):
        for least in (None, 5):
            expected = [
                r
                for r in world.rooms.values()
                if (active is None or r["active"] == (active == "true")) and r["capacity"] >= (least or 0)
            ]
            got = all_items(query, "/v1/rooms", world.rng, q=world.mark, active=active, min_capacity=least)
            assert got == sorted(expected, key=lambda r: r["id"])


def test_each_reservation(world, query):
    numbers = {e["id"] for e in world.events}
    for number in world.rng.sample(sorted(numbers), 60):
        if number in world.reservations:
            assert query.reservation(number).json == world.shown(world.reservations[number])
        else:
            query.reservation(number, expect=404)


def test_each_reservations_history(world, query):
    for number in world.rng.sample(sorted({e["id"] for e in world.events}), 30):
        expected = [e for e in reversed(world.events) if e["id"] == number]
        got = all_items(query, f"/v1/reservations/{number}/history", world.rng)
        assert [(e["version"], e["kind"], e["changes"]) for e in got] == [
            (e["version"], e["kind"], e["changes"]) for e in expected
        ]


def test_each_users_reservations(world, query):
    for user in world.users:
        for _ in range(5):
            start, end = world.range()
            room, state = (
                world.rng.choice([None, *world.rooms]),
                world.rng.choice([None, "confirmed", "cancelled"]),
            )
            expected = [
                world.shown(r)
                for r in world.reservations.values()
                if r["user_id"] == user
                and overlaps(r, start, end)
                and room in (None, r["room_id"])
                and state in (None, r["state"])
            ]
            expected.sort(key=lambda r: (r["starts_at"], r["id"]), reverse=True)
            span = {"from_": text(start), "to": text(end)}
            path = f"/v1/users/{user}/reservations"
            assert all_items(query, path, world.rng, room_id=room, state=state, **span) == expected


def test_each_users_history(world, query):
    for user in world.users:
        got = all_items(query, f"/v1/users/{user}/reservation-history", world.rng)
        expected = [e for e in reversed(world.events) if e["user_id"] == user]
        assert [(e["reservation_id"], e["version"], e["kind"], e["changes"]) for e in got] == [
            (e["id"], e["version"], e["kind"], e["changes"]) for e in expected
        ]
        for event, truth in zip(got, expected, strict=True):
            assert event["room_name"] == world.rooms[truth["room_id"]]["name"]
            if truth["kind"] != "deleted":
                assert event["recorded_at"] == truth["updated_at"]
                assert event["reason"] == truth["reason"]
                assert {n: event[n] for n in ("title", "starts_at", "ends_at", "state")} == {
                    n: truth[n] for n in ("title", "starts_at", "ends_at", "state")
                }


def test_available_rooms(world, query):
    for _ in range(25):
        start, end = world.range()
        if world.rng.random() < 0.5:
            end = start + world.rng.randrange(1, 300) * MINUTE
        least = world.rng.choice([None, 5, 6])
        params = {"from_": text(start), "to": text(end), "min_capacity": least}
        pages = query.walk("/v1/rooms/available", limit=200, **params)
        got = [room for page in pages for room in page if room["id"] in world.rooms]
        assert got == [
            room
            for number, room in sorted(world.rooms.items())
            if room["active"]
            and room["capacity"] >= (least or 0)
            and not any(overlaps(r, start, end) for r in world.taken(number))
        ]


def test_schedules(world, query):
    names = {"starts_at", "ends_at", "user_id", "title"}
    for room in world.rooms:
        for _ in range(6):
            start, end = world.range()
            got = all_items(query, f"/v1/rooms/{room}/schedule", world.rng, from_=text(start), to=text(end))
            assert got == [
                {name: r[name] for name in names} | {"reservation_id": r["id"]}
                for r in world.taken(room)
                if overlaps(r, start, end)
            ]


def free_minutes(world, room: int, start: datetime, end: datetime, least: int) -> list[tuple]:
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


def test_free_times(world, query):
    for room in world.rooms:
        for least in (None, 30, 700):
            start, end = world.range()
            path = f"/v1/rooms/{room}/free"
            got = all_items(query, path, world.rng, from_=text(start), to=text(end), min_minutes=least)
            assert [(g["starts_at"], g["ends_at"], g["minutes"]) for g in got] == free_minutes(
                world, room, start, end, least or 1
            )


@pytest.mark.parametrize("by", ["reservations", "minutes"])
def test_popularity(world, query, by):
    for room in world.rooms:
        start, end = world.range(15 * MINUTE)
        (got,) = query.popular(text(start), text(end), room_id=room, by=by)["items"]
        (expected,) = statistics.popular(world.bookings(), [room], start, end, by)
        for name in ("reservations", "reserved_minutes"):
            assert got[name] == expected[name]
        assert got["utilization"] == pytest.approx(expected["utilization"])
        assert got["room_name"] == world.rooms[room]["name"]


@pytest.mark.parametrize("zone", ZONES)
def test_busy_hours(world, query, zone):
    for room in world.rooms:
        start, end = world.range(15 * MINUTE)
        got = query.busy_hours(text(start), text(end), room_id=room, tz=zone)
        mine = [b for b in world.bookings() if b.room_id == room]
        expected = statistics.busy_hours(mine, start, end, zone)
        assert got["cells"] == expected.cells()
        assert (got["busiest_weekday"], got["busiest_hour"]) == expected.busiest("reservations")


def test_walks_while_writes_go_on_miss_and_repeat_nothing_that_stood_still(world, command, query):
    """Between and around what stands still, reservations come, move and go while the lists are walked."""
    room, user = command.create_room(), unique("walker")
    day = world.middle.replace(hour=0, minute=0) + timedelta(days=30)

    def at(n: int, minute: int = 0) -> str:
        return text(day + timedelta(hours=n, minutes=minute))

    still = [command.reserve(room, at(n), at(n, 20), user) for n in range(60)]
    restless = [command.reserve(room, at(n, 30), at(n, 40), user) for n in range(0, 60, 3)]
    over = threading.Event()
    rng = random.Random(SEED)

    def write():
        while not over.is_set():
            n = rng.randrange(len(restless))
            restless[n] = command.change(restless[n], title=str(rng.random()))
            booked = command.reserve(room, at(70 + rng.randrange(400)), at(470, 59), user, expect=None)
            if booked.status == 201:
                command.cancel(booked)

    writer = threading.Thread(target=write)
    writer.start()
    token = restless[-1].token
    try:
        for path, name, span in (
            (f"/v1/users/{user}/reservations", "id", {}),
            (f"/v1/rooms/{room['id']}/schedule", "reservation_id", {"from_": at(0), "to": at(65)}),
        ):
            for limit in (1, 7):
                pages = query.walk(path, limit=limit, token=token, **span)
                walked = [item[name] for page in pages for item in page]
                assert len(walked) == len(set(walked))
                assert {r["id"] for r in still} <= set(walked)
        pages = query.walk(f"/v1/users/{user}/reservation-history", limit=5)
        events = [(e["reservation_id"], e["version"]) for page in pages for e in page]
        assert len(events) == len(set(events))
        assert {(r["id"], 1) for r in still} <= set(events)
    finally:
        over.set()
        writer.join()
