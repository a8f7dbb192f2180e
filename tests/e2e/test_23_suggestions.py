"""A room that is taken: when else, and where else."""

import random

import pytest
from support.api import unique
from support.times import moment, on

# Larger than any other test's room, so that only this module's are alternatives to each other, and so far apart that one
# test's are none to another's.
HUGE = iter(random.sample(range(90000, 99000, 4), 10))


@pytest.fixture
def capacity() -> int:
    return next(HUGE)


@pytest.fixture
def fill(mysql, user):
    """Books a room by hand, as fast as that goes: `count` reservations of `minutes`, back to back."""

    def fill(room, first, minutes: int, count: int) -> None:
        start = moment(first).replace(tzinfo=None)
        with mysql.cursor() as cursor:
            cursor.execute("SET SESSION cte_max_recursion_depth = 100000")
            cursor.execute(
                "INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at)"
                " WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < %s - 1)"
                " SELECT UUID_TO_BIN(UUID()), %s, %s, %s + INTERVAL i * %s MINUTE, %s + INTERVAL (i + 1) * %s MINUTE FROM n",
                (count, room["id"], user, start, minutes, start, minutes),
            )

    return fill


def taken(command, room, start, end, **options):
    return command.reserve(room, start, end, expect=409, code="slot-taken", **options)


def next_free(answer) -> tuple[str, str]:
    return answer["next_free"]["starts_at"], answer["next_free"]["ends_at"]


def test_the_next_slot_of_the_same_length_is_told(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    command.reserve(room, on(2, "11:30"), on(2, "12:00"))
    assert next_free(taken(command, room, on(2, "10:30"), on(2, "11:00"))) == (on(2, "11:00"), on(2, "11:30"))
    assert next_free(taken(command, room, on(2, "10:30"), on(2, "11:10"))) == (on(2, "12:00"), on(2, "12:40"))
    assert next_free(taken(command, room, on(2, "09:00"), on(2, "11:31"))) == (on(2, "12:00"), on(2, "14:31"))


def test_what_is_offered_can_be_booked(command, room):
    for hour in ("10", "11", "13"):
        command.reserve(room, on(2, f"{hour}:00"), on(2, f"{hour}:59"))
    offered = next_free(taken(command, room, on(2, "10:15"), on(2, "11:15")))
    assert offered == (on(2, "11:59"), on(2, "12:59"))
    command.reserve(room, *offered)


def test_a_move_is_not_in_its_own_way(command, room):
    booked = command.reserve(room, on(2, "12:00"), on(2, "13:00"))
    command.reserve(room, on(2, "11:00"), on(2, "12:00"))
    refused = command.change(
        booked, starts_at=on(2, "11:30"), ends_at=on(2, "12:30"), expect=409, code="slot-taken"
    )
    assert next_free(refused) == (on(2, "12:00"), on(2, "13:00"))


def test_a_cancelled_reservation_is_not_in_the_way(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    command.cancel(command.reserve(room, on(2, "11:00"), on(2, "12:00")))
    assert next_free(taken(command, room, on(2, "10:00"), on(2, "11:00"))) == (on(2, "11:00"), on(2, "12:00"))


def test_nothing_beyond_the_horizon_is_offered(command, room, mysql, user):
    with mysql.cursor() as cursor:
        for month in range(-1, 26):
            start = moment(on(2 + month * 31, "10:00")).replace(tzinfo=None)
            cursor.execute(
                "INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at)"
                " VALUES (UUID_TO_BIN(UUID()), %s, %s, %s, %s + INTERVAL 31 DAY)",
                (room["id"], user, start, start),
            )
    assert taken(command, room, on(2, "10:00"), on(2, "11:00"))["next_free"] is None


def test_a_gap_far_away_is_found(command, room, fill):
    fill(room, on(2, "00:00"), 180, 8 * 50)
    assert next_free(taken(command, room, on(2, "00:00"), on(2, "01:00"))) == (on(52, "00:00"), on(52, "01:00"))


def test_a_room_that_is_full_for_long_is_given_up_at_a_bounded_cost(command, room, fill):
    fill(room, on(2, "00:00"), 180, 5600)
    assert taken(command, room, on(2, "00:00"), on(2, "01:00"))["next_free"] is None


def test_rooms_that_are_free_then_and_large_enough_are_told_the_nearest_size_first(command, capacity):
    wanted = command.create_room(capacity=capacity)
    larger = command.create_room(capacity=capacity + 2)
    same = command.create_room(unique('the "same" \\ one'), capacity=capacity)
    busy = command.create_room(capacity=capacity)
    retired = command.create_room(capacity=capacity)
    command.create_room(capacity=capacity - 1)
    command.change_room(retired, active=False)
    command.reserve(busy, on(2, "08:00"), on(2, "10:01"))
    command.reserve(same, on(2, "09:00"), on(2, "10:00"))
    command.reserve(same, on(2, "11:00"), on(2, "12:00"))
    command.reserve(wanted, on(2, "10:00"), on(2, "11:00"))
    offered = taken(command, wanted, on(2, "10:00"), on(2, "11:00"))["alternatives"]
    assert offered[:2] == [{"room_id": room["id"], "name": room["name"]} for room in (same, larger)]
    ids = {item["room_id"] for item in offered}
    assert not ids & {wanted["id"], busy["id"], retired["id"]}


def test_at_most_five_rooms_are_told(command, capacity):
    rooms = [command.create_room(capacity=capacity) for _ in range(7)]
    command.reserve(rooms[0], on(2, "10:00"), on(2, "11:00"))
    offered = taken(command, rooms[0], on(2, "10:00"), on(2, "11:00"))["alternatives"]
    assert [item["room_id"] for item in offered] == [room["id"] for room in rooms[1:6]]


def test_a_repeat_is_offered_what_the_first_one_was(command, room):
    key = unique("key")
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    first = taken(command, room, on(2, "10:00"), on(2, "11:00"), key=key)
    command.reserve(room, *next_free(first))
    again = taken(command, room, on(2, "10:00"), on(2, "11:00"), key=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again["next_free"] == first["next_free"] and again["alternatives"] == first["alternatives"]


def test_a_minimal_answer_explains_a_refusal_all_the_same(command, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    refused = taken(command, room, on(2, "10:00"), on(2, "11:00"), headers={"Prefer": "return=minimal"})
    assert next_free(refused) == (on(2, "11:00"), on(2, "12:00"))
