"""Reads that wait for a write while the projector is held up."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from support.times import moment, on
from support.waiting import eventually

# How long a read waits that does not say for how long: one that took less has not waited.
DEFAULT_WAIT_SECONDS = 2.0


@contextmanager
def held_up(stack):
    stack.projector.kill(signal.SIGSTOP)
    try:
        yield
    finally:
        stack.projector.kill(signal.SIGCONT)


def test_a_read_gives_up_after_the_time_it_was_allowed(stack, command, query, room, user):
    with held_up(stack):
        booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
        behind = query.history(user, token=booked.token, wait=1, expect=503, code="projection-behind")
        assert 0.9 < behind.seconds < DEFAULT_WAIT_SECONDS
        assert moment(behind["as_of"]) < moment(booked["created_at"])
        at_once = query.history(user, token=booked.token, wait=0, expect=503, code="projection-behind")
        assert at_once.seconds < DEFAULT_WAIT_SECONDS
    assert len(query.history(user, token=booked.token)["items"]) == 1


def test_without_a_token_a_read_never_waits(stack, command, query, room, user):
    with held_up(stack):
        command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
        answer = query.history(user)
        assert answer["items"] == []
        assert answer.seconds < DEFAULT_WAIT_SECONDS


def test_a_waiting_read_is_answered_as_soon_as_the_write_is_there(stack, command, query, room, user):
    with ThreadPoolExecutor(1) as pool:
        with held_up(stack):
            booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
            reading = pool.submit(query.history, user, token=booked.token, wait=10)
            in_flight = eventually(lambda: query.metrics().value("rr_http_in_flight") >= 2)
            assert in_flight and not reading.done()
        assert len(reading.result()["items"]) == 1


def test_many_wait_at_once_and_all_are_answered(stack, command, query, room, user):
    with ThreadPoolExecutor(100) as pool:
        with held_up(stack):
            written = [command.reserve(room, on(2 + n, "10:00"), on(2 + n, "11:00"), user) for n in range(20)]
            tokens = [booked.token for booked in written] * 5
            reads = [pool.submit(query.history, user, token=token, wait=10) for token in tokens]
            eventually(lambda: query.metrics().value("rr_http_in_flight") > 100)
        for booked, read in zip(written * 5, reads, strict=True):
            assert booked["id"] in {item["reservation_id"] for item in read.result()["items"]}


def test_a_projector_that_was_held_up_goes_on_where_it_was(
    stack, command, projector, room, user, mysql, pg, caught_up
):
    from support import truth

    with held_up(stack):
        for n in range(10):
            booked = command.reserve(room, on(2 + n, "10:00"), on(2 + n, "11:00"), user)
            command.change(booked, title="changed")
    caught_up()
    assert truth.differences(mysql, pg) == []


@pytest.mark.parametrize("wait", ["x", "-1", ""])
def test_a_wait_that_is_none_is_ignored(query, room, wait):
    """RFC 7240: a preference that is not understood is as if it were not there."""
    query.room(room, token=room.token, headers={"Prefer": f"wait={wait}"})
