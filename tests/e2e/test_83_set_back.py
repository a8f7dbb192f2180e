"""What comes again: with the content that is known it changes nothing, with another one the truth was set back."""

import json

import pytest
from support.rebuilds import rebuild
from support.times import on
from support.topic import change, event, reservation_key, room_event, room_key
from support.waiting import eventually


@pytest.fixture
def ask(pg):
    def ask(columns: str):
        return pg.execute(
            f"SELECT {columns} FROM projection.position JOIN projection.generation USING (generation)"
            " WHERE state = 'serving'"
        ).fetchone()[0]

    return ask


@pytest.fixture
def booked(command, room, user, caught_up):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    booked = command.change(booked, title="Planning, again")
    caught_up()
    return booked


def as_it_came(topic, since: int, key: str) -> str:
    """The last message of that id."""
    return [value for value in topic.read(since) if key in value][-1]


@pytest.fixture
def alarm(stack, ask, projector, command, query, room, user):
    """Called with what sets the alarm off; what an operator does then ends it."""

    def alarm(send) -> None:
        send()
        eventually(lambda: ask("halted") == "rewound", 60)
        stood = ask("next_offset")
        eventually(lambda: projector.metrics().value("rr_projector_rewound") == 1, 60)
        assert "rewound" in projector.get("/readyz", expect=503)["detail"]
        booked = command.reserve(room, on(5, "10:00"), on(5, "11:00"), user)
        query.reservation(booked, token=booked.token, wait=1, expect=503, code="projection-behind")
        assert ask("next_offset") == stood
        status, told = rebuild(stack)
        assert status == 0, told
        query.reservation(booked, token=booked.token, wait=10)
        eventually(projector.is_ready, 60)
        assert projector.metrics().value("rr_projector_rewound") == 0

    return alarm


def test_a_message_that_comes_again_changes_nothing(topic, command, query, room, user, ask, projector, caught_up):
    since = topic.end()
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    query.reservation(booked, token=booked.token, wait=10)
    again = as_it_came(topic, since, booked["id"].replace("-", ""))
    repeated = projector.metrics().value("rr_projector_ignored_total", reason="repeated")
    offset = topic.send(reservation_key(booked), again)
    eventually(lambda: ask("next_offset") > offset)
    assert ask("halted") is None
    caught_up()  # a batch is counted after its commit, and before the next one
    assert projector.metrics().value("rr_projector_ignored_total", reason="repeated") > repeated
    assert query.reservation(booked)["version"] == 1


def test_a_known_version_with_other_content_is_an_alarm(topic, booked, alarm, query):
    alarm(lambda: topic.send(reservation_key(booked), event(booked, 1, "created", title="Something else")))
    assert query.reservation(booked)["title"] == "Planning, again"


def test_a_room_s_version_with_other_content_is_an_alarm(topic, room, alarm, query):
    alarm(lambda: topic.send(room_key(room), room_event(room, 1, name="elsewhere")))
    assert query.room(room)["name"] == room["name"]


def test_two_contents_of_a_version_in_one_batch_are_an_alarm(stack, topic, booked, alarm, query):
    def send():
        stack.stop(["projector"])
        topic.send(reservation_key(booked), event(booked, 3, title="One"))
        topic.send(reservation_key(booked), event(booked, 3, title="Other"))
        stack.projector.launch()

    alarm(send)
    assert query.reservation(booked)["version"] == 2


def test_a_comparison_of_an_unproven_log_that_finds_other_content_twice_is_an_alarm(pg, booked, alarm, ask, query):
    def send():
        pg.execute(
            f"UPDATE g{ask('generation')}.reservation_history SET title = %s WHERE reservation_id = %s AND version = 1",
            ["€" * 200, booked["id"]],
        )
        pg.execute("UPDATE projection.position SET unproven_since = clock_timestamp()")

    alarm(send)
    assert [item["title"] for item in query.read(f"/v1/reservations/{booked['id']}/history")["items"]] == [
        "Planning, again",
        "Planning",
    ]


def test_a_truth_set_back_and_a_log_wiped_are_found_one_after_the_other(stack, topic, booked, pg, ask, query):
    """While it is halted it does not look at the log; what docs/operations.md says lets it."""
    generation = ask("generation")
    topic.send(reservation_key(booked), event(booked, 1, "created", title="Something else"))
    eventually(lambda: ask("halted") == "rewound", 60)
    pg.execute(
        "UPDATE projection.position SET next_offset = next_offset + 1000000 WHERE generation = %s", [generation]
    )
    status, told = rebuild(stack)
    assert (status, "the log was replaced" in told) == (2, True), told
    pg.execute(
        "UPDATE projection.position SET halted = NULL, halted_at = NULL, halted_reason = NULL WHERE halted = 'rewound'"
    )
    eventually(lambda: ask("halted") == "rewound", 60)
    status, told = rebuild(stack)
    assert status == 0, told
    assert ask("generation") > generation
    assert query.reservation(booked)["title"] == "Planning, again"


def test_an_older_version_of_a_room_is_no_alarm(topic, command, query, room, ask):
    renamed = command.change_room(room, name=room["name"] + ", renamed")
    query.room(renamed, token=renamed.token, wait=10)
    offset = topic.send(room_key(room), room_event(room, 1, name="of before"))
    eventually(lambda: ask("next_offset") > offset)
    assert ask("halted") is None
    assert query.room(room)["name"] == renamed["name"]


def test_a_snapshot_s_row_makes_the_log_unproven_until_a_comparison_has_ended_equal(
    topic, command, ask, projector, query, caught_up
):
    since = topic.end()
    room = command.create_room()
    query.room(room, token=room.token, wait=10)
    row = json.loads(as_it_came(topic, since, room["name"]))["after"]
    topic.send(room_key(room), change("room", row, op="r", snapshot="true"))
    eventually(lambda: ask("unproven_since IS NOT NULL"), 60, 0.005)
    stands, unproven = ask("array[as_of::text, (unproven_since IS NOT NULL)::text]")
    assert unproven == "true"
    eventually(lambda: ask("unproven_since IS NULL"), 120)
    assert ask("halted") is None
    caught_up(60)
    assert query.rooms().as_of > stands
    eventually(projector.is_ready, 60)
