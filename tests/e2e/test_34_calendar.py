"""Calendar feeds, read by a parser of another author, through links that carry their own right to read."""

import random
import signal
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import icalendar
import pytest
import requests
from support.api import unique
from support.programs import Program
from support.times import moment, on
from support.tokens import Signer


@pytest.fixture(scope="module")
def guarded(stack, tmp_path_factory):
    """A query-svc that asks who calls."""
    folder = tmp_path_factory.mktemp("guarded")
    signer = Signer(folder / "keys")
    with Program(stack, "query-svc", folder, **signer.settings) as program:
        program.client.signer = signer
        yield program.client


def link(query, path, expect=200, token=None, **who) -> str:
    """A room's link can be had once the read model has the room: `token` waits for it."""
    headers = query.signer.headers(**who) if who else {}
    answer = query.read(f"{path}/calendar-link", token=token, headers=headers, expect=expect)
    return answer["url"] if expect == 200 else ""


def feed(query, url, *, token=None, expect=200, headers=None):
    """Fetched without credentials, as calendar programs do. They know of no tokens either: somebody else waits."""
    if token:
        who = query.signer.headers("waiter") if hasattr(query, "signer") else {}
        query.read("/v1/projection", token=token, headers=who)
    return query.read(urlsplit(url).path, expect=expect, headers=headers)


def events(answer) -> dict[str, icalendar.Event]:
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.text)
    assert calendar["VERSION"] == "2.0"
    assert calendar["PRODID"]
    found = calendar.walk("VEVENT")
    assert not calendar.errors and not any(event.errors for event in found)
    return {str(event["UID"]): event for event in found}


def test_a_users_feed_shows_what_they_have_reserved(command, query, user, stack):
    room = command.create_room(location="2nd floor; left, then right")
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, title='Ä, "b"; \\c')
    gone = command.reserve(room, on(4, "10:00"), on(4, "11:00"), user)
    other = command.reserve(room, on(5, "10:00"), on(5, "11:00"), unique("other"))
    cancelled = command.cancel(gone)
    url = link(query, f"/v1/users/{user}")
    assert url.startswith(stack.env["RR_GATEWAY_URL"])
    found = events(feed(query, url, token=[cancelled.token, other.token]))
    assert found.keys() == {booked["id"], gone["id"]}
    event = found[booked["id"]]
    assert event["DTSTART"].dt == moment(booked["starts_at"])
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(hours=1)
    assert event["DTSTAMP"].dt == moment(booked["updated_at"]).replace(microsecond=0)
    assert str(event["SUMMARY"]) == 'Ä, "b"; \\c'
    assert str(event["LOCATION"]) == f"{room['name']}, 2nd floor; left, then right"
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 0)
    assert (found[gone["id"]]["STATUS"], found[gone["id"]]["SEQUENCE"]) == ("CANCELLED", 1)


def test_a_change_keeps_the_uid_and_raises_the_sequence(command, query, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    url = link(query, f"/v1/users/{user}")
    first = feed(query, url, token=booked.token)
    feed(query, url, headers={"If-None-Match": first.etag}, expect=304)
    changed = command.change(booked, ends_at=on(3, "12:00"), title="longer")
    second = feed(query, url, token=changed.token, headers={"If-None-Match": first.etag})
    assert second.etag != first.etag
    (event,) = events(second).values()
    assert (str(event["UID"]), event["SEQUENCE"]) == (booked["id"], 1)
    assert event["DTEND"].dt == moment(on(3, "12:00"))


def test_a_rename_of_the_room_changes_the_feed(command, query, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    url = link(query, f"/v1/users/{user}")
    first = feed(query, url, token=booked.token)
    renamed = command.change_room(room, name=unique("renamed"))
    second = feed(query, url, token=renamed.token, headers={"If-None-Match": first.etag})
    (event,) = events(second).values()
    assert str(event["LOCATION"]) == renamed["name"]


def test_an_empty_feed_is_a_calendar(query, user):
    assert events(feed(query, link(query, f"/v1/users/{user}"))) == {}


@pytest.fixture
def crowd(query, pg, room, user):
    """Gives the room and the user, in the read model alone, half an hour each, where they count nowhere; the ids in order."""
    reservations = f"g{query.read('/v1/projection', token=room.token)['generation']}.reservation"

    def add(n, begin, state="confirmed", step=timedelta(hours=1), long=timedelta(minutes=30)) -> list[str]:
        rows = pg.execute(
            f"INSERT INTO {reservations} SELECT gen_random_uuid(), %(room)s, %(name)s, NULL, %(user)s, NULL, at,"
            " at + %(long)s, %(state)s, 1, false, now(), now() FROM (SELECT %(begin)s::timestamptz + i * %(step)s::interval AS at"
            " FROM generate_series(0, %(n)s - 1) i) n ORDER BY at RETURNING id::text",
            {"room": room["id"], "name": room["name"], "user": user, "n": n, "begin": begin, "state": state,
             "step": step, "long": long},
        )  # fmt: skip
        return [row[0] for row in rows]

    yield add
    pg.execute(f"DELETE FROM {reservations} WHERE room_id = %s", [room["id"]])


@pytest.fixture(params=["user", "room"])
def crowded_link(request, query, room, user) -> str:
    return link(
        query, f"/v1/users/{user}" if request.param == "user" else f"/v1/rooms/{room['id']}", token=room.token
    )


def test_what_is_to_come_stands_in_the_busiest_calendar(query, crowd, crowded_link):
    now = datetime.now(UTC)
    over = crowd(1400, now - timedelta(hours=700), step=timedelta(minutes=29))
    begun = crowd(1, now - timedelta(days=20), long=timedelta(days=30))
    coming = crowd(1100, now + timedelta(minutes=10))
    found = events(feed(query, crowded_link))
    assert found.keys() == {*over[-250:], *begun, *coming[:600]}
    starts = [event["DTSTART"].dt for event in found.values()]
    assert starts == sorted(starts)


def test_what_was_cancelled_again_and_again_hides_nothing(query, crowd, crowded_link):
    now, at_once = datetime.now(UTC), timedelta(0)
    cancelled = crowd(1100, now + timedelta(hours=1), "cancelled", at_once)
    cancelled += crowd(1100, now - timedelta(hours=1), "cancelled", at_once)
    shown = (
        crowd(1, now - timedelta(days=29))
        + crowd(1, now - timedelta(minutes=9))
        + crowd(1, now + timedelta(days=9))
    )
    found = events(feed(query, crowded_link))
    assert found.keys() - {*cancelled} == {*shown}
    gone = [event for uid, event in found.items() if uid in cancelled]
    assert len(gone) == 100 and all(event["STATUS"] == "CANCELLED" for event in gone)


def test_what_has_been_over_for_a_month_is_not_shown(query, crowd, crowded_link):
    now = datetime.now(UTC)
    for state in ("confirmed", "cancelled"):
        crowd(1, now - timedelta(days=32), state)
        crowd(1, now - timedelta(days=60), state)
    shown = crowd(1, now - timedelta(days=60), long=timedelta(days=31)) + crowd(
        1, now - timedelta(days=29), "cancelled"
    )
    assert events(feed(query, crowded_link)).keys() == {*shown}


def test_long_and_foreign_texts_are_folded_right(command, query, room, user):
    title = "会议室预订 " * 25
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, title=title.strip())
    answer = feed(query, link(query, f"/v1/users/{user}"), token=booked.token)
    assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))
    (event,) = events(answer).values()
    assert str(event["SUMMARY"]) == title.strip()


def test_a_rooms_feed_names_nobody_unless_an_admin_asked_for_it(command, guarded, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, title="secret")
    path = f"/v1/rooms/{room['id']}"
    plain = feed(guarded, link(guarded, path, token=room.token, user="bob"), token=booked.token)
    assert set(events(plain)) == {booked["id"]}
    assert "secret" not in plain.text and user not in plain.text
    (event,) = events(feed(guarded, link(guarded, path, user="boss", admin=True))).values()
    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == ("secret", user)


def test_a_link_is_made_for_its_user_and_for_admins(guarded, user):
    path = f"/v1/users/{user}"
    assert link(guarded, path, user=user) == link(guarded, path, user="boss", admin=True)
    link(guarded, path, user=unique("other"), expect=403)
    guarded.read(f"{path}/calendar-link", expect=401)
    link(guarded, "/v1/rooms/999999999", user=user, expect=404)


def test_a_revoked_link_is_void_and_the_next_one_is_good(guarded, user):
    path = f"/v1/users/{user}"
    me, other = guarded.signer.headers(user), guarded.signer.headers(unique("other"))
    old = link(guarded, path, user=user)
    feed(guarded, old)
    guarded.call("DELETE", f"{path}/calendar-link", headers=other, expect=403)
    guarded.call("DELETE", f"{path}/calendar-link", headers=me, expect=204)
    feed(guarded, old, expect=404)
    new = link(guarded, path, user=user)
    assert new != old
    feed(guarded, new)


def test_a_revocation_that_is_acknowledged_is_kept_whatever_fails_beside_it(
    stack, command, query, pg, user, room, tmp_path
):
    """It arrives in one turn of an event loop with a read that PostgreSQL gives up."""
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    read, revoke = f"/v1/reservations/{booked['id']}", f"/v1/users/{user}/calendar-link"
    reservations = f"g{query.read('/v1/projection', token=booked.token)['generation']}.reservation"
    ends = []
    with Program(stack, "query-svc", tmp_path, RR_HTTP_LOOPS="1", RR_PG_TIMEOUT_MS="2000") as program:
        for calls in ([("GET", read), ("DELETE", revoke)], [("DELETE", revoke), ("GET", read)]):
            for method, path in calls:
                program.client.call(method, path)  # what is prepared first goes out by itself
            old = link(query, f"/v1/users/{user}")
            connections = [socket.create_connection(("127.0.0.1", program.port)) for _ in calls]
            with pg.transaction():
                pg.execute(f"LOCK TABLE {reservations} IN ACCESS EXCLUSIVE MODE")
                program.process.send_signal(signal.SIGSTOP)
                for connection, (method, path) in zip(connections, calls, strict=True):
                    connection.sendall(
                        f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                    )
                program.process.send_signal(signal.SIGCONT)
                answers = [connection.makefile("rb").read() for connection in connections]
            for connection in connections:
                connection.close()
            ends += [
                answer.split()[1] for answer, (method, _) in zip(answers, calls, strict=True) if method == "DELETE"
            ]
            if ends[-1] == b"204":
                feed(query, old, expect=404)
    assert b"204" in ends


def test_only_an_admin_revokes_a_rooms_links(guarded, room, user):
    path = f"/v1/rooms/{room['id']}"
    guarded.read(path, headers=guarded.signer.headers(user), token=room.token)
    old = link(guarded, path, user=user)
    guarded.call("DELETE", f"{path}/calendar-link", headers=guarded.signer.headers(user), expect=403)
    guarded.call("DELETE", f"{path}/calendar-link", headers=guarded.signer.headers("boss", admin=True), expect=204)
    feed(guarded, old, expect=404)


def test_links_of_a_room_that_is_not_there_cannot_be_revoked(query, pg):
    """And nothing is kept of who tries."""
    room = random.randrange(10**17, 10**18)
    query.call("DELETE", f"/v1/rooms/{room}/calendar-link", expect=404)
    kept = pg.execute("SELECT count(*) FROM projection.calendar_link WHERE subject = %s", [f"room:{room}"])
    assert kept.fetchone() == (0,)


def test_a_link_that_was_tampered_with_is_not_found(query, user):
    path = urlsplit(link(query, f"/v1/users/{user}")).path
    at = len("/v1/calendars/") + 12
    for wrong in (
        path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :],
        path[:-4],
        "/v1/calendars/x.ics",
    ):
        query.read(wrong, expect=404, code="not-found")


def test_links_begin_with_the_public_address(stack, user, tmp_path):
    with Program(stack, "query-svc", tmp_path, RR_PUBLIC_URL="https://rooms.example.org") as program:
        assert link(program.client, f"/v1/users/{user}").startswith("https://rooms.example.org/v1/calendars/")


def why_no_link(program, user) -> str:
    """What the log says of the statement of a request that failed, beside that it has failed."""
    answer = requests.get(f"{program.client.url}/v1/users/{user}/calendar-link", timeout=30)
    assert answer.status_code == 500
    lines = program.log.read_text().splitlines()
    (line,) = (line for line in lines if f"req={answer.headers['X-Request-Id']}" in line and "statement=" in line)
    return line


@pytest.mark.parametrize("table", ["calendar_secret", "calendar_link"])
def test_a_statement_that_is_refused_is_logged_for_its_request(stack, pg, user, tmp_path, table):
    """Whether it is asked first or gives the answer."""
    with Program(stack, "query-svc", tmp_path) as program:
        pg.execute(f"REVOKE SELECT ON projection.{table} FROM rr_query")
        try:
            line = why_no_link(program, user)
        finally:
            pg.execute(f"GRANT SELECT ON projection.{table} TO rr_query")
        assert "statement refused" in line and table in line


def test_that_the_key_of_the_links_is_gone_is_logged_for_the_request(stack, pg, user, tmp_path):
    with Program(stack, "query-svc", tmp_path) as program:
        (secret,) = pg.execute("DELETE FROM projection.calendar_secret RETURNING secret").fetchone()
        try:
            line = why_no_link(program, user)
        finally:
            pg.execute("INSERT INTO projection.calendar_secret VALUES (%s)", [secret])
        assert "statement=calendar_secret rows=0" in line
