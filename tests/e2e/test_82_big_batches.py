"""A batch of many events, whose new rows go to PostgreSQL another way than those of few, leaves the same read model."""

from contextlib import contextmanager

import pytest
from support import bulk, truth
from support.api import unique

ROWS = 1000
BIG = 500  # apply_copy.c
# The journal's row of an event, as the history would have it.
FIRST_EVENT = """
SELECT HEX(reservation_id), 1, kind, recorded_at, recorded_by, '{}', room_id, user_id, starts_at, ends_at, state
  FROM reservation_event WHERE user_id = %s AND version = 1 ORDER BY reservation_id LIMIT 1 OFFSET 700
"""


@pytest.fixture
def waiting(stack, caught_up):
    """What is written inside waits for the projector, and is there at the end."""

    @contextmanager
    def wait():
        stack.stop(["projector"])
        try:
            yield
        finally:
            stack.start(["projector"])
        caught_up(120)

    return wait


@pytest.fixture
def history(pg):
    return "g{}.reservation_history".format(
        *pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    )


def largest_batch(pg, history, user) -> int:
    """Rows of the history that one transaction has left; the server does not mark those of COPY."""
    (n,) = pg.execute(
        f"SELECT max(n) FROM (SELECT count(*) AS n FROM {history} WHERE user_id = %s GROUP BY xmin::text) t",
        [user],
    ).fetchone()
    return n


def parked(projector) -> float:
    return projector.metrics().value("rr_projector_parked")


def test_many_events_with_their_rooms_leave_what_they_would_one_by_one(
    command, mysql, pg, projector, room, user, waiting, history
):
    unchanged = command.create_room(location="garden")
    with waiting():
        bulk.book(mysql, unchanged, user, ROWS)
        bulk.book(mysql, room, user, ROWS)
        with mysql.cursor() as cursor:
            cursor.execute(
                "UPDATE reservation SET title = 'Planning' WHERE user_id = %s AND HOUR(starts_at) < 12", (user,)
            )
        renamed = command.change_room(room, name=unique("renamed"), location="cellar")
        bulk.book(mysql, command.create_room(), user, ROWS)
        command.change_room(renamed, location=None)
    assert largest_batch(pg, history, user) > BIG
    assert truth.differences(mysql, pg) == []
    assert parked(projector) == 0


def test_an_event_that_the_damaged_history_has_already_holds_up_none_of_many(
    mysql, pg, projector, room, user, waiting, history
):
    with waiting():
        bulk.book(mysql, room, user, ROWS)
        with mysql.cursor() as cursor:
            cursor.execute(FIRST_EVENT, (user,))
            early = cursor.fetchone()
        pg.execute(
            f"INSERT INTO {history} (reservation_id, version, kind, recorded_at, recorded_by, changes, room_id, user_id,"
            " starts_at, ends_at, state) VALUES (%s, %s, %s, %s AT TIME ZONE 'UTC', %s, %s, %s, %s, %s AT TIME ZONE 'UTC',"
            " %s AT TIME ZONE 'UTC', %s)",
            early,
        )
    assert truth.differences(mysql, pg) == []
    assert parked(projector) == 0
