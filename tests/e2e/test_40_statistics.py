"""Popular rooms and busy hours against counts that the test makes itself, booking by booking and minute by minute.

The bookings lie around the next two changes of the clocks in New York, at odd minutes, some of them across the change.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest
from support import statistics
from support.statistics import Booking
from support.times import clock_changes, moment, text

ZONES = ["UTC", "Asia/Seoul", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]


@pytest.fixture(scope="module")
def changes():
    return clock_changes("America/New_York")


class Scene:
    """Three rooms and their bookings as the test knows them."""

    def __init__(self, command, changes):
        rng = random.Random(2026)
        self.rooms = [command.create_room() for _ in range(3)]
        self.bookings: list[Booking] = []
        self.token = None
        for change in changes:
            for room in self.rooms[:2]:
                self._fill(command, rng, room, change)
        # Over the very hour that comes twice or never.
        for change in changes:
            self._book(command, self.rooms[2], change - timedelta(minutes=95), change + timedelta(minutes=130))

    def _fill(self, command, rng, room, change):
        """Two weeks of bookings one after the other; some are cancelled, some moved."""
        at = change - timedelta(days=7)
        while at < change + timedelta(days=7):
            at += timedelta(minutes=rng.randrange(1, 900))
            length = timedelta(minutes=rng.choice([1, 7, 15, 30, 30, 50, 60, 60, 90, 95, 180, 1441]))
            booked = self._book(command, room, at, at + length)
            at += length
            if rng.random() < 0.15:
                self.token = command.cancel(booked).token
                self.bookings.pop()
            elif rng.random() < 0.15:
                later = timedelta(minutes=rng.randrange(1, 600))
                command_end = at + later
                self.token = command.change(booked, ends_at=text(command_end)).token
                old = self.bookings.pop()
                self.bookings.append(Booking(old.room_id, old.starts_at, command_end))
                at = command_end

    def _book(self, command, room, start, end):
        booked = command.reserve(room, text(start), text(end), "statistician")
        self.bookings.append(Booking(room["id"], start, end))
        self.token = booked.token
        return booked


@pytest.fixture(scope="module")
def scene(command, changes):
    scene = Scene(command, changes)
    assert len(scene.bookings) > 60
    return scene


@pytest.fixture(params=["around", "inside", "quarter"])
def span(request, changes):
    """A range around both changes, one that cuts bookings in two, one of a single quarter-hour."""
    if request.param == "around":
        return changes[0] - timedelta(days=10), changes[1] + timedelta(days=10)
    if request.param == "inside":
        return changes[0] - timedelta(days=3, minutes=45), changes[0] + timedelta(days=4, hours=5, minutes=15)
    return changes[0] - timedelta(minutes=15), changes[0]


def all_bookings(mysql) -> list[Booking]:
    """What the truth has, whoever booked it."""
    with mysql.cursor() as cursor:
        cursor.execute("SELECT room_id, starts_at, ends_at FROM reservation WHERE state = 'confirmed'")
        return [Booking(r, s.replace(tzinfo=UTC), e.replace(tzinfo=UTC)) for r, s, e in cursor.fetchall()]


@pytest.mark.parametrize("by", ["reservations", "minutes"])
def test_popular_rooms_are_counted_and_ranked_right(query, mysql, scene, span, by):
    start, end = span
    bookings = all_bookings(mysql)
    with mysql.cursor() as cursor:
        cursor.execute("SELECT id, name, active FROM room")
        rooms = {number: (name, active) for number, name, active in cursor.fetchall()}
    used = {b.room_id for b in bookings if b.starts_at < end and b.ends_at > start}
    shown = [number for number, (_, active) in rooms.items() if active or number in used]
    pages = query.walk("/v1/rooms/popular", from_=text(start), to=text(end), by=by, limit=100, token=scene.token)
    items = [item for page in pages for item in page]
    expected = statistics.popular(bookings, shown, start, end, by)
    for row in expected:
        row["room_name"] = rooms[row["room_id"]][0]
        row["utilization"] = pytest.approx(row["utilization"], abs=6e-5)
    assert items == expected


def test_one_rooms_popularity_is_that_of_its_bookings(query, scene, span):
    start, end = span
    for room in scene.rooms:
        (item,) = query.popular(text(start), text(end), room_id=room["id"], token=scene.token)["items"]
        (expected,) = statistics.popular(scene.bookings, [room["id"]], start, end, "reservations")
        assert item["reservations"] == expected["reservations"]
        assert item["reserved_minutes"] == expected["reserved_minutes"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("by", ["reservations", "minutes"])
def test_busy_hours_of_all_rooms_are_counted_on_the_local_clock(query, mysql, scene, span, zone, by):
    start, end = span
    answer = query.busy_hours(text(start), text(end), tz=zone, by=by, token=scene.token)
    expected = statistics.busy_hours(all_bookings(mysql), start, end, zone)
    assert answer["tz"] == zone
    assert answer["cells"] == expected.cells()
    assert (answer["busiest_weekday"], answer["busiest_hour"]) == expected.busiest(by)


@pytest.mark.parametrize("zone", ZONES)
def test_busy_hours_of_one_room_are_those_of_its_bookings(query, scene, span, zone):
    start, end = span
    for room in scene.rooms:
        mine = [b for b in scene.bookings if b.room_id == room["id"]]
        answer = query.busy_hours(text(start), text(end), tz=zone, room_id=room["id"], token=scene.token)
        expected = statistics.busy_hours(mine, start, end, zone)
        assert answer["cells"] == expected.cells()
        assert (answer["busiest_weekday"], answer["busiest_hour"]) == expected.busiest("reservations")


def test_an_empty_range_has_no_busiest_hour(query, room):
    answer = query.busy_hours("2020-01-01T00:00Z", "2020-02-01T00:00Z", room_id=room["id"], token=room.token)
    assert len(answer["cells"]) == 168
    assert not any(cell["reservations"] or cell["reserved_minutes"] for cell in answer["cells"])
    assert (answer["busiest_weekday"], answer["busiest_hour"]) == (None, None)


def test_statistics_follow_a_cancellation(command, query, room, changes):
    start = changes[0] + timedelta(days=20)
    end = start + timedelta(hours=1)
    booked = command.reserve(room, text(start), text(end))

    def counted(token):
        (item,) = query.popular(text(start), text(end), room_id=room["id"], token=token)["items"]
        return item["reservations"], item["reserved_minutes"]

    assert counted(booked.token) == (1, 60)
    assert counted(command.cancel(booked).token) == (0, 0)


@pytest.mark.parametrize("path", ["/v1/rooms/popular", "/v1/statistics/busy-hours"])
def test_a_range_has_to_be_there_in_order_and_on_quarter_hours(query, path):
    start, end = "2027-01-01T00:00Z", "2027-02-01T00:00Z"
    assert query.read(path, to=end, expect=400).bad_names == {"from"}
    assert query.read(path, from_=start, expect=400).bad_names == {"to"}
    assert query.read(path, from_="2027-01-01T00:10Z", to=end, expect=422).bad_names == {"from"}
    assert query.read(path, from_=start, to="2027-02-01T00:00:01Z", expect=422).bad_names == {"to"}
    assert query.read(path, from_=end, to=start, expect=422).bad_names
    assert query.read(path, from_=start, to="2037-01-02T00:00Z", expect=422).bad_names
    assert query.read(path, from_=start, to=end, by="colour", expect=400).bad_names == {"by"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "EST5EDT4", "foo+3", "asia/seoul", "+09:00", "", "../UTC"])
def test_a_time_zone_that_is_none_is_named(query, zone):
    answer = query.busy_hours("2027-01-01T00:00Z", "2027-02-01T00:00Z", tz=zone, expect=None)
    assert answer.status in (400, 422)
    assert answer.bad_names == {"tz"}


def test_the_test_itself_counts_a_clock_change_right():
    """The independent count is held against a case counted by hand: 2027-03-14, 02:00 becomes 03:00 in New York."""
    start = moment("2027-03-14T06:30:00Z")
    counted = statistics.busy_hours(
        [Booking(1, start, start + timedelta(hours=1))], start, start + timedelta(days=1), "America/New_York"
    )
    assert counted.minutes == {(7, 1): 30, (7, 3): 30}
    assert counted.starts == {(7, 1): 1}
    assert clock_changes("America/New_York", 1)[0] > datetime.now(UTC)
