"""A renamed room's reservations follow it, however many there are."""

import pytest
from support.api import unique
from support.waiting import eventually

EACH = 65000  # with two rooms more than two pieces


@pytest.fixture
def crowded(pg, command, caught_up):
    """Two rooms, each with many reservations that only the read model has, and that count nowhere."""
    rooms = [command.create_room(), command.create_room()]
    caught_up()
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"SET search_path TO g{generation}")
    for room in rooms:
        pg.execute(
            "INSERT INTO reservation SELECT gen_random_uuid(), id, name, location, 'nobody', NULL,"
            " timestamptz '2031-01-01' + n * interval '1 hour', timestamptz '2031-01-01 01:00' + n * interval '1 hour',"
            " 'cancelled', 1, false, now(), now() FROM room, generate_series(1, %s) n WHERE id = %s",
            [EACH, room["id"]],
        )
    yield rooms
    pg.execute("DELETE FROM reservation WHERE user_id = 'nobody'")


def test_more_reservations_than_one_piece_holds_are_all_renamed(stack, command, query, pg, crowded):
    """Both at once, as after an outage."""
    stack.stop(["projector"])
    renamed = [command.change_room(room, name=unique("renamed"), location="cellar") for room in crowded]
    stack.start(["projector"])
    eventually(lambda: query.rooms(token=[room.token for room in renamed], wait=10)["items"], 60)
    for room in renamed:
        named = pg.execute(
            "SELECT count(*) FROM reservation WHERE room_id = %s AND (room_name, room_location) = (%s, %s)",
            [room["id"], room["name"], room["location"]],
        )
        assert named.fetchone() == (EACH,)
    unnamed = "SELECT count(*) FROM reservation v JOIN room r ON r.id = v.room_id WHERE v.room_name <> r.name"
    assert pg.execute(unnamed).fetchone() == (0,)
