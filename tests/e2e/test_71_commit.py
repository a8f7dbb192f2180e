"""The connection to MySQL breaks while it commits, or the service ends: what is not known is said, and a repeat tells the
truth."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.api import unique
from support.databases import somebody_waits_for_a_lock
from support.programs import Program
from support.proxy import CommitProxy
from support.times import on
from support.waiting import eventually


@pytest.fixture
def key() -> str:
    return unique("key")


@pytest.fixture
def proxy(stack):
    with CommitProxy(stack.mysql.port) as proxy:
        yield proxy


@pytest.fixture
def behind(stack, proxy, tmp_path):
    """A command-svc whose MySQL is the proxy."""
    with Program(stack, "command-svc", tmp_path, RR_MYSQL_PORT=str(proxy.port)) as program:
        yield program.client


def test_an_answer_that_is_lost_after_the_commit_is_an_unknown_outcome(command, behind, proxy, room):
    proxy.cut_after()
    unknown = behind.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503, code="outcome-unknown")
    assert proxy.done
    assert command.reservation(unknown["reservation_id"])["starts_at"] == on(2, "10:00")


def test_a_commit_that_never_arrives_is_an_unknown_outcome_as_well(command, behind, proxy, room):
    proxy.cut_before()
    unknown = behind.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503, code="outcome-unknown")
    assert proxy.done
    command.reservation(unknown["reservation_id"], expect=404)
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))


def test_a_room_that_was_to_be_made_has_no_number_while_its_outcome_is_unknown(behind, proxy):
    proxy.cut_before()
    unknown = behind.create_room(expect=503)
    assert unknown["code"] == "outcome-unknown" and proxy.done
    assert "room_id" not in unknown


def test_a_repeat_of_what_was_committed_gets_its_answer(behind, proxy, room, key, mysql):
    proxy.cut_after()
    unknown = behind.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=503, code="outcome-unknown")
    again = behind.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again["id"] == unknown["reservation_id"]
    assert _count(mysql, room) == 1


def test_a_repeat_of_what_was_not_committed_carries_it_out(behind, proxy, room, key, mysql):
    proxy.cut_before()
    behind.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=503, code="outcome-unknown")
    again = behind.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=201)
    assert "Idempotency-Replayed" not in again.headers
    assert _count(mysql, room) == 1


def test_a_change_and_a_cancellation_of_unknown_outcome_name_what_they_were_about(behind, proxy, room, key):
    booked = behind.reserve(room, on(2, "10:00"), on(2, "11:00"))
    proxy.cut_after()
    unknown = behind.change(booked, title="new", key=key, expect=503, code="outcome-unknown")
    assert unknown["reservation_id"] == booked["id"]
    changed = behind.change(booked, title="new", key=key)
    assert changed.headers["Idempotency-Replayed"] == "true" and changed["title"] == "new"
    proxy.cut_after()
    unknown = behind.cancel(booked, expect=503, code="outcome-unknown")
    assert unknown["reservation_id"] == booked["id"]
    assert behind.cancel(booked)["version"] == 3


def test_a_refusal_is_answered_although_its_key_may_not_be_kept(behind, proxy, room, key):
    behind.reserve(room, on(2, "10:00"), on(2, "11:00"))
    for plan in (proxy.cut_before, proxy.cut_after):
        plan()
        behind.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=409, code="slot-taken")
        assert proxy.done
        key += "x"


def test_a_service_killed_between_commit_and_answer_replays_rightly(stack, command, tmp_path, room, key, mysql):
    with (
        CommitProxy(stack.mysql.port) as proxy,
        Program(stack, "command-svc", tmp_path, RR_MYSQL_PORT=str(proxy.port)) as program,
        ThreadPoolExecutor(1) as pool,
    ):
        proxy.hold_after()
        waiting = pool.submit(program.client.reserve, room, on(2, "10:00"), on(2, "11:00"), key=key)
        assert proxy.held.wait(20)
        program.kill()
        with pytest.raises(requests.ConnectionError):
            waiting.result()
    again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(mysql, room) == 1


def test_sigterm_while_mysql_commits_is_an_unknown_outcome_when_the_time_is_over(
    stack, proxy, command, tmp_path, room, key, mysql
):
    settings = {"RR_MYSQL_PORT": str(proxy.port), "RR_HTTP_DRAIN_MS": "300"}
    with Program(stack, "command-svc", tmp_path, **settings) as program, ThreadPoolExecutor(1) as pool:
        proxy.hold_after()
        waiting = pool.submit(program.client.reserve, room, on(2, "10:00"), on(2, "11:00"), key=key, expect=503)
        assert proxy.held.wait(20)
        program.process.send_signal(signal.SIGTERM)
        unknown = waiting.result()
        assert unknown["code"] == "outcome-unknown"
        assert "reservation_id" not in unknown  # an earlier request may have made it under this key
        assert program.process.wait(20) == 0
    again = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key, expect=201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(mysql, room) == 1


def test_sigterm_before_a_repeat_had_its_turn_names_no_other_reservation(
    stack, command, tmp_path, mysql, room, key
):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), key=key)
    other = command.create_room()
    settings = {"RR_MYSQL_WORKERS": "1", "RR_MYSQL_LOCK_TIMEOUT_S": "60", "RR_MYSQL_STATEMENT_TIMEOUT_MS": "60000"}
    settings |= {"RR_REQUEST_TIMEOUT_MS": "60000", "RR_HTTP_DRAIN_MS": "300"}
    mysql.begin()
    with mysql.cursor() as cursor:
        cursor.execute("SELECT id FROM room WHERE id = %s FOR UPDATE", (other["id"],))
    with Program(stack, "command-svc", tmp_path, **settings) as program, ThreadPoolExecutor(2) as pool:
        client = program.client
        pool.submit(client.reserve, other, on(2, "10:00"), on(2, "11:00"), expect=503)
        eventually(lambda: somebody_waits_for_a_lock(mysql))
        repeat = pool.submit(client.reserve, room, on(2, "10:00"), on(2, "11:00"), key=key, expect=503)
        eventually(lambda: client.metrics().value("rr_mysql_queue") == 1)
        program.process.send_signal(signal.SIGTERM)
        assert repeat.result()["code"] == "outcome-unknown"
        assert repeat.result().get("reservation_id", booked["id"]) == booked["id"]
        assert program.process.wait(20) == 0
    mysql.rollback()


def test_sigterm_while_mysql_commits_waits_for_what_becomes_of_it(stack, proxy, command, tmp_path, room):
    settings = {"RR_MYSQL_PORT": str(proxy.port), "RR_HTTP_DRAIN_MS": "20000"}
    with Program(stack, "command-svc", tmp_path, **settings) as program, ThreadPoolExecutor(1) as pool:
        proxy.hold_after()
        waiting = pool.submit(program.client.reserve, room, on(2, "10:00"), on(2, "11:00"), expect=201)
        assert proxy.held.wait(20)
        program.process.send_signal(signal.SIGTERM)
        eventually(program.refuses_connections)
        assert not waiting.done()
        proxy.release()
        command.reservation(waiting.result()["id"])
        assert program.process.wait(20) == 0


def _count(mysql, room) -> int:
    with mysql.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM reservation WHERE room_id = %s", (room["id"],))
        return cursor.fetchone()[0]
