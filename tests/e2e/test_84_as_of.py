"""as_of is honest: everything committed before it is there, also when a transaction is cut by batches."""

import threading

import pytest
from support import bulk, programs
from support.databases import connect_postgres
from support.waiting import eventually

ROWS = 10_000


@pytest.fixture
def small_batches(stack, tmp_path):
    """The projector, in place of the stack's, with batches of a hundred."""
    stack.stop(["projector"])
    try:
        with programs.Program(stack, "projector", tmp_path, RR_BATCH_EVENTS="100") as program:
            yield program
    finally:
        stack.start(["projector"])


class Samples:
    """as_of and how many of the rows are there, both of one moment, taken as often as it goes."""

    def __init__(self, stack, user: str):
        self.taken: list[tuple] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._take, args=(stack, user), daemon=True)

    def __enter__(self) -> "Samples":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join(30)

    def _take(self, stack, user: str) -> None:
        with connect_postgres(stack) as pg:
            (generation,) = pg.execute(
                "SELECT generation FROM projection.generation WHERE state = 'serving'"
            ).fetchone()
            while not self._over.is_set():
                self.taken.append(
                    pg.execute(
                        f"SELECT as_of, (SELECT count(*) FROM g{generation}.reservation WHERE user_id = %s)"
                        " FROM projection.position WHERE generation = %s",
                        [user, generation],
                    ).fetchone()
                )


def test_it_does_not_claim_a_transaction_that_is_applied_in_part(
    stack, mysql, pg, room, user, query, small_batches, caught_up
):
    query.room(room, token=room.token, wait=10)
    with Samples(stack, user) as samples:
        bulk.book(mysql, room, user, ROWS)
        caught_up(120)
        last = len(samples.taken)
        eventually(lambda: len(samples.taken) > last)
    in_part = [(as_of, count) for as_of, count in samples.taken if 0 < count < ROWS]
    assert len({count for _, count in in_part}) > 1, "the transaction was not seen in parts"
    committed = {as_of for as_of, _ in in_part}
    assert len(committed) == 1, "as_of moved while the transaction was applied"
    early = [(as_of, count) for as_of, count in samples.taken if as_of > max(committed) and count < ROWS]
    assert early == [], "as_of claims what is not there"
    assert [as_of for as_of, _ in samples.taken] == sorted(as_of for as_of, _ in samples.taken)


def test_a_dead_connector_is_noticed_within_five_seconds_although_nobody_books(stack, projector, query):
    """The pulses stop; on an idle system that works they come every second."""
    seen = []

    def is_noticed() -> bool:
        lag = projector.metrics().value("rr_projector_lag_seconds")
        seen.append((lag, projector.is_ready()))
        return lag >= 5 and not seen[-1][1]

    stack.wait_ready(["projector"], 60)
    assert projector.metrics().value("rr_projector_lag_seconds") < 4
    stack.stop(["connect"])
    try:
        eventually(is_noticed, 60)
        assert [lag for lag, ready in seen if ready and lag >= 5] == []
        assert "no change and no pulse" in projector.get("/readyz", expect=503)["detail"]
        assert projector.metrics().value("rr_projector_lag_events") == 0
        assert query.rooms().as_of == query.rooms().as_of
    finally:
        stack.start(["connect"])
        stack.ensure_connector()
    eventually(projector.is_ready, 120)
