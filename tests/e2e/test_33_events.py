"""Server-Sent Events: what is applied reaches every stream that it concerns, once and in order."""

import random
import threading

import pytest
from support.api import unique
from support.events import Stream
from support.held import held_query
from support.programs import Program
from support.times import on
from support.tokens import Signer
from support.waiting import eventually


@pytest.fixture
def listen(query):
    """Opens streams that are closed when the test ends."""
    streams = []

    def open_one(url: str = query.url, **options) -> Stream:
        stream = Stream(url, **options).__enter__()
        streams.append(stream)
        return stream

    yield open_one
    for stream in streams:
        stream.close()


@pytest.fixture(scope="module")
def hasty(stack, tmp_path_factory):
    """A query-svc that asks who calls, has little patience, and beats fast."""
    folder = tmp_path_factory.mktemp("hasty")
    signer = Signer(folder / "keys")
    settings = {"RR_EVENTS_BUFFER_BYTES": "4096", "RR_EVENTS_HEARTBEAT_S": "1"}
    with Program(stack, "query-svc", folder, **signer.settings, **settings) as program:
        program.client.signer = signer
        yield program.client


def including(written) -> dict[str, str]:
    return {"Consistency-Token": written.token, "Prefer": "wait=10"}


def numbers(stream) -> list[int]:
    return [int(event.id.split("-")[1]) for event in stream.events]


# ---- what is told ----


def test_events_are_told_as_they_are_applied(command, query, listen, room, user):
    stream = listen(room_id=room["id"])
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    changed = command.change(booked, title="new")
    cancelled = command.cancel(changed, "ill")
    events = stream.wait_for(3)
    assert [event.kind for event in events] == ["message"] * 3
    told = [event.data for event in reversed(events)]
    assert told == query.history(user, token=cancelled.token)["items"]
    assert numbers(stream) == sorted(numbers(stream))


def test_a_stream_begins_with_what_its_answer_includes(command, listen, room, user):
    before = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    stream = listen(room_id=room["id"], headers=including(before))
    assert stream.headers["Projection-As-Of"] >= before["created_at"]
    after = command.reserve(room, on(3, "12:00"), on(3, "13:00"), user)
    stream.wait_for(1)
    assert stream.seen == [(after["id"], 1)]


def test_a_filter_matches_the_old_and_the_new_room(command, listen, room, user):
    other, third = command.create_room(), command.create_room()
    streams = [listen(room_id=r["id"], headers=including(third)) for r in (room, other, third)]
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    moved = command.change(booked, room_id=other["id"])
    command.change(moved, title="there")
    streams[0].wait_for(2)
    streams[1].wait_for(2)
    assert [version for _, version in streams[0].seen] == [1, 2]
    assert [version for _, version in streams[1].seen] == [2, 3]
    assert streams[2].seen == []


def test_a_filter_matches_the_old_and_the_new_user(command, listen, mysql, room, user):
    other = unique("other")
    mine, theirs = listen(user_id=user), listen(user_id=other)
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    with mysql.cursor() as cursor:
        cursor.execute("UPDATE reservation SET user_id = %s WHERE id = UUID_TO_BIN(%s)", [other, booked["id"]])
    assert [version for _, version in mine.wait_for(2) and mine.seen] == [1, 2]
    assert [version for _, version in theirs.wait_for(1) and theirs.seen] == [2]


def test_filters_that_are_none_are_refused(query):
    query.read("/v1/events", room_id="x", expect=400, code="parameter-invalid")
    query.read("/v1/events", colour="red", expect=400, code="parameter-invalid")


# ---- going on ----


def test_a_client_that_comes_again_misses_nothing_and_gets_nothing_twice(command, listen, room, user):
    """The stream is cut again and again while bookings go on."""
    made = []

    def book():
        for n in range(60):
            made.append((command.reserve(room, on(3 + n, "10:00"), on(3 + n, "11:00"), user)["id"], 1))

    rng = random.Random(33)
    stream = listen(user_id=user)
    writer = threading.Thread(target=book)
    writer.start()
    seen = []
    while writer.is_alive() or len(seen) + len(stream.events) < 60:
        count = rng.randrange(1, 8)
        eventually(lambda stream=stream, count=count: len(stream.events) >= count or not writer.is_alive())
        if not writer.is_alive():
            stream.wait_for(60 - len(seen))
        stream.close()
        seen += stream.seen
        stream = listen(user_id=user, last_id=stream.last_id)
    writer.join()
    seen += stream.seen
    assert seen == made


def test_everything_since_the_beginning_can_be_told(command, query, listen, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    other = command.reserve(room, on(4, "10:00"), on(4, "11:00"), user)
    token = command.cancel(command.change(booked, title="new")).token
    generation = query.read("/v1/projection", token=token)["generation"]
    stream = listen(user_id=user, last_id=f"{generation}-0")
    stream.wait_for(4)
    assert stream.seen == [(booked["id"], 1), (other["id"], 1), (booked["id"], 2), (booked["id"], 3)]
    assert [event.data for event in reversed(stream.events)] == query.history(user, token=token)["items"]


def test_a_client_far_behind_gets_all_however_much_it_is(command, query, listen, room, user, stack, tmp_path):
    """What it has missed is ten times what may wait for one client."""
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    for n in range(20):
        booked = command.change(booked, title=f"{n:02} " + "\U0001f600" * 197)
    generation = query.read("/v1/projection", token=booked.token)["generation"]
    with Program(stack, "query-svc", tmp_path, RR_EVENTS_BUFFER_BYTES="4096") as program:
        stream = listen(program.client.url, user_id=user, last_id=f"{generation}-0")
        stream.wait_for(21)
        assert [version for _, version in stream.seen] == list(range(1, 22))
        assert program.client.metrics().value("rr_event_streams_cut_total") == 0
        stream.close()


@pytest.mark.parametrize("last_id", ["999999-1", "1-999999999999", "yesterday"])
def test_an_id_of_another_generation_resets(command, query, listen, room, user, last_id):
    stream = listen(user_id=user, last_id=last_id)
    (reset,) = stream.wait_for(1)
    assert reset.kind == "reset"
    assert reset.data == {"generation": query.read("/v1/projection")["generation"]}
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    assert stream.wait_for(2)[1].data["reservation_id"] == booked["id"]


# ---- who may see what ----


def test_users_see_their_own_events_only(command, hasty, listen, room, user):
    other = unique("other")
    mine = listen(hasty.url, headers=hasty.signer.headers(user))
    named = listen(hasty.url, user_id=user, headers=hasty.signer.headers(user))
    all_ = listen(hasty.url, room_id=room["id"], headers=hasty.signer.headers("boss", admin=True))
    theirs = command.reserve(room, on(3, "10:00"), on(3, "11:00"), other)
    booked = command.reserve(room, on(3, "12:00"), on(3, "13:00"), user)
    all_.wait_for(2)
    assert all_.seen == [(theirs["id"], 1), (booked["id"], 1)]
    assert mine.wait_for(1) and mine.seen == [(booked["id"], 1)]
    assert named.wait_for(1) and named.seen == [(booked["id"], 1)]
    hasty.read("/v1/events", user_id=other, headers=hasty.signer.headers(user), expect=403, code="forbidden")
    hasty.read("/v1/events", expect=401)


def test_who_gives_a_reservation_away_is_not_told_to_whom_nor_the_other_from_whom(
    command, mysql, hasty, listen, room, user
):
    other = unique("other")
    mine = listen(hasty.url, headers=hasty.signer.headers(user))
    theirs = listen(hasty.url, headers=hasty.signer.headers(other))
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, title="mine")
    elsewhere = command.create_room()
    with mysql.cursor() as cursor:
        cursor.execute(
            "UPDATE reservation SET user_id = %s, title = 'theirs', room_id = %s,"
            " starts_at = starts_at + INTERVAL 1 DAY, ends_at = ends_at + INTERVAL 1 DAY"
            " WHERE id = UUID_TO_BIN(%s)",
            [other, elsewhere["id"], booked["id"]],
        )
    left = mine.wait_for(2)[1].data
    assert left["changes"] == {"user_id": {"from": user, "to": None}}
    assert [left[name] for name in ("title", "room_name")] == [None, None]
    shown = ("room_id", "starts_at", "ends_at", "state")
    assert [left[name] for name in shown] == [booked[name] for name in shown]
    assert other not in str(left)
    given = theirs.wait_for(1)[0].data
    assert given["changes"]["user_id"] == {"from": None, "to": other}
    assert given["changes"]["room_id"] == {"from": None, "to": elsewhere["id"]}
    assert {change["from"] for change in given["changes"].values()} == {None}
    assert user not in str(given)


# ---- the connection ----


def test_heartbeats_come_while_nothing_happens(hasty, listen, user):
    stream = listen(hasty.url, headers=hasty.signer.headers(user))
    eventually(lambda: len(stream.comments) >= 2)
    assert stream.events == []


def test_a_stream_ends_in_time_so_that_its_client_proves_again_who_it_is(stack, user, tmp_path):
    settings = {"RR_EVENTS_HEARTBEAT_S": "1", "RR_EVENTS_STREAM_S": "2"}
    with (
        Program(stack, "query-svc", tmp_path, **settings) as program,
        Stream(program.client.url, user_id=user) as stream,
    ):
        eventually(lambda: stream.ended)


def test_a_client_that_left_is_noticed(stack, user, tmp_path):
    """By a heartbeat: the stream's own end is an hour away."""
    with Program(stack, "query-svc", tmp_path, RR_EVENTS_HEARTBEAT_S="1") as program:
        with Stream(program.client.url, user_id=user):
            assert program.client.metrics().value("rr_event_streams") == 1
        eventually(lambda: program.client.metrics().value("rr_event_streams") == 0)


def test_a_client_that_takes_too_little_is_cut_off_and_holds_nobody_up(
    stack, command, listen, room, user, tmp_path
):
    """One reads nothing: its socket fills up, then what may wait for it; the other gets everything."""
    import socket

    with Program(stack, "query-svc", tmp_path, RR_EVENTS_BUFFER_BYTES="16384") as program:
        host, port = program.client.url.removeprefix("http://").split(":")
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect((host, int(port)))
        lazy.sendall(f"GET /v1/events?user_id={user} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(lambda: program.client.metrics().value("rr_event_streams") == 1)
        keen = listen(program.client.url, user_id=user)
        booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
        count = 1
        while program.client.metrics().value("rr_event_streams_cut_total") == 0:
            assert count < 2000
            for _ in range(8):  # less than that, should they come all at once
                booked = command.change(booked, title=f"{count} " + "x" * 190)
                count += 1
            keen.wait_for(count)  # in step with the writes: however busy the machine, this one takes enough
        assert [version for _, version in keen.seen] == list(range(1, count + 1))
        eventually(lambda: program.client.metrics().value("rr_event_streams") == 1)
        lazy.close()
        keen.close()


def test_streams_end_when_the_service_stops(stack, user, tmp_path):
    with Program(stack, "query-svc", tmp_path) as program:
        stream = Stream(program.client.url, user_id=user).__enter__()
    eventually(lambda: stream.ended)
    stream.close()


def test_many_streams_are_served_by_few_queries(stack, command, listen, room, user, tmp_path):
    with Program(stack, "query-svc", tmp_path, RR_HTTP_LOOPS="1") as program:
        streams = [listen(program.client.url, user_id=user) for _ in range(100)]
        before = program.client.metrics().value("rr_pg_queries_total")
        for n in range(5):
            command.reserve(room, on(3 + n, "10:00"), on(3 + n, "11:00"), user)
        for stream in streams:
            stream.wait_for(5)
        assert all(stream.seen == streams[0].seen for stream in streams)
        assert program.client.metrics().value("rr_pg_queries_total") - before < 100
        for stream in streams:
            stream.close()


def test_more_streams_than_allowed_are_refused(stack, listen, tmp_path):
    with Program(stack, "query-svc", tmp_path, RR_HTTP_LOOPS="1", RR_EVENTS_STREAMS="2") as program:
        first, second = listen(program.client.url), listen(program.client.url)
        program.client.read("/v1/events", expect=503, code="overloaded")
        first.close()
        second.close()


def test_one_user_cannot_take_all_streams(stack, listen, tmp_path):
    signer = Signer(tmp_path / "keys")
    limits = {"RR_HTTP_LOOPS": "1", "RR_EVENTS_STREAMS_USER": "2", "RR_EVENTS_HEARTBEAT_S": "1"}
    greedy, modest = signer.headers(unique("greedy")), signer.headers(unique("modest"))
    with Program(stack, "query-svc", tmp_path, **signer.settings, **limits) as program:
        url = program.client.url
        streams = [listen(url, headers=greedy), listen(url, headers=greedy), listen(url, headers=modest)]
        program.client.read("/v1/events", headers=greedy, expect=503, code="overloaded")
        boss = signer.headers("boss", admin=True)
        streams += [listen(url, headers=boss) for _ in range(3)]
        streams[0].close()
        eventually(lambda: program.client.metrics().value("rr_event_streams") == 5)
        streams.append(listen(url, headers=greedy))
        for stream in streams:
            stream.close()


def test_streams_that_are_opened_at_once_are_no_more_than_allowed(stack, tmp_path):
    """All of them have asked before the first one is open."""
    signer = Signer(tmp_path / "keys")
    greedy = signer.headers(unique("greedy"))
    with held_query(stack, tmp_path, RR_EVENTS_STREAMS_USER="20", **signer.settings) as held:
        with held.answers():
            asked = [held.ask(Stream, held.client.url, headers=greedy) for _ in range(60)]
        streams = [one.result() for one in asked]
        assert sorted(stream.status for stream in streams) == [200] * 20 + [503] * 40
        assert held.client.metrics().value("rr_event_streams") == 20
        for stream in streams:
            stream.close()
