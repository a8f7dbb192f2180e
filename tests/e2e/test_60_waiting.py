"""Reads that wait for a write while the projector is held up."""

import random
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from support.api import unique
from support.programs import Program
from support.times import moment, on
from support.tokens import Signer
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
        behind = query.history(user, token=booked.token, wait=3, expect=503, code="projection-behind")
        assert behind.seconds > 2.9 > DEFAULT_WAIT_SECONDS
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


def test_thousands_wait_without_polling_and_all_are_answered(stack, command, room, user, tmp_path):
    """While nothing is applied, nothing is asked: only the first check of each, and none between."""
    waiters = 2000
    with Program(stack, "query-svc", tmp_path, RR_WAIT_MAX="4000") as program, ExitStack() as sockets:
        metrics = program.client.metrics
        connections = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", program.port), 30))
            for _ in range(waiters)
        ]
        eventually(lambda: metrics().value("rr_http_connections") > waiters)
        with held_up(stack):
            booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
            request = (
                f"GET /v1/reservations/{booked['id']} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Consistency-Token: {booked.token}\r\nPrefer: wait=10\r\n\r\n"
            ).encode()
            for connection in connections:
                connection.sendall(request)
            eventually(lambda: metrics().value("rr_token_waiting") == waiters)
            before = metrics().value("rr_pg_queries_total")
            # Ten looks at the metrics take their time; a poller would have asked meanwhile.
            assert all(metrics().value("rr_token_waiting") == waiters for _ in range(10))
            assert metrics().value("rr_pg_queries_total") - before < 10
        for connection in connections:
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_one_user_cannot_take_all_places(stack, command, room, tmp_path):
    signer = Signer(tmp_path / "keys")
    limits = {"RR_HTTP_LOOPS": "1", "RR_WAIT_MAX": "4", "RR_WAIT_MAX_USER": "2"}
    greedy, modest = unique("greedy"), unique("modest")
    with (
        Program(stack, "query-svc", tmp_path, **signer.settings, **limits) as program,
        ThreadPoolExecutor(4) as pool,
    ):
        client = program.client

        def read(user, **expected):
            headers = signer.headers(user, admin=expected.pop("admin", False))
            return client.room(room, token=changed.token, wait=10, headers=headers, **expected)

        with held_up(stack):
            changed = command.change_room(room, capacity=99)
            waiting = [pool.submit(read, greedy) for _ in range(2)]
            eventually(lambda: client.metrics().value("rr_token_waiting") == 2)
            read(greedy, expect=503, code="overloaded")
            waiting.append(pool.submit(read, modest))
            waiting.append(pool.submit(read, "boss", admin=True))
            eventually(lambda: client.metrics().value("rr_token_waiting") == 4)
            read(unique("late"), expect=503, code="overloaded")
            assert client.metrics().value("rr_token_refused_total", reason="user") == 1
            assert client.metrics().value("rr_token_refused_total", reason="all") == 1
        assert [future.result()["capacity"] for future in waiting] == [99] * 4


def test_with_a_slow_projector_every_answer_includes_its_write(stack, command, query, room, user):
    """It is stopped and let go again and again, so that batches come late and in lumps."""
    over = threading.Event()
    rng = random.Random(60)

    def slow_down():
        while not over.is_set():
            with held_up(stack):
                over.wait(rng.uniform(0.05, 0.3))
            over.wait(0.05)

    slower = threading.Thread(target=slow_down)
    slower.start()
    try:
        booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
        for n in range(25):
            booked = command.change(booked, title=f"title {n}")
            assert query.reservation(booked, token=booked.token, wait=10)["title"] == f"title {n}"
            assert query.history(user, token=booked.token, wait=10)["items"][0]["version"] == n + 2
    finally:
        over.set()
        slower.join()


def test_a_waiting_read_outlives_a_projector_that_is_killed(stack, command, query, room, user):
    with ThreadPoolExecutor(1) as pool:
        stack.kill("projector")
        try:
            booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
            query.history(user, token=booked.token, wait=0, expect=503, code="projection-behind")
            reading = pool.submit(query.history, user, token=booked.token, wait=10, expect=None)
            eventually(lambda: query.metrics().value("rr_token_waiting") >= 1)
        finally:
            stack.start(["projector"])
        answer = reading.result()
        # On a machine that is busy the start may take longer than the wait: then it is told so, and the next read has it.
        assert answer.status == 200 or answer["code"] == "projection-behind"
    assert len(query.history(user, token=booked.token, wait=10)["items"]) == 1


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
