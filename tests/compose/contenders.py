"""Clients that want the same room at the same times, never rest, and remember what they were promised.

They hold out whatever is restarted: what is not known to have happened is asked for again under the same
Idempotency-Key, as a client of the service is meant to.
"""

import random
import time
from datetime import timedelta

import requests
from support.api import Answer, Command, unique
from support.restless import Restless
from support.times import moment, on, text
from support.waiting import eventually

# Not now: too much at once, something behind the gateway away or starting, or somebody else's attempt under way.
AGAIN = {409, 429, 502, 503, 504}
SLOTS = 400
# What a client keeps: all of them together never fill the room, or nothing could be booked any more.
KEPT = 20
PATIENCE_SECONDS = 240.0


class Contenders(Restless):
    """`with Contenders(url, room) as contenders:` books and cancels until the block ends."""

    patience_seconds = PATIENCE_SECONDS

    def __init__(self, url: str, room: int, clients: int = 6):
        super().__init__(clients)
        self.url = url
        self.room = room
        self.done = 0
        self.refused = 0
        self.promised: dict[tuple[str, int], tuple] = {}

    def wait_for(self, more: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Until so many more have been promised."""
        before = self.done

        def went_on() -> bool:
            assert self.problems == []
            return self.done > before + more

        eventually(went_on, seconds=seconds)

    def work(self, number: int) -> None:
        command, rng, kept = Command(self.url), random.Random(number), []
        while not self.over.is_set():
            self._book(command, rng, kept)

    def _book(self, command: Command, rng: random.Random, kept: list[Answer]) -> None:
        starts_at = moment(on(3, "00:00")) + timedelta(minutes=30 * rng.randrange(SLOTS))
        ends_at = starts_at + timedelta(minutes=rng.choice((30, 60)))
        body = {"room_id": self.room, "user_id": "ann", "starts_at": text(starts_at), "ends_at": text(ends_at)}
        made = self._insist(command, "/v1/reservations", body, {201})
        if made is not None:
            kept.append(made)
        if len(kept) > KEPT:
            cancelled = kept.pop(rng.randrange(len(kept)))
            self._insist(command, f"/v1/reservations/{cancelled['id']}/cancellation", {}, {200})

    def _insist(self, command: Command, path: str, body: dict, expected: set[int]) -> Answer | None:
        """The answer that was promised; None if the time is taken."""
        key = unique("key")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = command.call("POST", path, body, headers={"Idempotency-Key": key})
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status in expected:
                self._note(answer)
                return answer
            if answer is not None and answer.status == 409 and answer["code"] == "slot-taken":
                self.refused += 1
                return None
            assert answer is None or answer.status in AGAIN, f"POST {path}: {answer}"
            assert time.monotonic() < deadline, f"POST {path}: no success in {PATIENCE_SECONDS} s, last {answer}"
            self.over.wait(0.1)

    def _note(self, answer: Answer) -> None:
        state = (
            answer["room_id"],
            moment(answer["starts_at"]),
            moment(answer["ends_at"]),
            answer["state"],
        )
        with self.lock:
            self.promised[answer["id"], answer["version"]] = state
            self.done += 1
