"""A request with an Idempotency-Key is carried out once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import connect_mysql
from support.api import unique
from support.programs import Program
from support.times import on
from support.waiting import eventually


@pytest.fixture
def key() -> str:
    return unique("key")


def same(first, again) -> bool:
    """The later answer is the first one again, and says so."""
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    names = ("ETag", "Location", "Consistency-Token")
    return [first.headers.get(n) for n in names] == [
        again.headers.get(n) for n in names
    ] and first.status == again.status


def test_a_repeated_booking_is_answered_and_not_made_again(command, room, user, key):
    first = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, key=key)
    again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, key=key)
    assert same(first, again) and again.json == first.json


def test_a_quoted_key_is_the_bare_one(command, room, key):
    first = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
    again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=f'"{key}"')
    assert same(first, again)


def test_a_repeated_room_is_answered_and_not_made_again(command, key):
    name = unique("once")
    first = command.create_room(name, key=key)
    again = command.create_room(name, key=key)
    assert same(first, again) and again.json == first.json


def test_a_repeated_change_and_cancellation_are_answered_as_before(command, room, key):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    first = command.change(booked, title="x", key=key)
    command.cancel(booked)
    again = command.change(booked, title="x", key=key)
    assert same(first, again) and again["state"] == "confirmed"


def test_a_refusal_is_repeated_as_well(command, room, key):
    taken = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    first = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=409, code="slot-taken")
    command.cancel(taken)
    again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=409, code="slot-taken")
    assert same(first, again)
    assert again["conflicts"] == first["conflicts"]


def test_a_key_is_good_for_one_request_only(command, room, key):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
    command.reserve(room, on(2, "10:00"), on(2, "11:30"), key=key, expect=422, code="idempotency-key-reused")
    command.change(booked, title="x", key=key, expect=422, code="idempotency-key-reused")


def test_a_malformed_request_does_not_use_up_its_key(command, room, key):
    command.reserve(room, "never", on(2, "11:00"), key=key, expect=400)
    command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)


@pytest.mark.parametrize("bad", ["", '""', "x" * 256, "a b", '"open'])
def test_a_key_that_is_none_is_refused(command, room, bad):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=bad, expect=400, code="idempotency-key-invalid")


def test_of_many_equal_requests_at_once_one_is_carried_out(command, mysql, room, user, key):
    def book(_):
        return command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, key=key, expect=None)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(book, range(16)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer["id"] for answer in answers if answer.status == 201}) == 1
    assert {answer["code"] for answer in answers if answer.status == 409} <= {"idempotency-in-progress"}
    with mysql.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM reservation WHERE room_id = %s", (room["id"],))
        assert cursor.fetchone() == (1,)


def test_a_replay_waits_for_no_room(command, mysql, room, key):
    first = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
    changed = command.change(first, title="x", key=key + "-change")
    mysql.begin()
    try:
        with mysql.cursor() as cursor:
            cursor.execute("SELECT id FROM room WHERE id = %s FOR UPDATE", (room["id"],))
            cursor.execute("SELECT id FROM reservation WHERE room_id = %s FOR UPDATE", (room["id"],))
        again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
        assert same(first, again) and again.json == first.json
        again = command.change(first, title="x", key=key + "-change")
        assert again.json == changed.json
    finally:
        mysql.rollback()


def test_expired_keys_are_removed_in_batches_that_lock_nobody_out(stack, tmp_path, mysql, user, room, key):
    """1,200 expired keys: three batches. One of them is in use and is left; a fresh one stays."""

    def left():
        with mysql.cursor() as cursor:
            cursor.execute("SELECT idem_key FROM idempotency_key WHERE user_id = %s", (user,))
            return {row[0] for row in cursor.fetchall()}

    rows = [(user, f"old-{n}", bytes(16), "2020-01-01") for n in range(1200)]
    with mysql.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO idempotency_key (user_id, idem_key, fingerprint, expires_at) VALUES (%s, %s, %s, %s)",
            [*rows, (user, "fresh", bytes(16), "2100-01-01")],
        )
    holder = connect_mysql(stack)
    try:
        holder.begin()
        with holder.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM idempotency_key WHERE user_id = %s AND idem_key = 'old-7' FOR UPDATE", (user,)
            )
        with Program(stack, "command-svc", tmp_path, RR_IDEMPOTENCY_PRUNE_S="1") as program:
            program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
            eventually(lambda: left() == {"old-7", "fresh"})
            holder.rollback()
            eventually(lambda: left() == {"fresh"})
    finally:
        holder.close()
