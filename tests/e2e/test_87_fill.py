"""bench/fill: what it loads past the triggers is what they would have let in and recorded."""

import json
import signal
import subprocess

import pytest
from stacklib.stack import REPO
from support import programs
from support.times import on
from support.waiting import eventually

from chaos import audit

RESERVATIONS, ROOMS = 3000, 20
TRIGGERS = ("reservation_before_insert", "reservation_after_insert")


def words(stack, *more):
    return [REPO / "bench/fill", "--dir", stack.dir, "--build-dir", stack.build_dir, "--rooms", str(ROOMS), *more]


def fill(stack, *more):
    subprocess.run(words(stack, *more), check=True, timeout=300)


def made_by(mysql) -> list[tuple]:
    """Each trigger with all that it runs under, but for the time when it was made."""
    made = []
    for name in TRIGGERS:
        with mysql.cursor() as cursor:
            cursor.execute(f"SHOW CREATE TRIGGER {name}")
            made.append(cursor.fetchone()[:-1])
    return made


def number(mysql, statement: str) -> int:
    with mysql.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.fixture(scope="module")
def filled(stack, tmp_path_factory):
    """What the run said."""
    told = tmp_path_factory.mktemp("fill") / "told.json"
    crowded = ("--days-past", "30", "--days-ahead", "30", "--share-changed", "0.5")
    fill(stack, "--reservations", str(RESERVATIONS), *crowded, "--json", told)
    return json.loads(told.read_text())


@pytest.fixture
def rooms(filled):
    return list(range(filled["first_room"], filled["first_room"] + ROOMS))


def test_it_loads_exactly_as_many_as_asked(mysql, filled, rooms):
    among = f"room_id IN ({', '.join(map(str, rooms))})"
    assert number(mysql, f"SELECT COUNT(*) FROM reservation WHERE {among}") == RESERVATIONS
    events = number(mysql, f"SELECT COUNT(*) FROM reservation_event WHERE {among}")
    assert (filled["reservations"], filled["events"]) == (RESERVATIONS, events)
    assert events > RESERVATIONS


def test_what_it_loads_could_have_been_booked(mysql, rooms):
    found = audit.findings(mysql, rooms, {}, all_told=False)
    assert not any(found.values()), found


def test_what_the_journal_says_last_is_what_the_reservation_is(mysql, rooms):
    differ = number(
        mysql,
        "SELECT COUNT(*) FROM reservation r JOIN reservation_event e ON e.reservation_id = r.id AND e.version = r.version"
        " WHERE NOT (e.created_at = r.created_at AND e.recorded_at = r.updated_at AND e.recorded_by = r.user_id"
        " AND e.kind = CASE WHEN r.state = 'cancelled' THEN 'cancelled' WHEN r.version = 1 THEN 'created' ELSE 'changed' END)"
        f" AND r.room_id IN ({', '.join(map(str, rooms))})",
    )
    assert differ == 0


def test_the_read_model_follows_it(stack, filled, caught_up):
    caught_up(seconds=120)
    ended = programs.run(stack, "projector", "verify", seconds=240)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_fill_that_is_killed_leaves_nobody_unguarded(stack, mysql, command, room, filled):
    before = made_by(mysql)
    missing = f"SELECT COUNT(*) < 2 FROM information_schema.TRIGGERS WHERE TRIGGER_NAME IN {TRIGGERS}"
    with subprocess.Popen(words(stack, "--reservations", "200000", "--days-ahead", "3650")) as filling:
        eventually(lambda: number(mysql, missing))
        filling.send_signal(signal.SIGKILL)
    assert number(mysql, missing)
    command.reserve(room, on(3, "10:00"), on(3, "11:00"), expect=503, code="database-unavailable")

    fill(stack, "--reservations", "0", "--no-binlog")
    assert made_by(mysql) == before
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"))
    assert (
        number(
            mysql, f"SELECT COUNT(*) FROM reservation_event WHERE reservation_id = UUID_TO_BIN('{booked['id']}')"
        )
        == 1
    )
    command.reserve(room, on(3, "10:30"), on(3, "11:30"), expect=409, code="slot-taken")
