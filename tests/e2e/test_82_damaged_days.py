"""A day of the read model that cannot be read any more stops nobody: it is counted again from its reservations, and told."""

import pytest
from support import truth
from support.times import on
from support.topic import Topic, reservation_key

DAMAGE = {
    "no quarter-hours": "UPDATE room_day SET starts = '{}' WHERE room_id = %(room)s",
    "a quarter-hour of nothing": "UPDATE room_day SET minutes[41] = NULL WHERE room_id = %(room)s",
    "of all rooms": "UPDATE total_day SET minutes = '{}' WHERE day = %(day)s",
    "of all rooms and of each": (
        "WITH each AS (UPDATE room_day SET starts = '{}', minutes = '{}' WHERE day = %(day)s)"
        " UPDATE total_day SET starts = '{1,NULL}' WHERE day = %(day)s"
    ),
}


@pytest.fixture
def damage(pg):
    """Runs SQL on the serving generation's tables."""
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"SET search_path TO g{generation}")

    def run(statement: str, **values) -> None:
        assert pg.execute(statement, values).rowcount > 0, "the damage hit no row"

    return run


@pytest.fixture
def mended(projector, stack):
    """How many days have been counted again since the test began."""

    def count() -> float:
        return projector.metrics().value("rr_projector_days_mended_total")

    before, offset = count(), stack.projector.log.stat().st_size

    def mended() -> tuple[float, int]:
        told = (
            stack.projector.log.read_bytes()[offset:].decode().count("ALARM: a day of the read model was damaged")
        )
        return count() - before, told

    return mended


@pytest.fixture
def booked(command, room, user, caught_up):
    """Beside one in another room, that day."""
    command.reserve(command.create_room(), on(2, "10:00"), on(2, "11:00"), user)
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    caught_up()
    return booked


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_day_is_counted_again_and_the_booking_goes_through(
    command, query, booked, room, user, damage, mended, mysql, pg, caught_up, statement
):
    damage(statement, room=room["id"], day=on(2, "10:00")[:10])
    again = command.reserve(room, on(2, "11:00"), on(2, "12:00"), user)
    query.reservation(again, token=again.token, wait=10)
    changed = command.change(booked, title="Planning, again")
    query.reservation(changed, token=changed.token, wait=10)
    moved = command.change(changed, starts_at=on(2, "09:45"))
    query.reservation(moved, token=moved.token, wait=10)
    caught_up()  # and what was counted in a batch before has been told
    days, told = mended()
    assert days == told > 0
    assert truth.differences(mysql, pg) == []


def test_so_is_a_damaged_day_that_a_booking_leaves(
    command, query, booked, room, damage, mended, mysql, pg, caught_up
):
    damage(DAMAGE["no quarter-hours"], room=room["id"])
    moved = command.change(booked, starts_at=on(3, "10:00"), ends_at=on(3, "11:00"))
    query.reservation(moved, token=moved.token, wait=10)
    caught_up()
    assert mended() == (1, 1)
    assert truth.differences(mysql, pg) == []


def test_so_is_one_that_a_retry_meets(stack, command, query, booked, letters, damage, mysql, pg, caught_up):
    Topic(stack).send(reservation_key(booked), "{")
    moved = command.change(booked, starts_at=on(2, "09:45"))
    (first, _) = letters.wait(booked, 2)
    damage(DAMAGE["of all rooms and of each"], day=on(2, "10:00")[:10])
    assert "applied: 2; still parked: 0" in letters.run("retry", str(first["id"])).stdout
    assert query.reservation(booked)["version"] == moved["version"]
    caught_up()
    assert truth.differences(mysql, pg) == []
