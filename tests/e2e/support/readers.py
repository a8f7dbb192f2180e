"""Readers that never rest: every kind of read, with the newest write's token, as long as they are let."""

import random

from .api import WAIT_SECONDS, Answer, Query
from .load import Load
from .restless import Restless
from .times import on


class Readers(Restless):
    """`with Readers(query_url, load) as readers:` reads what `load` writes until the block ends. `readers.problems` holds what
    should not have come back: another status than 200 and `refused`, an as_of that moved back, an answer that is older than
    what was promised before it was asked for."""

    def __init__(self, url: str, load: Load, count: int = 4, refused: tuple[int, ...] = ()):
        super().__init__(count)
        self.url = url
        self.load = load
        self.refused = refused
        self.done = 0
        self.refusals = 0

    def work(self, number: int) -> None:
        query, rng = Query(self.url), random.Random(number)
        as_of = ""
        while not self.over.is_set():
            answer = rng.choice([self._own_write, self._walk, self._statistics, self._rooms])(query, rng)
            if answer is None:
                continue
            with self.lock:
                self.done += answer.status == 200
                self.refusals += answer.status in self.refused
            if answer.status in self.refused:
                continue
            assert answer.status == 200, answer
            assert answer.as_of >= as_of, f"as_of moved back from {as_of} to {answer.as_of}"
            as_of = answer.as_of

    def _own_write(self, query: Query, rng: random.Random) -> Answer | None:
        with self.load.lock:
            promised = list(self.load.tokens.items())
        if not promised:
            return None
        number, (version, token) = rng.choice(promised)
        answer = query.reservation(number, token=token, wait=WAIT_SECONDS, expect=None)
        assert answer.status != 200 or answer["version"] >= version, f"{number} is older than version {version}"
        return answer

    def _walk(self, query: Query, rng: random.Random) -> Answer:
        user = f"load-{rng.randrange(20)}"
        cursor, answer, seen = None, None, []
        for _ in range(4):
            answer = query.reservations(user, limit=3, cursor=cursor, expect=None)
            if answer.status != 200:
                return answer
            seen += [item["id"] for item in answer["items"]]
            cursor = answer["next_cursor"]
            if not cursor:
                break
        assert len(seen) == len(set(seen)), f"a page of {user} repeats a reservation"
        return answer

    def _statistics(self, query: Query, rng: random.Random) -> Answer:
        span = {"from_": on(0, "00:00"), "to": on(40, "00:00")}
        if rng.random() < 0.5:
            return query.popular(limit=5, expect=None, **span)
        return query.busy_hours(tz="Asia/Kathmandu", expect=None, **span)

    def _rooms(self, query: Query, rng: random.Random) -> Answer:
        return query.rooms(limit=10, token=self.load.token, wait=WAIT_SECONDS, expect=None)
