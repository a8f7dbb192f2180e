"""Races of many clients in a few hot rooms, shortened; tests/chaos/races runs them in full."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from chaos import audit, races

ATTEMPTS = 1000
SECONDS = 7.0


@pytest.mark.parametrize("mix", races.RACES, ids=lambda mix: mix.name)
def test_a_race_leaves_no_trace(mix, stack, mysql):
    race = races.hold(stack.command_svc.port, mysql, mix, ATTEMPTS, SECONDS, seed=1)
    found = {name: items[:3] for name, items in race.findings.items() if items}
    assert not found, f"{races.line(race)}\n{found}"
    assert race.statuses[201] > 0 and race.statuses[409] > 0, races.line(race)


DAY = datetime(2026, 12, 1, tzinfo=UTC)
NOON = (DAY.replace(hour=12), DAY.replace(hour=13))
LATER = (DAY.replace(hour=13), DAY.replace(hour=14))


class Book:
    """A database like the truth's without what guards it, and what a faultless service has promised of it."""

    def __init__(self, mysql):
        self.mysql = mysql
        self.promised = {}
        self.clock = DAY
        with mysql.cursor() as cursor:
            cursor.execute("CREATE DATABASE audited")
            for table in ("reservation", "reservation_event"):
                cursor.execute(f"CREATE TABLE audited.{table} LIKE reservations.{table}")
            cursor.execute("USE audited")

    def write(self, number: uuid.UUID, version: int, span, state="confirmed", keep=True, event=True) -> None:
        """`keep`: in the state table; `event`: in the journal."""
        self.clock += timedelta(seconds=1)
        values = {"room_id": 1, "user_id": "ann", "starts_at": span[0], "ends_at": span[1], "state": state}
        times = {"created_at": DAY, "updated_at": self.clock}
        if keep:
            self._put("REPLACE", "reservation", {"id": number.bytes, "version": version, **values, **times})
        if event:
            more = {"recorded_at": self.clock, "created_at": DAY, "recorded_by": "ann", "kind": "changed"}
            self._put(
                "INSERT",
                "reservation_event",
                {"reservation_id": number.bytes, "version": version, **values, **more},
            )
        self.promised[str(number), version] = (1, *span, state)

    def found(self) -> set[str]:
        return {name for name, items in audit.findings(self.mysql, [1], self.promised, True).items() if items}

    def _put(self, verb: str, table: str, row: dict) -> None:
        with self.mysql.cursor() as cursor:
            cursor.execute(
                f"{verb} INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", [*row.values()]
            )


@pytest.fixture
def book(mysql):
    yield Book(mysql)
    with mysql.cursor() as cursor:
        cursor.execute("DROP DATABASE audited")


def test_the_audit_passes_what_is_sound(book):
    one, two = uuid.uuid4(), uuid.uuid4()
    book.write(one, 1, NOON)
    book.write(two, 1, LATER)
    book.write(one, 2, NOON, state="cancelled")
    book.write(two, 2, NOON)
    assert book.found() == set()


def test_the_audit_finds_an_overlap(book):
    for _ in range(2):
        book.write(uuid.uuid4(), 1, NOON)
    assert book.found() == {"overlaps", "overlaps at any time"}


def test_the_audit_finds_an_overlap_that_is_gone_again(book):
    one = uuid.uuid4()
    book.write(one, 1, NOON)
    book.write(uuid.uuid4(), 1, NOON)
    book.write(one, 2, LATER)
    assert book.found() == {"overlaps at any time"}


def test_the_audit_finds_a_gap_in_the_versions(book):
    one = uuid.uuid4()
    book.write(one, 1, NOON)
    book.write(one, 3, LATER)
    assert book.found() == {"journal gaps"}


def test_the_audit_finds_a_state_that_the_journal_does_not_have(book):
    one = uuid.uuid4()
    book.write(one, 1, NOON)
    book.write(one, 1, LATER, event=False)
    assert "journal gaps" in book.found()


def test_the_audit_finds_a_write_that_is_lost(book):
    one = uuid.uuid4()
    book.write(one, 1, NOON)
    book.write(one, 2, LATER, keep=False, event=False)
    assert book.found() == {"lost writes"}


def test_the_audit_finds_a_write_that_nobody_was_told(book):
    one = uuid.uuid4()
    book.write(one, 1, NOON)
    book.promised.clear()
    assert book.found() == {"writes nobody was told"}
