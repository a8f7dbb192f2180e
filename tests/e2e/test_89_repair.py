"""A repair takes nothing away that has been applied, and fills in what is missing before what is parked."""

import pytest
from support import programs, truth
from support.times import on
from support.topic import event, reservation_key


@pytest.fixture
def booked(command, room, user, caught_up):
    """A reservation with two versions."""
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    booked = command.change(booked, title="Second")
    caught_up()
    return booked


@pytest.fixture
def model(pg):
    """The serving generation's tables stand in front."""
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"SET search_path TO g{generation}")
    return pg


def verify(stack, *flags, expect: int) -> None:
    ended = programs.run(stack, "projector", "verify", *flags, seconds=120)
    assert ended.returncode == expect, ended.stdout + ended.stderr


def versions(query, booked) -> list[int]:
    return [item["version"] for item in query.read(f"/v1/reservations/{booked['id']}/history")["items"]]


def test_a_skipped_version_that_was_applied_after_all_stays(
    stack, command, query, topic, letters, booked, unlogged, model
):
    """As after a rebuild of before the skip, or by a repair without it."""
    unlogged("UPDATE reservation SET title = 'Third' WHERE id = UUID_TO_BIN(%s)", [booked["id"]])
    topic.send(reservation_key(booked), event(booked, 3, kind="?"))
    (first,) = letters.wait(booked)
    letters.run("skip", str(first["id"]), "--reason", "a test")
    model.execute("CREATE TEMP TABLE kept AS SELECT * FROM projection.dead_letter")
    model.execute("DELETE FROM projection.dead_letter")
    verify(stack, "--repair", expect=0)
    assert versions(query, booked) == [3, 2, 1]
    model.execute("INSERT INTO projection.dead_letter OVERRIDING SYSTEM VALUE SELECT * FROM kept")
    model.execute("UPDATE reservation SET title = 'x' WHERE id = %s", [booked["id"]])
    verify(stack, "--repair", expect=0)
    assert versions(query, booked) == [3, 2, 1]
    assert query.reservation(booked)["title"] == "Third"


def test_the_end_of_the_history_comes_back_while_later_events_are_parked(
    stack, query, topic, letters, booked, model
):
    topic.send(reservation_key(booked), event(booked, 3, kind="?"))
    letters.wait(booked)
    model.execute("DELETE FROM reservation_history WHERE reservation_id = %s AND version = 2", [booked["id"]])
    verify(stack, expect=1)
    verify(stack, "--repair", expect=0)
    assert versions(query, booked) == [2, 1]
    assert query.reservation(booked)["version"] == 2


def test_all_that_came_before_what_is_parked_comes_back(stack, command, query, topic, letters, booked, model):
    topic.send(reservation_key(booked), event(booked, 3, kind="?"))
    command.change(booked, title="Third")
    letters.wait(booked, 2)
    model.execute("DELETE FROM reservation_history WHERE reservation_id = %s", [booked["id"]])
    model.execute("DELETE FROM reservation WHERE id = %s", [booked["id"]])
    verify(stack, expect=1)
    verify(stack, "--repair", expect=0)
    assert versions(query, booked) == [2, 1]
    assert query.reservation(booked)["title"] == "Second"


def test_a_message_that_is_nobody_s_is_skipped_without_a_version(
    stack, command, query, topic, letters, booked, mysql, pg, caught_up
):
    """A write that is still to come would else count as included."""
    topic.send(reservation_key(booked), "{")
    (first,) = letters.wait(booked)
    letters.run("skip", str(first["id"]), "--reason", "noise")
    (skipped,) = [item for item in letters.all()["items"] if item["id"] == first["id"]]
    assert (skipped["state"], skipped["version"]) == ("skipped", None)
    stack.stop(["projector"])
    try:
        third = command.change(booked, title="Third")
        query.reservation(booked, token=third.token, wait=0, expect=503, code="projection-behind")
    finally:
        stack.start(["projector"])
    assert query.reservation(booked, token=third.token, wait=10)["title"] == "Third"
    caught_up()
    assert truth.differences(mysql, pg) == []
