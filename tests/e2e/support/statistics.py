"""Popular rooms and busy hours, counted the slow and obvious way: booking by booking, minute by minute."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Booking:
    room_id: int
    starts_at: datetime
    ends_at: datetime


def _minutes_inside(booking: Booking, start: datetime, end: datetime) -> int:
    return max(0, (min(booking.ends_at, end) - max(booking.starts_at, start)) // MINUTE)


def popular(bookings: list[Booking], room_ids, start: datetime, end: datetime, by: str) -> list[dict]:
    """What GET /v1/rooms/popular has to say of these rooms, without their names."""
    rows = []
    for room_id in room_ids:
        mine = [b for b in bookings if b.room_id == room_id]
        minutes = sum(_minutes_inside(b, start, end) for b in mine)
        rows.append(
            {
                "room_id": room_id,
                "reservations": sum(start <= b.starts_at < end for b in mine),
                "reserved_minutes": minutes,
                "utilization": minutes / ((end - start) // MINUTE),
            }
        )
    key = "reservations" if by == "reservations" else "reserved_minutes"
    rows.sort(key=lambda row: (-row[key], row["room_id"]))
    for row in rows:
        row["rank"] = 1 + sum(other[key] > row[key] for other in rows)
    return rows


@dataclass
class BusyHours:
    starts: Counter
    minutes: Counter

    def cells(self) -> list[dict]:
        return [
            {
                "weekday": weekday,
                "hour": hour,
                "reservations": self.starts[weekday, hour],
                "reserved_minutes": self.minutes[weekday, hour],
            }
            for weekday in range(1, 8)
            for hour in range(24)
        ]

    def busiest(self, by: str) -> tuple[int | None, int | None]:
        counted = self.starts if by == "reservations" else self.minutes
        if not counted.total():
            return None, None
        weekdays, hours = Counter(), Counter()
        for (weekday, hour), value in counted.items():
            weekdays[weekday] += value
            hours[hour] += value
        return _first_largest(weekdays), _first_largest(hours)


def _first_largest(counted: Counter) -> int:
    return min(counted, key=lambda key: (-counted[key], key))


def busy_hours(bookings: list[Booking], start: datetime, end: datetime, zone: str) -> BusyHours:
    """The cells of GET /v1/statistics/busy-hours: each minute is looked up on the wall clock of `zone`."""
    tz = ZoneInfo(zone)
    result = BusyHours(Counter(), Counter())
    for booking in bookings:
        if start <= booking.starts_at < end:
            local = booking.starts_at.astimezone(tz)
            result.starts[local.isoweekday(), local.hour] += 1
        minute = max(booking.starts_at, start)
        while minute < min(booking.ends_at, end):
            local = minute.astimezone(tz)
            result.minutes[local.isoweekday(), local.hour] += 1
            minute += MINUTE
    return result
