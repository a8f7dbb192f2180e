"""Walking through lists page by page while writes go on: what stands still is met exactly once.

Others' reservations, and other ones of the same user, come, move, go and are renamed between and behind the cursors.
"""

import random
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from support.api import Command, unique
from support.times import on

STILL = 40
WALKS = 6


@contextmanager
def restless(url: str, rooms: list, user: str, names: list):
    """Writes all the time: reservations of `user` that are booked, moved to and fro and cancelled in `rooms`, whose locations
    change too, and rooms of `names` that are renamed and retired."""
    stop, problems, writes = threading.Event(), [], Counter()

    def go():
        command, rng = Command(url), random.Random(7)
        mine, room_versions = [], {}
        while not stop.is_set():
            day, hour = rng.randrange(2, 60), rng.randrange(0, 9)
            times = {"starts_at": on(day, f"{hour:02}:30"), "ends_at": on(day, f"{hour:02}:45")}
            choice = rng.random()
            if choice < 0.4 or not mine:
                answer = command.reserve(rng.choice(rooms), *times.values(), user, expect=None)
                if answer.status == 201:
                    mine.append(dict(answer))
            elif choice < 0.75:
                at = rng.randrange(len(mine))
                answer = command.change(mine[at], expect=None, **times)
                if answer.status == 200:
                    mine[at] = dict(answer)
            elif choice < 0.9:
                answer = command.cancel(mine.pop(rng.randrange(len(mine))), expect=None)
            else:
                room = rng.choice(names)
                room = room_versions.get(room["id"], room)
                answer = command.change_room(room, name=unique("moving"), active=rng.random() < 0.7, expect=None)
                room_versions[room["id"]] = dict(answer)
            writes[answer.status] += 1

    def run():
        try:
            go()
        except Exception as error:  # noqa: BLE001  whatever it is, the test has to hear of it
            problems.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield writes
    finally:
        stop.set()
        thread.join()
    assert problems == []


@pytest.fixture
def scene(command, query, user):
    """What stands still: reservations at full hours, their events, and the rooms they are in."""
    rooms = [command.create_room(f"{user} {n}") for n in range(4)]
    names = [command.create_room() for _ in range(6)]
    still = [
        command.reserve(rooms[n % 4], on(2 + n, "10:00"), on(2 + n, "11:00"), user, title=f"still {n}")
        for n in range(STILL)
    ]
    query.rooms(token=still[-1].token, limit=1)
    return rooms, names, still


def walked_once(pages: list[list[dict]], key, still: list) -> None:
    met = Counter(key(item) for page in pages for item in page)
    assert {name: met[name] for name in still} == {name: 1 for name in still}


@pytest.mark.parametrize("limit", [3, 7])
def test_a_users_reservations_and_events_are_met_once(stack, query, user, scene, limit):
    rooms, names, still = scene
    ids = [booked["id"] for booked in still]
    with restless(stack.command_svc.url, rooms, user, names) as writes:
        for _ in range(WALKS):
            pages = query.walk(f"/v1/users/{user}/reservations", limit=limit)
            walked_once(pages, lambda item: item["id"], ids)
            pages = query.walk(f"/v1/users/{user}/reservation-history", limit=limit)
            walked_once(pages, lambda item: (item["reservation_id"], item["version"]), [(i, 1) for i in ids])
    assert writes[201] and writes[200]


def test_a_rooms_schedule_and_gaps_are_met_once(stack, query, user, scene):
    """The gaps that stand still are those that no other reservation can lie in: after each evening, until the morning."""
    rooms, names, still = scene
    room, mine = rooms[0]["id"], still[::4]
    span = {"from_": on(1, "00:00"), "to": on(STILL + 3, "00:00")}
    with restless(stack.command_svc.url, rooms, user, names) as writes:
        for _ in range(WALKS):
            pages = query.walk(f"/v1/rooms/{room}/schedule", limit=3, **span)
            walked_once(pages, lambda item: item["starts_at"], [booked["starts_at"] for booked in mine])
            pages = query.walk(f"/v1/rooms/{room}/free", limit=3, **span)
            walked_once(pages, lambda item: item["starts_at"], [booked["ends_at"] for booked in mine])
    assert writes[201] and writes[200]


def test_rooms_are_met_once(stack, query, user, scene):
    rooms, names, _ = scene
    ids = [room["id"] for room in rooms]
    with restless(stack.command_svc.url, rooms, user, names) as writes:
        for _ in range(WALKS):
            walked_once(query.walk("/v1/rooms", limit=3, q=user), lambda item: item["id"], ids)
            pages = query.walk("/v1/rooms/available", limit=20, from_=on(3, "23:00"), to=on(3, "23:30"))
            walked_once(pages, lambda item: item["id"], ids)
            # In this hour the ranks of these rooms stand still: one booking each, at most.
            span = {"from_": on(2, "10:00"), "to": on(2, "11:00")}
            pages = query.walk("/v1/rooms/popular", limit=20, **span)
            walked_once(pages, lambda item: item["room_id"], ids)
    assert writes[200]
