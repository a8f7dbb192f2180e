"""What the database says after a race, asked in SQL and never of the service."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

# A join and not a window function: it shares nothing with how the service or the triggers look for overlaps.
_OVERLAPS = """
SELECT BIN_TO_UUID(a.id), BIN_TO_UUID(b.id), a.room_id, a.starts_at, b.starts_at
  FROM reservation a JOIN reservation b
    ON b.room_id = a.room_id AND b.id > a.id AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at
 WHERE a.state = 'confirmed' AND b.state = 'confirmed' AND a.room_id IN ({rooms})"""

# Versions are 1 to n, and the last of them is what the reservation is now.
_GAPS = """
SELECT BIN_TO_UUID(r.id), r.version, COUNT(*), MIN(e.version), MAX(e.version)
  FROM reservation r LEFT JOIN reservation_event e ON e.reservation_id = r.id
 WHERE r.room_id IN ({rooms})
 GROUP BY r.id
HAVING NOT (COUNT(*) = r.version AND MIN(e.version) <=> 1 AND MAX(e.version) <=> r.version)"""

_DIFFERS = """
SELECT BIN_TO_UUID(r.id), r.version
  FROM reservation r JOIN reservation_event e ON e.reservation_id = r.id AND e.version = r.version
 WHERE r.room_id IN ({rooms})
   AND NOT (e.room_id = r.room_id AND e.starts_at = r.starts_at AND e.ends_at = r.ends_at AND e.state = r.state
            AND e.user_id = r.user_id AND e.title <=> r.title)"""

_EVENTS = """
SELECT e.reservation_id, e.version, e.room_id, e.starts_at, e.ends_at, e.state
  FROM reservation_event e JOIN reservation r ON r.id = e.reservation_id
 WHERE r.room_id IN ({rooms}) ORDER BY e.recorded_at, e.version"""


def findings(
    mysql, rooms: list[int], promised: dict[tuple[str, int], tuple], all_told: bool
) -> dict[str, list[str]]:
    """By kind, each in words. `promised` is what answers have said of a version: (room, start, end, state).
    `all_told`: each write was answered, so that the journal may hold nothing that nobody was told."""
    found = {
        "overlaps": _ask(mysql, _OVERLAPS, rooms),
        "journal gaps": _ask(mysql, _GAPS, rooms) + _ask(mysql, _DIFFERS, rooms),
    }
    events = list(_events(mysql, rooms))
    found["overlaps at any time"] = _overlaps_ever(events)
    written = {(number, version): state for number, version, state in events}
    found["lost writes"] = [
        f"{key} was acknowledged as {state}, and is {written.get(key)}"
        for key, state in promised.items()
        if written.get(key) != state
    ]
    if all_told:
        found["writes nobody was told"] = [
            f"{key} {state}" for key, state in written.items() if key not in promised
        ]
    return found


def deadlocks(mysql) -> int:
    """How many there were since the server was started."""
    with mysql.cursor() as cursor:
        cursor.execute("SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'")
        return cursor.fetchone()[0]


def _ask(mysql, statement: str, rooms: list[int]) -> list[str]:
    with mysql.cursor() as cursor:
        cursor.execute(statement.format(rooms=", ".join(map(str, rooms))))
        return [", ".join(map(str, row)) for row in cursor.fetchall()]


def _events(mysql, rooms: list[int]) -> Iterable[tuple[str, int, tuple]]:
    with mysql.cursor() as cursor:
        cursor.execute(_EVENTS.format(rooms=", ".join(map(str, rooms))))
        for number, version, room_id, starts_at, ends_at, state in cursor.fetchall():
            yield str(uuid.UUID(bytes=number)), version, (room_id, _utc(starts_at), _utc(ends_at), state)


def _overlaps_ever(events: list[tuple[str, int, tuple]]) -> list[str]:
    """The journal played again: also an overlap that a later move or cancellation has removed is found. Writers of a room
    hold its lock when the trigger takes the time, so recorded_at orders their events as they were committed."""
    held: dict[int, dict[str, tuple[datetime, datetime]]] = {}
    where: dict[str, int] = {}
    found = []
    for number, version, (room_id, starts_at, ends_at, state) in events:
        if number in where:
            del held[where.pop(number)][number]
        if state != "confirmed":
            continue
        room = held.setdefault(room_id, {})
        found += [
            f"{number} version {version} and {other} in room {room_id} from {starts_at}"
            for other, (from_, to) in room.items()
            if from_ < ends_at and to > starts_at
        ]
        room[number] = (starts_at, ends_at)
        where[number] = room_id
    return found


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
