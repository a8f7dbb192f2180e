"""A batch of many events, whose new rows go to PostgreSQL another way than those of few, leaves the same read model."""

from contextlib import contextmanager

import re
import secrets
import signal

import pytest
from support import bulk, programs, truth
from support.api import unique
from support.proxy import StallProxy, projector_behind
from support.times import on
from support.topic import event, reservation_key
from support.waiting import eventually

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


@pytest.fixture
def book_in_the_topic(mysql, topic):
    """Many bookings, which wait for the projector when this returns."""

    def book(room, user: str) -> None:
        end = topic.end() + ROWS
        bulk.book(mysql, room, user, ROWS)
        eventually(lambda: topic.end() >= end, 60)

    return book


def test_what_postgres_refuses_in_the_middle_of_many_is_found_and_parked_alone(
    stack, command, mysql, pg, topic, letters, room, user, caught_up, waiting, book_in_the_topic
):
    """A user's name that no index takes: the COPY fails."""
    booked = command.reserve(room, on(1, "10:00"), on(1, "11:00"), user, title="Planning")
    caught_up()
    told = stack.projector.log.stat().st_size
    with waiting():
        book_in_the_topic(command.create_room(), user)
        offset = topic.send(reservation_key(booked), event(booked, 2, user_id=secrets.token_hex(4500)))
        book_in_the_topic(command.create_room(), user)
    (parked,) = letters.wait(booked)
    assert (parked["kind"], parked["offset"]) == ("message", offset)
    log = stack.projector.log.read_bytes()[told:].decode()
    halved = re.findall(r"trying fewer messages.* messages=(\d+)", log)
    assert max(map(int, halved)) > BIG
    assert truth.differences(mysql, pg) == []


STALLED = (
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY reservation_history%'"
    " AND state = 'active' AND query_start < clock_timestamp() - interval '3 s'"
)


def test_one_that_stands_still_inside_a_big_batch_is_replaced(
    stack, mysql, pg, room, user, tmp_path, caught_up, book_in_the_topic
):
    """PostgreSQL has no time-out for it. When it goes on, it changes nothing."""
    stack.stop(["projector"])
    try:
        book_in_the_topic(room, user)
        with (
            StallProxy(stack.postgres.port, b"reservation_history") as proxy,
            programs.Program(
                stack, "projector", tmp_path, awaits="/livez", **projector_behind(stack, proxy)
            ) as first,
        ):
            assert proxy.stalled.wait(60)
            first.process.send_signal(signal.SIGSTOP)
            eventually(lambda: pg.execute(STALLED).fetchone() == (1,), 30)
            stack.projector.launch()
            caught_up(50)
            first.process.send_signal(signal.SIGCONT)
            eventually(lambda: "beginning again" in first.log.read_text(), 60)
    finally:
        stack.start(["projector"])
    assert truth.differences(mysql, pg) == []
