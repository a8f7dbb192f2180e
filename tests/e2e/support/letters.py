"""`projector dead-letters`, of what a test parks."""

import json

from . import programs
from .waiting import eventually


class Letters:
    def __init__(self, stack):
        self.stack = stack

    def run(self, *arguments: str, expect: int | None = 0):
        ended = programs.run(self.stack, "projector", "dead-letters", *arguments, seconds=60)
        assert not programs.UNSOUND.search(ended.stderr), ended.stderr[-8000:]
        if expect is not None:
            assert ended.returncode == expect, ended.stdout + ended.stderr
        return ended

    def all(self) -> dict:
        return json.loads(self.run("list", "--json").stdout)

    def of(self, thing) -> list[dict]:
        """The parked ones of a reservation or room."""
        name = "reservation_id" if "room_id" in thing else "room_id"
        return [item for item in self.all()["items"] if item[name] == thing["id"] and item["state"] == "parked"]

    def wait(self, thing, count: int = 1) -> list[dict]:
        eventually(lambda: len(self.of(thing)) == count, 60, 0.2)
        return self.of(thing)
