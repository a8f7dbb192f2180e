"""The read model against the truth, row by row. Both are read while nobody writes and the projector has caught up.

What the projector computes (what changed, quarter-hours) is computed here again from MySQL's rows, in another way.
"""

import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta

from . import times

_STATE = ("room_id", "user_id", "title", "starts_at", "ends_at", "state")
_QUARTER = timedelta(minutes=15)


def differences(mysql, pg, limit: int = 20) -> list[str]:
    """Each difference in words, at most `limit`; empty when the read model equals the truth."""
    found = []
    truth, model = _truth(mysql), _model(pg)
    for table, rows in truth.items():
        for key in rows.keys() | model[table].keys():
            expected, got = rows.get(key), model[table].get(key)
            if expected != got:
                found.append(f"{table} {key}: {_what_differs(expected, got)}")
    return found[:limit]


def _what_differs(expected, got) -> str:
    if isinstance(expected, dict) and isinstance(got, dict):
        parts = [f"{k} is {got.get(k)!r}, not {v!r}" for k, v in expected.items() if got.get(k) != v]
        return "; ".join(parts)
    return f"is {got!r}, not {expected!r}"


def _truth(mysql) -> dict[str, dict]:
    rooms = {row["id"]: row for row in _select(mysql, "SELECT * FROM room")}
    events = {}
    for row in _select(mysql, "SELECT * FROM reservation_event ORDER BY reservation_id, version"):
        before = events.get((row["reservation_id"], row["version"] - 1))
        row["changes"] = _changes(before, row)
        events[row["reservation_id"], row["version"]] = row
    reservations = {}
    for row in _select(mysql, "SELECT * FROM reservation"):
        room = rooms[row["room_id"]]
        reservations[row["id"]] = row | {"room_name": room["name"], "room_location": room["location"]}
    history = {key: {n: v for n, v in row.items() if n not in ("created_at",)} for key, row in events.items()}
    days, totals = _buckets(r for r in reservations.values() if r["state"] == "confirmed")
    for row in rooms.values():
        row["active"] = bool(row["active"])
    return {
        "room": rooms,
        "reservation": reservations,
        "reservation_history": history,
        "room_day": days,
        "room_month": _months(days),
        "total_day": totals,
    }


def _changes(before: dict | None, row: dict) -> dict:
    if before is None or row["kind"] in ("created", "deleted"):
        return {}
    return {
        name: {"from": _json(before[name]), "to": _json(row[name])} for name in _STATE if before[name] != row[name]
    }


def _json(value):
    return times.text(value) if isinstance(value, datetime) else value


def _buckets(reservations) -> tuple[dict, dict]:
    """Starts and minutes of each quarter-hour of each (room, UTC day) and of each UTC day."""
    rooms: dict[tuple[int, date], tuple[Counter, Counter]] = {}
    for row in reservations:
        quarter = row["starts_at"] - timedelta(minutes=row["starts_at"].minute % 15)
        first = True
        while quarter < row["ends_at"]:
            starts, minutes = rooms.setdefault((row["room_id"], quarter.date()), (Counter(), Counter()))
            number = quarter.hour * 4 + quarter.minute // 15
            starts[number] += first
            occupied = min(row["ends_at"], quarter + _QUARTER) - max(row["starts_at"], quarter)
            minutes[number] += occupied // timedelta(minutes=1)
            first = False
            quarter += _QUARTER
    totals: dict[date, tuple[Counter, Counter]] = {}
    for (_, day), (starts, minutes) in rooms.items():
        total = totals.setdefault(day, (Counter(), Counter()))
        total[0].update(starts)
        total[1].update(minutes)
    return {k: _bucket(*v) for k, v in rooms.items()}, {k: _bucket(*v) for k, v in totals.items()}


def _months(days: dict) -> dict:
    """The totals of each room's months, of which (room, first day) is the key."""
    months: dict[tuple[int, date], Counter] = {}
    for (room, day), bucket in days.items():
        total = months.setdefault((room, day.replace(day=1)), Counter())
        total.update({name: bucket[name] for name in ("reservations", "reserved_minutes")})
    return {key: dict(total) for key, total in months.items()}


def _bucket(starts: Counter, minutes: Counter) -> dict:
    return {
        "reservations": starts.total(),
        "reserved_minutes": minutes.total(),
        "starts": [starts[i] for i in range(96)],
        "minutes": [minutes[i] for i in range(96)],
    }


def _select(mysql, statement: str) -> list[dict]:
    """Rows with ids as UUIDs and times as instants."""
    with mysql.cursor() as cursor:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_value, row), strict=True)) for row in cursor.fetchall()]


def _value(value):
    if isinstance(value, bytes):
        return uuid.UUID(bytes=value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _model(pg) -> dict[str, dict]:
    generation = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()[0]

    def rows(table: str) -> list[dict]:
        cursor = pg.execute(f"SELECT * FROM g{generation}.{table}")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def used(table: str) -> list[dict]:
        """A day or month in which everything was cancelled may stay as a row of zeros."""
        return [r for r in rows(table) if any(_numbers(r))]

    return {
        "room": {r["id"]: r for r in rows("room")},
        "reservation": {r["id"]: _without(r, "deleted") for r in rows("reservation") if not r["deleted"]},
        "reservation_history": {
            (r["reservation_id"], r["version"]): _without(r, "n") for r in rows("reservation_history")
        },
        "room_day": {(r["room_id"], r["day"]): _without(r, "room_id", "day") for r in used("room_day")},
        "room_month": {(r["room_id"], r["month"]): _without(r, "room_id", "month") for r in used("room_month")},
        "total_day": {r["day"]: _without(r, "day") for r in used("total_day")},
    }


def _numbers(row: dict) -> list[int]:
    """What is counted there."""
    return [row["reservations"], row["reserved_minutes"], *row.get("starts", []), *row.get("minutes", [])]


def _without(row: dict, *names: str) -> dict:
    return {name: value for name, value in row.items() if name not in names}
