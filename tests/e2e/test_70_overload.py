"""More work than can be done, rooms that are locked, and an orderly end in the middle of it all."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.api import unique
from support.databases import somebody_waits_for_a_lock
from support.held import PATIENT as PATIENT_READS
from support.load import Load, lost
from support.programs import Program
from support.proxy import AnswerProxy, SlowProxy
from support.times import on
from support.waiting import eventually


@pytest.fixture
def locked_room(mysql, room):
    """A room whose row somebody else has locked; `release()` lets it go."""
    mysql.begin()
    with mysql.cursor() as cursor:
        cursor.execute("SELECT id FROM room WHERE id = %s FOR UPDATE", (room["id"],))
    room.release = mysql.rollback
    yield room
    mysql.rollback()


PATIENT = {
    "RR_MYSQL_LOCK_TIMEOUT_S": "60",
    "RR_MYSQL_STATEMENT_TIMEOUT_MS": "60000",
    "RR_REQUEST_TIMEOUT_MS": "60000",
}


def test_a_full_queue_is_answered_at_once(stack, tmp_path, mysql, locked_room):
    settings = PATIENT | {"RR_MYSQL_WORKERS": "1", "RR_MYSQL_QUEUE": "1"}
    with Program(stack, "command-svc", tmp_path, **settings) as program, ThreadPoolExecutor(2) as pool:

        def book(hour):
            return program.client.reserve(locked_room, on(2, f"{hour}:00"), on(2, f"{hour}:30"), expect=None)

        waiting = [pool.submit(book, 10)]
        eventually(lambda: somebody_waits_for_a_lock(mysql))
        waiting.append(pool.submit(book, 11))
        eventually(lambda: program.client.metrics().value("rr_mysql_queue") == 1)
        for hour in range(12, 20):
            refused = book(hour)
            assert (refused.status, refused["code"]) == (503, "overloaded")
        program.client.get("/livez", expect=200)
        assert not any(future.done() for future in waiting)
        locked_room.release()
        assert [future.result().status for future in waiting] == [201] * 2


def test_a_room_that_stays_locked_is_503_and_no_internal_error(stack, tmp_path, locked_room):
    with Program(stack, "command-svc", tmp_path, RR_MYSQL_LOCK_TIMEOUT_S="1") as program:
        answer = program.client.reserve(locked_room, on(2, "10:00"), on(2, "11:00"), expect=503)
        assert answer["code"] in ("database-busy", "overloaded")
        locked_room.release()
        program.client.reserve(locked_room, on(2, "10:00"), on(2, "11:00"), expect=201)


def test_who_gives_up_a_locked_table_leaves_nobody_waiting_in_mysql(stack, tmp_path, mysql, room):
    """A backup's FLUSH TABLES WITH READ LOCK lets a command lock its room, and then stops it."""
    with Program(stack, "command-svc", tmp_path, RR_MYSQL_LOCK_TIMEOUT_S="1") as program:
        with mysql.cursor() as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")
        try:
            refused = program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503)
            assert refused["code"] == "database-busy"
            eventually(lambda: not _waiting_for_table_locks(mysql), seconds=20)
        finally:
            with mysql.cursor() as cursor:
                cursor.execute("UNLOCK TABLES")
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=201)


def _waiting_for_table_locks(mysql) -> int:
    with mysql.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM performance_schema.processlist"
            " WHERE user = 'rr_command' AND state LIKE 'Waiting for%lock'"
        )
        return cursor.fetchone()[0]


def test_a_request_does_not_wait_longer_than_its_limit(stack, tmp_path, locked_room):
    """Whatever MySQL's own limits are. Locks are waited for in whole seconds."""
    settings = PATIENT | {"RR_REQUEST_TIMEOUT_MS": "1500"}
    with Program(stack, "command-svc", tmp_path, **settings) as program:
        answer = program.client.reserve(locked_room, on(2, "10:00"), on(2, "11:00"), expect=503)
        assert answer["code"] == "database-busy"
        assert 1 <= answer.seconds < 20  # PATIENT would wait for a minute


@pytest.mark.parametrize("limit_ms", [1500, 3500])
def test_a_request_is_given_up_between_two_answers_of_mysql(stack, tmp_path, mysql, room, limit_ms):
    """Nothing is committed any more when its time is over: in the middle, or when only the COMMIT was left."""
    settings = {"RR_MYSQL_WORKERS": "1", "RR_REQUEST_TIMEOUT_MS": str(limit_ms)}
    with (
        SlowProxy(stack.mysql.port) as proxy,
        Program(stack, "command-svc", tmp_path, RR_MYSQL_PORT=str(proxy.port), **settings) as program,
    ):
        program.client.reserve(room, on(2, "08:00"), on(2, "09:00"))
        proxy.slow_down(1)
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=503, code="database-busy")
        proxy.slow_down(0)
        program.client.reserve(room, on(2, "10:00"), on(2, "11:00"), expect=201)
    with mysql.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM reservation WHERE room_id = %s", (room["id"],))
        assert cursor.fetchone() == (2,)


def test_a_read_is_not_asked_again_of_a_mysql_that_says_nothing(stack, tmp_path, room):
    """It would wait once more, here for a connection."""
    settings = {
        "RR_MYSQL_WORKERS": "1",
        "RR_MYSQL_STATEMENT_TIMEOUT_MS": "1000",
        "RR_MYSQL_CONNECT_TIMEOUT_MS": "20000",
    }
    with (
        AnswerProxy(stack.mysql.port) as proxy,
        Program(stack, "command-svc", tmp_path, RR_MYSQL_PORT=str(proxy.port), **settings) as program,
    ):
        program.client.room(room)
        proxy.hold()
        answer = program.client.get(f"/v1/rooms/{room['id']}", expect=503)
        assert answer["code"] == "database-unavailable"
        assert answer.seconds < 10
        proxy.release()
        eventually(lambda: program.client.is_ready())


def test_one_locked_room_does_not_stop_the_others(stack, tmp_path, locked_room):
    with Program(stack, "command-svc", tmp_path, **PATIENT) as program, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(program.client.reserve, locked_room, on(2, "10:00"), on(2, "11:00"), expect=None)
        free = program.client.create_room()
        program.client.reserve(free, on(2, "10:00"), on(2, "11:00"))
        assert not waiting.done()
        locked_room.release()
        assert waiting.result().status == 201


@pytest.fixture
def two_connections(mysql):
    """Settings of an account that MySQL gives no more connections."""
    user = "rr_command_few"
    with mysql.cursor() as cursor:
        cursor.execute(f"CREATE USER '{user}'@'%' IDENTIFIED BY 'few' WITH MAX_USER_CONNECTIONS 2")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON reservations.* TO '{user}'@'%'")
    yield {"RR_MYSQL_USER": user, "RR_MYSQL_PASSWORD": "few", "RR_MYSQL_PASSWORD_FILE": None}
    with mysql.cursor() as cursor:
        cursor.execute(f"DROP USER '{user}'@'%'")


def test_workers_for_whom_mysql_has_no_connection_refuse_nothing(stack, tmp_path, two_connections, room):
    """From the first request on, for which nobody has a connection yet."""
    settings = two_connections | {"RR_MYSQL_WORKERS": "4", "RR_REQUEST_TIMEOUT_MS": "60000"}
    with Program(stack, "command-svc", tmp_path, "/livez", **settings) as program, ThreadPoolExecutor(32) as pool:

        def book(n):
            day, hour = 2 + n // 24, n % 24
            return program.client.reserve(room, on(day, f"{hour:02}:00"), on(day, f"{hour:02}:30"))

        assert [booked["version"] for booked in pool.map(book, range(200))] == [1] * 200
        assert program.client.metrics().value("rr_mysql_connections") == 2
        assert "errno=1226" in program.log.read_text()


def test_sigterm_lets_requests_in_flight_finish(stack, tmp_path, mysql, locked_room):
    with Program(stack, "command-svc", tmp_path, **PATIENT) as program, ThreadPoolExecutor(4) as pool:

        def book(hour):
            return program.client.reserve(locked_room, on(2, f"{hour}:00"), on(2, f"{hour}:30"), expect=None)

        waiting = [pool.submit(book, hour) for hour in range(10, 14)]
        eventually(lambda: program.client.metrics().value("rr_http_in_flight") >= 5)
        program.process.send_signal(signal.SIGTERM)
        eventually(program.refuses_connections)
        assert not any(future.done() for future in waiting)
        locked_room.release()
        assert [future.result().status for future in waiting] == [201] * 4
        assert program.process.wait(20) == 0


def test_sigterm_gives_up_what_takes_too_long_and_says_what_it_was(stack, tmp_path, command, mysql, room):
    booked = command.reserve(room, on(2, "08:00"), on(2, "09:00"))
    mysql.begin()
    with mysql.cursor() as cursor:
        cursor.execute("SELECT id FROM room WHERE id = %s FOR UPDATE", (room["id"],))
    settings = PATIENT | {"RR_HTTP_DRAIN_MS": "300"}
    with Program(stack, "command-svc", tmp_path, **settings) as program, ThreadPoolExecutor(3) as pool:
        client = program.client
        new = pool.submit(client.reserve, room, on(2, "10:00"), on(2, "11:00"), expect=None)
        moved = pool.submit(client.change, booked, ends_at=on(2, "09:30"), expect=None)
        renamed = pool.submit(client.change_room, room, name=unique("room"), expect=None)
        eventually(lambda: client.metrics().value("rr_http_in_flight") >= 4)
        program.process.send_signal(signal.SIGTERM)
        for waiting in (new, moved, renamed):
            assert (waiting.result().status, waiting.result()["code"]) == (503, "outcome-unknown")
        assert program.process.wait(20) == 0
    mysql.rollback()
    assert moved.result()["reservation_id"] == booked["id"]
    assert renamed.result()["room_id"] == room["id"]
    # It was still waiting for the room's lock, and will never have it.
    command.reservation(new.result()["reservation_id"], expect=404)
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))


def test_sigterm_under_load_loses_no_promise(stack, tmp_path, mysql):
    with Program(stack, "command-svc", tmp_path) as program:
        with Load(program.client.url, writers=8, may_end=True) as load:
            eventually(lambda: load.done > 100, seconds=60)
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(20) == 0
        assert lost(load.promised, mysql) == []
        assert load.problems == []


def test_query_svc_ends_cleanly_while_reads_wait(stack, tmp_path, command, room):
    with Program(stack, "query-svc", tmp_path, RR_HTTP_DRAIN_MS="300") as program, ThreadPoolExecutor(1) as pool:
        booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
        stack.projector.kill(signal.SIGSTOP)
        try:
            late = command.change(booked, title="late")
            waiting = pool.submit(program.client.reservation, booked, token=late.token, wait=10, expect=None)
            eventually(lambda: program.client.metrics().value("rr_http_in_flight") >= 2)
            program.process.send_signal(signal.SIGTERM)
            assert waiting.result().status == 503
            assert program.process.wait(20) == 0
        finally:
            stack.projector.kill(signal.SIGCONT)


def test_connections_beyond_the_limit_do_no_harm(stack, tmp_path):
    """As many as may be are served, all the while; the others are not, and when these leave there is room again."""
    import select
    import socket

    def answered() -> list[socket.socket]:
        served = []
        for connection in select.select(opened, [], [], 0)[0]:
            try:
                text = connection.recv(65536, socket.MSG_PEEK)
            except ConnectionError:
                text = b""
            if text.startswith(b"HTTP/1.1 200"):
                served.append(connection)
        return served

    with Program(stack, "query-svc", tmp_path, RR_HTTP_CONNECTIONS="8", RR_HTTP_LOOPS="1") as program:
        opened = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(40)]
        request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        for connection in opened:
            connection.sendall(request)
        served = eventually(lambda: answered() if len(answered()) >= 4 else None)
        for connection in served:
            connection.recv(65536)
            connection.sendall(request)
        eventually(lambda: set(served) <= set(answered()))
        assert len(answered()) <= 8
        for connection in opened:
            connection.close()
        eventually(lambda: program.client.is_ready())


@pytest.fixture
def generation(command, query, room) -> int:
    """The serving one, in which there is something to count."""
    token = command.reserve(room, on(2, "10:00"), on(2, "11:00")).token
    return query.read("/v1/projection", token=token)["generation"]


def test_statistics_hold_up_no_other_read(stack, tmp_path, pg, generation, room):
    """However long they take: here PostgreSQL holds them up by a lock."""
    settings = PATIENT_READS | {"RR_HTTP_LOOPS": "1", "RR_PG_CONNECTIONS": "1"}
    with Program(stack, "query-svc", tmp_path, **settings) as program, ThreadPoolExecutor(8) as pool:
        program.client.popular(on(1, "00:00"), on(9, "00:00"))
        with pg.transaction():
            pg.execute(f"LOCK TABLE g{generation}.room_day, g{generation}.total_day IN ACCESS EXCLUSIVE MODE")
            held = [pool.submit(program.client.popular, on(1, "00:00"), on(2 + n, "00:00")) for n in range(8)]
            eventually(lambda: program.client.metrics().value("rr_pg_queue") >= 8)
            for _ in range(20):
                program.client.rooms(limit=1)
                program.client.room(room)
            assert not any(answer.done() for answer in held)
        for answer in held:
            assert answer.result().status == 200


def test_statistics_that_were_given_up_hold_up_none_that_come_after_them(stack, tmp_path, pg, generation):
    """What PostgreSQL was sent it works off, though nobody waits for it: here each waits for a lock until its time is over."""
    settings = {"RR_HTTP_LOOPS": "1", "RR_PG_TIMEOUT_MS": "1000"}
    first, last = on(1, "00:00"), on(9, "00:00")
    with Program(stack, "query-svc", tmp_path, **settings) as program, ThreadPoolExecutor(60) as pool:
        client = program.client
        # The first of each also connects and prepares, for which a second may be too little.
        eventually(lambda: client.popular(first, last, expect=None).status == 200)
        eventually(lambda: client.busy_hours(first, last, expect=None).status == 200)
        with pg.transaction():
            pg.execute(f"LOCK TABLE g{generation}.room_day IN ACCESS EXCLUSIVE MODE")
            given_up = [pool.submit(client.popular, first, on(2 + n, "00:00"), expect=503) for n in range(60)]
            assert {answer.result()["code"] for answer in given_up} == {"database-busy"}
            # This one does not need that table. Behind all the others it would wait for a minute.
            eventually(lambda: client.busy_hours(first, last, expect=None).status == 200, 20)
        eventually(lambda: client.popular(first, last, expect=None).status == 200, 20)


def test_a_full_queue_of_statistics_refuses_no_other_read(stack, tmp_path, pg, generation, room):
    settings = PATIENT_READS | {"RR_HTTP_LOOPS": "1", "RR_PG_QUEUE": "4"}
    with Program(stack, "query-svc", tmp_path, **settings) as program, ThreadPoolExecutor(8) as pool:
        program.client.popular(on(1, "00:00"), on(9, "00:00"))
        with pg.transaction():
            pg.execute(f"LOCK TABLE g{generation}.room_day, g{generation}.total_day IN ACCESS EXCLUSIVE MODE")
            asked = [
                pool.submit(program.client.popular, on(1, "00:00"), on(2 + n, "00:00"), expect=None)
                for n in range(8)
            ]
            eventually(lambda: sum(answer.done() for answer in asked) == 4)
            for _ in range(20):
                program.client.rooms(limit=1)
                program.client.room(room)
        answers = [answer.result() for answer in asked]
        assert sorted(answer.status for answer in answers) == [200] * 4 + [503] * 4
        assert {answer["code"] for answer in answers if answer.status == 503} == {"overloaded"}


def test_slow_clients_do_not_hold_up_the_others(stack, query):
    """Half a request line, and nothing more: others are served all the while."""
    import socket

    slow = [socket.create_connection(("127.0.0.1", stack.query_svc.port)) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"GET /v1/rooms HTTP/1.1\r\nHost: x\r\nX-Half: ")
        results = []
        threads = [
            threading.Thread(target=lambda: results.append(query.rooms(limit=1).seconds)) for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 10 and max(results) < 2
    finally:
        for connection in slow:
            connection.close()
