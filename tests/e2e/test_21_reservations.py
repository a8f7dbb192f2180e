"""Reservations on the write side: book, change, cancel, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.times import on


def test_a_booking_comes_back_as_it_was_made(command, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    assert booked.headers["Location"] == f"/v1/reservations/{booked['id']}"
    assert booked.etag == '"1"'
    assert (booked["room_id"], booked["user_id"], booked["title"]) == (room["id"], user, "Planning")
    assert (booked["starts_at"], booked["ends_at"]) == (on(2, "10:00"), on(2, "11:00"))
    assert (booked["state"], booked["version"]) == ("confirmed", 1)
    assert command.reservation(booked).json == booked.json


def test_times_come_in_with_any_offset_and_out_in_utc(command, room):
    booked = command.reserve(room, on(2, "10:00").replace("Z", "+09:00"), on(2, "11:00").replace("Z", "+05:45"))
    assert (booked["starts_at"], booked["ends_at"]) == (on(2, "01:00"), on(2, "05:15"))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("10:00", "11:00"),
        ("10:30", "11:30"),
        ("09:30", "10:30"),
        ("10:15", "10:45"),
        ("09:00", "12:00"),
        ("10:59", "11:01"),
    ],
)
def test_a_second_reservation_of_the_same_time_is_refused(command, room, start, end):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    refused = command.reserve(room, on(2, start), on(2, end), expect=409, code="slot-taken")
    assert refused["conflicts"] == [{"starts_at": on(2, "10:00"), "ends_at": on(2, "11:00")}]


def test_a_conflict_tells_when_but_never_who(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"), "secret-agent", title="secret-matter")
    command.reserve(room, on(2, "12:00"), on(2, "13:00"), "secret-agent")
    refused = command.reserve(room, on(2, "09:00"), on(2, "14:00"), expect=409, code="slot-taken")
    assert [c["starts_at"] for c in refused["conflicts"]] == [on(2, "10:00"), on(2, "12:00")]
    assert "secret" not in refused.text


def test_at_most_twenty_conflicts_are_listed(command, room):
    for minute in range(25):
        command.reserve(room, on(2, f"10:{minute:02}"), on(2, f"10:{minute + 1:02}"))
    refused = command.reserve(room, on(2, "09:00"), on(2, "14:00"), expect=409, code="slot-taken")
    assert [c["starts_at"] for c in refused["conflicts"]] == [on(2, f"10:{minute:02}") for minute in range(20)]


def test_back_to_back_reservations_do_not_overlap(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    command.reserve(room, on(2, "11:00"), on(2, "12:00"))
    command.reserve(room, on(2, "09:00"), on(2, "10:00"))


def test_another_room_is_free_at_the_same_time(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    command.reserve(command.create_room(), on(2, "10:00"), on(2, "11:00"))


def test_a_cancelled_time_is_free_again(command, room):
    command.cancel(command.reserve(room, on(2, "10:00"), on(2, "11:00")))
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))


def test_a_31_day_booking_is_seen_from_its_last_minute(command, room):
    command.reserve(room, on(2, "10:00"), on(33, "10:00"))
    command.reserve(room, on(33, "09:59"), on(33, "10:30"), expect=409, code="slot-taken")
    command.reserve(room, on(33, "10:00"), on(33, "10:30"))


def test_of_64_who_want_one_slot_exactly_one_gets_it(command, room):
    def book(number):
        return command.reserve(room, on(2, "10:00"), on(2, "11:00"), f"user-{number}", expect=None)

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(book, range(64)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 63
    assert {answer["code"] for answer in answers if answer.status == 409} == {"slot-taken"}


def test_a_booking_can_be_moved_and_retitled(command, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), title="before")
    other = command.create_room()
    moved = command.change(
        booked, room_id=other["id"], starts_at=on(3, "12:00"), ends_at=on(3, "13:00"), title="after"
    )
    assert moved["version"] == 2 and moved.etag == '"2"'
    assert (moved["room_id"], moved["title"]) == (other["id"], "after")
    assert (moved["starts_at"], moved["ends_at"]) == (on(3, "12:00"), on(3, "13:00"))
    assert moved["created_at"] == booked["created_at"] and moved["updated_at"] > booked["updated_at"]
    assert command.change(moved, title=None)["title"] is None
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))


def test_a_booking_may_be_moved_within_its_own_time(command, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    assert command.change(booked, starts_at=on(2, "10:30"), ends_at=on(2, "11:30"))["version"] == 2


def test_a_booking_cannot_be_moved_onto_another(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    booked = command.reserve(room, on(2, "11:00"), on(2, "12:00"))
    refused = command.change(booked, starts_at=on(2, "10:30"), expect=409, code="slot-taken")
    assert refused["conflicts"] == [{"starts_at": on(2, "10:00"), "ends_at": on(2, "11:00")}]
    assert command.reservation(booked).json == booked.json


def test_a_change_that_changes_nothing_writes_nothing(command, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), title="same")
    assert command.change(booked, title="same", starts_at=on(2, "10:00")).json == booked.json


def test_a_change_needs_the_version_it_was_made_for(command, query, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    command.change(booked, if_match=None, title="x", expect=428, code="precondition-required")
    command.change(booked, title="x")
    stale = command.change(booked, title="y", expect=412, code="version-stale")
    assert stale["version"] == 2
    assert command.reservation(booked)["title"] == "x"
    newest = query.reservation(booked, token=stale.token)
    assert (newest["version"], newest["title"]) == (2, "x")
    command.change(newest, title="y")


def test_of_many_changes_of_one_version_exactly_one_is_made(command, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: command.change(booked, title=f"title {n}", expect=None), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 15
    assert command.reservation(booked)["version"] == 2


def test_a_cancellation_says_so_and_can_be_repeated(command, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    cancelled = command.cancel(booked, "ill")
    assert (cancelled["state"], cancelled["version"]) == ("cancelled", 2)
    again = command.cancel(booked)
    assert again.json == cancelled.json


def test_a_cancelled_booking_cannot_be_changed(command, room):
    cancelled = command.cancel(command.reserve(room, on(2, "10:00"), on(2, "11:00")))
    command.change(cancelled, title="x", expect=409, code="reservation-cancelled")


def test_a_booking_that_is_not_there_is_not_found(command, query):
    nobody = "019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10"
    command.reservation(nobody, expect=404)
    query.reservation(nobody, expect=404, code="not-found")
    command.cancel(nobody, expect=404, code="not-found")
    command.change(nobody, if_match='"1"', title="x", expect=404, code="not-found")


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ((2, "11:00"), (2, "10:00"), "ends_at"),
        ((2, "10:00"), (2, "10:00"), "ends_at"),
        ((2, "10:00"), (33, "10:01"), "ends_at"),
        ((-1, "10:00"), (2, "10:00"), "starts_at"),
        ((740, "10:00"), (740, "11:00"), "starts_at"),
    ],
)
def test_times_that_break_a_rule_are_named(command, room, start, end, field):
    answer = command.reserve(room, on(*start), on(*end), expect=422, code="rule-broken")
    assert field in answer.bad_names


def test_bookings_start_and_end_on_whole_minutes(command, room):
    answer = command.reserve(
        room, on(2, "10:00").replace(":00Z", ":30Z"), on(2, "11:00"), expect=422, code="rule-broken"
    )
    assert answer.bad_names == {"starts_at"}


@pytest.mark.parametrize("time", ["2027-01-01", "2027-01-01T10:00", "tomorrow", "10:00Z", ""])
def test_a_time_that_is_none_is_named(command, room, time):
    answer = command.reserve(room, time, on(2, "11:00"), expect=400, code="json-invalid")
    assert answer.bad_names == {"starts_at"}


@pytest.mark.parametrize("time", ["2027-02-30T10:00Z", "2027-01-01T24:00Z", "2027-01-01T10:60Z"])
def test_a_time_that_no_calendar_has_is_named(command, room, time):
    answer = command.reserve(room, time, on(2, "11:00"), expect=422, code="rule-broken")
    assert answer.bad_names == {"starts_at"}


def test_a_room_that_is_not_there_is_named(command):
    answer = command.reserve(999999999, on(2, "10:00"), on(2, "11:00"), expect=422, code="rule-broken")
    assert answer.bad_names == {"room_id"}


def test_a_minimal_answer_is_given_to_who_prefers_it(command, room):
    answer = command.reserve(room, on(2, "10:00"), on(2, "11:00"), headers={"Prefer": "return=minimal"})
    assert answer.json == {"id": answer["id"], "version": 1}
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert answer.token and answer.etag == '"1"'
