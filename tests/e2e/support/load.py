"""Writers that never rest: they book, change, cancel and rename as long as they are let, and remember what they were
promised."""

import random

import requests

from .api import Answer, Command, unique
from .restless import Restless
from .times import on


class Load(Restless):
    """`with Load(command_url, writers=4) as load:` writes until the block ends. `load.done` counts what was answered with
    success; `load.problems` holds what should not have come back. `refused` are statuses that may come back, and with
    `may_end` the service may go away."""

    def __init__(self, url: str, writers: int = 4, refused: tuple[int, ...] = (), may_end: bool = False):
        super().__init__(writers)
        self.url = url
        self.refused = refused
        self.may_end = may_end
        self.done = 0
        self.promised: dict[str, int] = {}  # reservation id → the version that an answer has named last
        self.tokens: dict[str, tuple[int, str]] = {}  # the same, with that answer's token
        self.token: str | None = None

    def failed(self, error: Exception) -> None:
        if not (self.may_end and isinstance(error, requests.RequestException)):
            super().failed(error)

    def work(self, number: int) -> None:
        command, rng = Command(self.url), random.Random(number)
        rooms = [command.create_room() for _ in range(2)]
        mine: list[dict] = []
        minute = 0
        while not self.over.is_set():
            choice = rng.random()
            if not mine or choice < 0.5:
                minute += 10
                day, rest = divmod(minute, 23 * 60)
                start, end = (on(2 + day, f"{t // 60:02}:{t % 60:02}") for t in (rest, rest + 10))
                answer = command.reserve(rng.choice(rooms), start, end, f"load-{rng.randrange(20)}", expect=None)
                if answer.status == 201:
                    mine.append(dict(answer))
            elif choice < 0.8:
                at = rng.randrange(len(mine))
                answer = command.change(mine[at], title=unique("title"), expect=None)
                if answer.status == 200:
                    mine[at] = dict(answer)
            elif choice < 0.95:
                answer = command.cancel(mine.pop(rng.randrange(len(mine))), "no more", expect=None)
            else:
                at = rng.randrange(len(rooms))
                answer = command.change_room(rooms[at], name=unique("renamed"), expect=None)
                if answer.status == 200:
                    rooms[at] = dict(answer)
            self._note(answer)

    def _note(self, answer: Answer) -> None:
        with self.lock:
            if answer.status in (200, 201):
                self.done += 1
                self.token = answer.token
                if "user_id" in answer:
                    self.promised[answer["id"]] = answer["version"]
                    self.tokens[answer["id"]] = answer["version"], answer.token
            elif answer.status not in self.refused:
                self.problems.append(str(answer))


def lost(promised: dict[str, int], mysql) -> list[str]:
    """The writes that were answered with success and are not in the truth."""
    with mysql.cursor() as cursor:
        cursor.execute("SELECT BIN_TO_UUID(reservation_id), MAX(version) FROM reservation_event GROUP BY 1")
        kept = dict(cursor.fetchall())
    return [number for number, version in promised.items() if kept.get(number, 0) < version]
