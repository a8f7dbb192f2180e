"""From a write to the read that includes it: with its token at once, without it soon."""

import pytest
from support.times import moment, on
from support.waiting import eventually


def test_a_booking_is_in_the_history_with_its_token(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    (event,) = query.history(user, token=booked.token)["items"]
    assert event == {
        "reservation_id": booked["id"],
        "version": 1,
        "kind": "created",
        "recorded_at": booked["created_at"],
        "recorded_by": "admin",
        "reason": None,
        "changes": {},
        "room_id": room["id"],
        "room_name": room["name"],
        "title": "Planning",
        "starts_at": on(2, "10:00"),
        "ends_at": on(2, "11:00"),
        "state": "confirmed",
    }


def test_a_booking_is_in_the_history_without_its_token_eventually(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)

    def visible():
        return [event["reservation_id"] for event in query.history(user)["items"]] == [booked["id"]]

    eventually(visible)


def test_a_booking_is_readable_as_it_was_made_with_its_room(command, query, user):
    room = command.create_room(location="2nd floor")
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    seen = query.reservation(booked, token=booked.token)
    assert seen.json == booked.json | {"room_name": room["name"], "room_location": "2nd floor"}
    (listed,) = query.reservations(user, token=booked.token)["items"]
    assert listed == seen.json


def test_the_token_of_each_kind_of_write_is_waited_for(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    changed = command.change(booked, title="x")
    assert query.reservation(booked, token=changed.token)["title"] == "x"
    cancelled = command.cancel(booked)
    assert query.reservation(booked, token=cancelled.token)["state"] == "cancelled"
    renamed = command.change_room(room, capacity=77)
    assert query.room(room, token=renamed.token)["capacity"] == 77


def test_several_tokens_are_waited_for_together(command, query, room, user):
    written = [command.reserve(room, on(2, f"1{n}:00"), on(2, f"1{n}:30"), user) for n in range(8)]
    items = query.history(user, token=[answer.token for answer in written])["items"]
    assert {item["reservation_id"] for item in items} == {answer["id"] for answer in written}


def test_more_than_eight_tokens_are_refused(command, query, room, user):
    token = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user).token
    query.history(user, token=[token] * 9, expect=400, code="consistency-token-invalid")


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-1], lambda t: t + "A", lambda t: "B" + t[1:], lambda t: "no token"]
)
def test_a_broken_token_is_refused(command, query, room, damage):
    broken = damage(room.token)
    assert broken != room.token
    query.rooms(token=broken, expect=400, code="consistency-token-invalid")


def test_every_single_changed_character_of_a_token_is_noticed(query, room):
    for at, old in enumerate(room.token):
        new = "B" if old != "B" else "C"
        query.rooms(token=room.token[:at] + new + room.token[at + 1 :], expect=400)


def test_the_wait_that_was_asked_for_is_confirmed(query, room):
    answer = query.room(room, token=room.token, wait=7)
    assert answer.headers["Preference-Applied"] == "wait=7"
    answer = query.room(room, token=room.token, wait=3600)
    assert answer.headers["Preference-Applied"] == "wait=10"


def test_an_answer_includes_everything_before_its_as_of(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    as_of = moment(query.history(user, token=booked.token).as_of)
    assert as_of >= moment(booked["created_at"])


def test_as_of_rises_while_nobody_books(query):
    first = query.rooms().as_of
    later = eventually(lambda: (now := query.rooms().as_of) > first and now)
    eventually(lambda: query.rooms().as_of > later)


def test_as_of_never_moves_back(command, query, room):
    seen = []
    for n in range(10):
        command.reserve(room, on(2, f"1{n}:00"), on(2, f"1{n}:30"))
        seen += [query.rooms(limit=1).as_of for _ in range(20)]
    assert seen == sorted(seen)
