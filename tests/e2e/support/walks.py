"""Walking through lists page by page while writes go on: what stands still is met exactly once.

Others' reservations, and other ones of the same user, come, move, go and are renamed between and behind the cursors.
"""

import random
import time
from collections import Counter
from collections.abc import Callable

from .api import Command, Query, unique
from .restless import Restless
from .times import on
from .waiting import PATIENCE_SECONDS

STILL = 40


class _Writer(Restless):
    """Writes all the time: reservations of a scene's user that are booked, moved to and fro and cancelled in its rooms, and rooms
    of its names that are renamed and retired."""

    def __init__(self, scene: "Scene"):
        super().__init__(1)
        self.scene = scene
        self.writes: Counter = Counter()

    def has_worked(self) -> bool:
        return bool(self.writes[201] and self.writes[200])

    def work(self, number: int) -> None:
        scene, rng = self.scene, random.Random(self.scene.seed)
        command, mine, room_versions = Command(scene.command_url), [], {}
        while not self.over.is_set():
            day, hour = rng.randrange(2, 60), rng.randrange(0, 9)
            times = {"starts_at": on(day, f"{hour:02}:30"), "ends_at": on(day, f"{hour:02}:45")}
            choice = rng.random()
            if choice < 0.4 or not mine:
                answer = command.reserve(rng.choice(scene.rooms), *times.values(), scene.user, expect=None)
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
                room = rng.choice(scene.names)
                room = room_versions.get(room["id"], room)
                answer = command.change_room(room, name=unique("moving"), active=rng.random() < 0.7, expect=None)
                room_versions[room["id"]] = dict(answer)
            self.writes[answer.status] += 1


class Scene:
    """What stands still: reservations at full hours, their events, and the rooms they are in."""

    def __init__(self, command: Command, query: Query, seed: int):
        self.command_url, self.query, self.seed = command.url, query, seed
        self.user = unique("walker")
        self.rooms = [command.create_room(f"{self.user} {n}") for n in range(4)]
        self.names = [command.create_room() for _ in range(6)]
        self.still = [
            command.reserve(
                self.rooms[n % 4], on(2 + n, "10:00"), on(2 + n, "11:00"), self.user, title=f"still {n}"
            )
            for n in range(STILL)
        ]
        query.rooms(token=self.still[-1].token, limit=1)

    def walk(self, walk: Callable[["Scene", int], None], times: int, limit: int) -> None:
        """Walks while others write: so many times, and until something was made and something changed meanwhile."""
        walked = 0
        until = time.monotonic() + PATIENCE_SECONDS
        with _Writer(self) as writer:
            while walked < times or (not writer.has_worked() and not writer.problems and time.monotonic() < until):
                walk(self, limit)
                walked += 1
        assert writer.problems == []
        assert writer.has_worked()

    def met_once(self, key: Callable, still: list, path: str, **params) -> None:
        met = Counter(key(item) for page in self.query.walk(path, **params) for item in page)
        wrong = {name: met[name] for name in still if met[name] != 1}
        assert not wrong, f"{path} {params}: met as often as this: {wrong}"


def users_reservations_and_events(scene: Scene, limit: int) -> None:
    ids = [booked["id"] for booked in scene.still]
    path = f"/v1/users/{scene.user}"
    scene.met_once(lambda item: item["id"], ids, f"{path}/reservations", limit=limit)
    scene.met_once(
        lambda item: (item["reservation_id"], item["version"]),
        [(number, 1) for number in ids],
        f"{path}/reservation-history",
        limit=limit,
    )


def rooms_schedule_and_gaps(scene: Scene, limit: int) -> None:
    """The gaps that stand still are those that no other reservation can lie in: after each evening, until the morning."""
    path, mine = f"/v1/rooms/{scene.rooms[0]['id']}", scene.still[::4]
    span = {"from_": on(1, "00:00"), "to": on(STILL + 3, "00:00"), "limit": limit}
    for call, still in (("schedule", "starts_at"), ("free", "ends_at")):
        scene.met_once(
            lambda item: item["starts_at"], [booked[still] for booked in mine], f"{path}/{call}", **span
        )


def rooms(scene: Scene, limit: int) -> None:
    ids = [room["id"] for room in scene.rooms]
    scene.met_once(lambda item: item["id"], ids, "/v1/rooms", q=scene.user, limit=limit)
    span = {"from_": on(3, "23:00"), "to": on(3, "23:30")}
    scene.met_once(lambda item: item["id"], ids, "/v1/rooms/available", limit=7 * limit, **span)
    # In this hour the ranks of these rooms stand still: one booking each, at most.
    span = {"from_": on(2, "10:00"), "to": on(2, "11:00")}
    scene.met_once(lambda item: item["room_id"], ids, "/v1/rooms/popular", limit=7 * limit, **span)


WALKS: tuple[Callable[[Scene, int], None], ...] = (
    users_reservations_and_events,
    rooms_schedule_and_gaps,
    rooms,
)
