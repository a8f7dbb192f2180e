"""Times of bookings. All lie in the future of the day on which the tests run, whenever that is."""

import functools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@functools.cache
def today() -> date:
    """The day on which the tests began: it must not change between a booking and the look at it."""
    return datetime.now(UTC).date()


def on(day: int, clock: str) -> str:
    """RFC 3339 text of the time `clock` in UTC, `day` days from today: on(3, "10:00")."""
    return f"{today() + timedelta(days=day)}T{clock}:00Z"


def moment(text: str) -> datetime:
    """The instant that an RFC 3339 text names."""
    return datetime.fromisoformat(text)


def text(instant: datetime) -> str:
    """The instant as the services write it: UTC, with microseconds only where there are some."""
    instant = instant.astimezone(UTC)
    fraction = f".{instant.microsecond:06}" if instant.microsecond else ""
    return f"{instant:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def clock_changes(zone: str, count: int = 2) -> list[datetime]:
    """The next `count` instants at which the clocks of `zone` change, in UTC, two weeks from now at the earliest: so much before
    them can be booked."""
    tz = ZoneInfo(zone)
    found = []
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=14)
    while len(found) < count:
        following = hour + timedelta(hours=1)
        if hour.astimezone(tz).utcoffset() != following.astimezone(tz).utcoffset():
            found.append(following)
        hour = following
    return found
