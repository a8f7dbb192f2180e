"""Rooms: made, changed and retired by command-svc, listed by query-svc."""

import pytest
from support.api import unique
from support.times import on


def test_a_new_room_comes_back_as_it_was_made(command):
    name = unique("Aurora ☀")
    made = command.create_room(name, 12, "2nd floor")
    assert made.headers["Location"] == f"/v1/rooms/{made['id']}"
    assert made.etag == '"1"'
    assert (made["name"], made["capacity"], made["location"]) == (name, 12, "2nd floor")
    assert (made["active"], made["version"]) == (True, 1)
    assert command.room(made).json == made.json


def test_a_new_room_is_in_the_read_model(command, query):
    made = command.create_room(location="annex")
    assert query.room(made, token=made.token).json == made.json


def test_a_name_is_taken_whatever_its_case(command):
    name = unique("Taken")
    command.create_room(name)
    command.create_room(name, expect=409, code="room-name-taken")
    command.create_room(name.upper(), expect=409, code="room-name-taken")


@pytest.mark.parametrize("invisible", "\u200b \u00ad \ufeff \u200d \u2060 \ufe0f \u200b\u00ad".split())
def test_a_name_that_shows_nothing_is_refused(command, room, invisible):
    for refused in (
        command.create_room(invisible, expect=422, code="rule-broken"),
        command.change_room(room, name=invisible, expect=422, code="rule-broken"),
    ):
        assert [param["name"] for param in refused["invalid_params"]] == ["name"]
    assert command.room(room).json == room.json


def test_a_rename_onto_another_rooms_name_is_refused(command, room):
    other = command.create_room()
    command.change_room(other, name=room["name"], expect=409, code="room-name-taken")
    assert command.room(other).json == other.json


def test_a_change_raises_the_version(command, query, room):
    changed = command.change_room(room, name=unique("renamed"), capacity=3, location="cellar")
    assert changed["version"] == 2
    assert changed.etag == '"2"'
    assert changed["updated_at"] > room["updated_at"]
    assert query.room(room, token=changed.token).json == changed.json


def test_a_change_that_changes_nothing_writes_nothing(command, room):
    same = command.change_room(room, name=room["name"], capacity=room["capacity"])
    assert same.json == room.json


def test_a_change_needs_the_version_it_was_made_for(command, room):
    command.change_room(room, if_match=None, capacity=2, expect=428, code="precondition-required")
    changed = command.change_room(room, capacity=2)
    stale = command.change_room(room, capacity=3, expect=412, code="version-stale")
    assert (stale["version"], stale.token) == (2, changed.token)


def test_a_room_that_is_not_there_is_not_found(command, query):
    command.room(999999999, expect=404)
    query.room(999999999, expect=404, code="not-found")
    command.change_room(999999999, if_match='"1"', capacity=3, expect=404, code="not-found")


def test_a_retired_room_takes_no_new_reservations_and_keeps_those_it_has(command, query, room, user):
    kept = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    command.change_room(room, active=False)
    command.reserve(room, on(3, "10:00"), on(3, "11:00"), expect=409, code="room-retired")
    command.change(kept, starts_at=on(4, "10:00"), ends_at=on(4, "11:00"), expect=409, code="room-retired")
    assert query.reservations(user, token=kept.token)["items"][0]["state"] == "confirmed"
    command.cancel(kept)


def test_rooms_are_found_by_name_capacity_and_use(command, query):
    word = unique("needle")
    small = command.create_room(f"{word} small", 2)
    large = command.create_room(f"Large {word.upper()}", 20)
    placed = command.create_room(capacity=5, location=f"behind the {word}")
    retired = command.change_room(command.create_room(f"{word} old", 9), active=False)

    def found(**filters):
        return [item["id"] for item in query.rooms(q=word, token=retired.token, limit=200, **filters)["items"]]

    assert found() == [small["id"], large["id"], placed["id"], retired["id"]]
    assert found(active="true") == [small["id"], large["id"], placed["id"]]
    assert found(active="false") == [retired["id"]]
    assert found(min_capacity=9) == [large["id"], retired["id"]]


def test_a_search_takes_percent_and_underscore_as_they_are(command, query):
    word = unique("rate")
    made = command.create_room(f"{word} 100%_x")
    assert [item["id"] for item in query.rooms(q=f"{word} 100%_", token=made.token)["items"]] == [made["id"]]
    assert query.rooms(q=f"{word}_100", token=made.token)["items"] == []
    assert query.rooms(q=f"{word}%x", token=made.token)["items"] == []
