"""The views for people with psql."""

from support.times import on
from support.waiting import eventually


def test_the_views_show_the_serving_generation_under_fixed_names(command, pg, room, user, caught_up):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    caught_up()
    eventually(lambda: pg.execute("SELECT to_regclass('read_model.reservation_history')").fetchone()[0])
    row = pg.execute(
        "SELECT id::text, room_name, title, version FROM read_model.reservation WHERE id = %s", [booked["id"]]
    )
    assert row.fetchone() == (booked["id"], room["name"], "Planning", 1)
    (kind,) = pg.execute(
        "SELECT kind FROM read_model.reservation_history WHERE reservation_id = %s", [booked["id"]]
    ).fetchone()
    assert kind == "created"


def test_an_administrator_can_write_through_the_views(pg, room, caught_up):
    caught_up()
    eventually(lambda: pg.execute("SELECT to_regclass('read_model.reservation_history')").fetchone()[0])
    assert pg.execute("UPDATE read_model.room SET capacity = capacity WHERE id = %s", [room["id"]]).rowcount == 1
