"""`projector verify` and `--repair`: every kind of damage is found, named and mended, also while writes go on."""

import json

import pytest
from support import programs, truth
from support.load import Load
from support.times import on
from support.waiting import eventually


def verify(stack, *flags, settings=None):
    """The exit status and what was told."""
    ended = programs.run(stack, "projector", "verify", "--json", *flags, settings=settings, seconds=240)
    assert not programs.UNSOUND.search(ended.stderr), ended.stderr[-8000:]
    if ended.returncode == 2:
        return 2, {"why": ended.stderr, "differences": None, "differences_left": None}
    return ended.returncode, json.loads(ended.stdout)


@pytest.fixture
def model(pg):
    """Runs SQL on the serving generation's tables."""
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"SET search_path TO g{generation}")

    def run(statement, *arguments):
        assert pg.execute(statement, arguments).rowcount > 0, "the damage hit no row"

    return run


@pytest.fixture
def booked(command, mysql, room, user, caught_up):
    """A reservation with three versions; others in the same room that were cancelled and deleted."""
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    booked = command.change(booked, title="Planning, again")
    booked = command.change(booked, ends_at=on(2, "11:30"))
    command.cancel(command.reserve(room, on(3, "10:00"), on(3, "11:00"), user), "no more")
    deleted = command.reserve(room, on(4, "22:00"), on(5, "02:00"), user)
    with mysql.cursor() as cursor:
        cursor.execute("DELETE FROM reservation WHERE id = UUID_TO_BIN(%s)", (deleted["id"],))
    caught_up()
    return booked


def test_an_undamaged_read_model_equals_the_truth(stack, booked):
    status, told = verify(stack)
    assert (status, told["differences"]) == (0, [])
    assert told["reservations"] > 0 and told["events"] > told["reservations"] and told["rooms"] > 0
    assert told["room_days"] > 0 and told["days_read"] == 0, "the checksums of days are PostgreSQL's"


@pytest.fixture
def other_checksums(pg):
    """PostgreSQL with another hash function of arrays."""
    pg.execute("ALTER FUNCTION pg_catalog.hash_array_extended(anyarray, bigint) RENAME TO hash_array_original")
    pg.execute(
        "CREATE FUNCTION pg_catalog.hash_array_extended(anyarray, bigint) RETURNS bigint IMMUTABLE STRICT"
        " LANGUAGE sql AS 'SELECT hash_array_original($1, $2) # 1'"
    )
    yield
    pg.execute("DROP FUNCTION pg_catalog.hash_array_extended(anyarray, bigint)")
    pg.execute("ALTER FUNCTION pg_catalog.hash_array_original(anyarray, bigint) RENAME TO hash_array_extended")


def test_where_postgres_has_other_checksums_the_numbers_are_compared(stack, pg, model, booked, other_checksums):
    status, told = verify(stack)
    assert (status, told["differences"]) == (0, [])
    assert told["days_read"] > told["room_days"] > 0
    model(
        "UPDATE room_day SET starts[7] = starts[7] + 1 WHERE room_id = %s AND reservations > 0", booked["room_id"]
    )
    status, told = verify(stack, "--repair")
    assert (status, [d["place"] for d in told["differences"]]) == (0, ["room_day"])


def test_for_people_it_says_so_in_a_line(stack, booked):
    ended = programs.run(stack, "projector", "verify", seconds=120)
    assert ended.returncode == 0
    assert " equals the truth of " in ended.stdout


def test_it_says_when_it_could_not_tell(stack, booked):
    status, told = verify(stack, settings={"RR_MYSQL_PORT": str(programs.free_port())})
    assert status == 2
    assert "could not tell: MySQL" in told["why"]


OF_THE_RESERVATION = "WHERE id = %(id)s"
OF_ITS_HISTORY = "WHERE reservation_id = %(id)s AND version = 2"
DAMAGE = {
    "row missing": (f"DELETE FROM reservation {OF_THE_RESERVATION}", "reservation", "missing"),
    "row extra": (
        "INSERT INTO reservation SELECT gen_random_uuid(), room_id, room_name, room_location, user_id, title, starts_at,"
        f" ends_at, state, version, deleted, created_at, updated_at FROM reservation {OF_THE_RESERVATION}",
        "reservation",
        "extra",
    ),
    "row stale": (
        f"UPDATE reservation SET version = 2, ends_at = ends_at - interval '30 minutes' {OF_THE_RESERVATION}",
        "reservation",
        "stale",
    ),
    "title": (f"UPDATE reservation SET title = 'Plannimg, again' {OF_THE_RESERVATION}", "reservation", "differs"),
    "title gone": (f"UPDATE reservation SET title = NULL {OF_THE_RESERVATION}", "reservation", "differs"),
    "state": (f"UPDATE reservation SET state = 'cancelled' {OF_THE_RESERVATION}", "reservation", "differs"),
    "unknown state": (f"UPDATE reservation SET state = 'maybe' {OF_THE_RESERVATION}", "reservation", "differs"),
    "user": (f"UPDATE reservation SET user_id = user_id || 'x' {OF_THE_RESERVATION}", "reservation", "differs"),
    "room": (f"UPDATE reservation SET room_id = room_id + 1000000 {OF_THE_RESERVATION}", "reservation", "differs"),
    "end": (f"UPDATE reservation SET ends_at = '9999-12-31Z' {OF_THE_RESERVATION}", "reservation", "differs"),
    "start before all": (
        f"UPDATE reservation SET starts_at = '-infinity' {OF_THE_RESERVATION}", "reservation", "differs",
    ),
    "end of nothing": (f"UPDATE reservation SET ends_at = 'infinity' {OF_THE_RESERVATION}", "reservation", "differs"),
    "start after all": (
        f"UPDATE reservation SET starts_at = 'infinity', ends_at = 'infinity' {OF_THE_RESERVATION}", "reservation", "differs",
    ),
    "start of the history": (
        f"UPDATE reservation_history SET starts_at = '-infinity', ends_at = 'infinity' {OF_ITS_HISTORY}",
        "reservation_history",
        "differs",
    ),
    "microsecond": (
        f"UPDATE reservation SET updated_at = updated_at + interval '1 microsecond' {OF_THE_RESERVATION}",
        "reservation",
        "differs",
    ),
    "hidden": (f"UPDATE reservation SET deleted = true {OF_THE_RESERVATION}", "reservation", "differs"),
    "version from nowhere": (f"UPDATE reservation SET version = 99 {OF_THE_RESERVATION}", "reservation", "differs"),
    "room name": (f"UPDATE reservation SET room_name = 'elsewhere' {OF_THE_RESERVATION}", "reservation", "differs"),
    "history gap": (f"DELETE FROM reservation_history {OF_ITS_HISTORY}", "reservation_history", "missing"),
    "history of nothing": (
        "INSERT INTO reservation_history (reservation_id, version, kind, recorded_at, recorded_by, changes, room_id, user_id,"
        " starts_at, ends_at, state) SELECT gen_random_uuid(), version, kind, recorded_at, recorded_by, changes, room_id,"
        f" user_id, starts_at, ends_at, state FROM reservation_history {OF_ITS_HISTORY}",
        "reservation_history",
        "extra",
    ),
    "version too many": (
        "INSERT INTO reservation_history (reservation_id, version, kind, recorded_at, recorded_by, changes, room_id, user_id,"
        " starts_at, ends_at, state) SELECT reservation_id, 4, kind, recorded_at, recorded_by, changes, room_id,"
        f" user_id, starts_at, ends_at, state FROM reservation_history {OF_ITS_HISTORY}",
        "reservation_history",
        "extra",
    ),
    "changes": (
        f"UPDATE reservation_history SET changes = '{{}}' {OF_ITS_HISTORY}", "reservation_history", "differs",
    ),
    "kind": (f"UPDATE reservation_history SET kind = 'created' {OF_ITS_HISTORY}", "reservation_history", "differs"),
    "reason": (f"UPDATE reservation_history SET reason = 'none' {OF_ITS_HISTORY}", "reservation_history", "differs"),
    "recorded by": (
        f"UPDATE reservation_history SET recorded_by = 'nobody' {OF_ITS_HISTORY}", "reservation_history", "differs",
    ),
    "room renamed": ("UPDATE room SET name = name || '?' WHERE id = %(room_id)s", "room", "differs"),
    "room stale": ("UPDATE room SET version = version - 1 WHERE id = %(room_id)s", "room", "stale"),
    "room ahead": ("UPDATE room SET version = version + 1 WHERE id = %(room_id)s", "room", "differs"),
    "room missing": ("DELETE FROM room WHERE id = %(room_id)s", "room", "missing"),
    "room extra": ("INSERT INTO room SELECT id + 1000000, name, location, capacity, active, version, created_at, updated_at"
                   " FROM room WHERE id = %(room_id)s", "room", "extra"),
    "day missing": ("DELETE FROM room_day WHERE room_id = %(room_id)s AND reservations > 0", "room_day", "missing"),
    "day": (
        "UPDATE room_day SET reservations = reservations + 1 WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hour": (
        "UPDATE room_day SET minutes[41] = 14, minutes[42] = 16 WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hours swapped": (
        "UPDATE room_day SET starts[41] = starts[42], starts[42] = starts[41] + 1, starts[43] = -1"
        " WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hours in two dimensions": (
        "UPDATE room_day SET minutes = (SELECT array_agg(ARRAY[m]) FROM unnest(minutes) AS m)"
        " WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hours counted from 0": (
        "UPDATE room_day SET minutes = ('[0:95]=' || minutes::text)::smallint[] WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hour null": (
        "UPDATE room_day SET starts[1] = NULL WHERE room_id = %(room_id)s AND reservations > 0", "room_day", "differs",
    ),
    "quarter-hours none": (
        "UPDATE room_day SET starts = '{}' WHERE room_id = %(room_id)s AND reservations > 0", "room_day", "differs",
    ),
    "quarter-hour too many": (
        "UPDATE room_day SET starts = starts || 0::smallint WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "quarter-hours lost": (
        "UPDATE room_day SET starts = starts[2:] WHERE room_id = %(room_id)s AND reservations > 0", "room_day", "differs",
    ),
    "day of nothing": (
        "INSERT INTO room_day SELECT room_id, day + 10000, reservations, reserved_minutes, starts, minutes FROM room_day"
        " WHERE room_id = %(room_id)s AND reservations > 0",
        "room_day",
        "differs",
    ),
    "month": (
        "UPDATE room_month SET reserved_minutes = reserved_minutes + 1 WHERE room_id = %(room_id)s AND reservations > 0",
        "room_month",
        "differs",
    ),
    "month missing": ("DELETE FROM room_month WHERE room_id = %(room_id)s", "room_month", "differs"),
    "total": ("UPDATE total_day SET reserved_minutes = reserved_minutes - 5 WHERE day = (SELECT max(day) FROM total_day)",
              "total_day", "differs"),
    "total counted from 0": (
        "UPDATE total_day SET starts = ('[0:95]=' || starts::text)::integer[] WHERE reservations > 0", "total_day", "differs",
    ),
    "total's quarter-hour": ("UPDATE total_day SET minutes[96] = 70000 WHERE reservations > 0", "total_day", "differs"),
    "total missing": ("DELETE FROM total_day WHERE reservations > 0", "total_day", "missing"),
}  # fmt: skip


OF_ALL_ROOMS = ("total", "total counted from 0", "total's quarter-hour", "total missing")


def where(difference) -> tuple:
    """Place, kind, and the reservation or room of a difference."""
    return (
        difference["place"],
        difference["kind"],
        difference.get("reservation_id") or difference.get("room_id"),
    )


def test_every_kind_of_damage_is_found_and_repaired(stack, command, pg, mysql, model, user, caught_up):
    """Each in a room of its own, all at once: a comparison waits for a pulse."""
    names = [name for name in DAMAGE if name not in OF_ALL_ROOMS]
    booked = {}
    for name in names:
        first = command.reserve(command.create_room(), on(2, "10:00"), on(2, "11:00"), user, title="Planning")
        second = command.change(first, title="Planning, again")
        booked[name] = command.change(second, ends_at=on(2, "11:30"))
    caught_up()
    for name in names:
        cursor = pg.execute(DAMAGE[name][0], {"id": booked[name]["id"], "room_id": booked[name]["room_id"]})
        assert cursor.rowcount > 0, name
    status, told = verify(stack)
    assert status == 1
    found = {where(difference) for difference in told["differences"]}
    for name in names:
        _, place, kind = DAMAGE[name]
        keys = (booked[name]["id"], booked[name]["room_id"], booked[name]["room_id"] + 1000000)
        somewhere_else = name in ("row extra", "history of nothing")
        assert any((place, kind, key) in found for key in keys) or somewhere_else, (name, told)
    assert [d[2] for d in found if d[:2] == ("reservation", "extra")], "the extra row"
    assert set(told["repaired"].values()) == {0}
    status, told = verify(stack, "--repair")
    assert (status, told["equal"], told["differences_left"]) == (0, True, 0), told
    assert truth.differences(mysql, pg) == []


@pytest.mark.parametrize("name", OF_ALL_ROOMS)
def test_damage_to_what_counts_all_rooms_is_found_and_repaired(stack, pg, mysql, model, booked, name):
    statement, place, kind = DAMAGE[name]
    model(statement)
    status, told = verify(stack, "--repair")
    assert (place, kind) in {(d["place"], d["kind"]) for d in told["differences"]}, told
    assert (status, told["differences_left"]) == (0, 0), told
    assert truth.differences(mysql, pg) == []


def test_an_emptied_read_model_is_filled_again(stack, pg, mysql, model, booked):
    pg.execute("TRUNCATE room, reservation, reservation_history, room_day, total_day")
    status, _ = verify(stack, "--repair")
    assert status == 0
    assert truth.differences(mysql, pg) == []


def test_months_are_emptied_with_all_their_days(stack, pg, model, booked):
    pg.execute("TRUNCATE room_day")
    assert pg.execute("SELECT sum(reservations + reserved_minutes) FROM room_month").fetchone() == (None,)
    status, told = verify(stack, "--repair")
    places = {difference["place"] for difference in told["differences"]}
    assert "room_day" in places and "room_month" not in places
    assert (status, told["differences_left"]) == (0, 0), told


def test_a_repaired_event_keeps_its_place_in_the_stream_of_events(stack, pg, model, booked):
    def numbers():
        rows = pg.execute(
            "SELECT version, n FROM reservation_history WHERE reservation_id = %s ORDER BY version", [booked["id"]]
        )
        return dict(rows.fetchall())

    before = numbers()
    model("DELETE FROM reservation_history WHERE reservation_id = %s AND version = 2", booked["id"])
    assert verify(stack, "--repair")[0] == 0
    after = numbers()
    assert (after[1], after[3]) == (before[1], before[3])
    assert after[2] > before[3]


def test_while_writes_go_on_an_undamaged_read_model_equals_the_truth(stack, mysql, pg, caught_up):
    with Load(stack.command_svc.url, writers=4) as load:
        for _ in range(6):
            done = load.done
            status, told = verify(stack)
            assert (status, told["differences"]) == (0, []), told
            assert load.done > done
    assert load.problems == []
    caught_up(60)
    assert truth.differences(mysql, pg) == []


def test_damage_is_repaired_while_writes_go_on(stack, mysql, pg, model, booked, caught_up):
    with Load(stack.command_svc.url, writers=4) as load:
        for name in ("row missing", "row stale", "history gap", "room renamed", "day", "total", "room name"):
            pg.execute(DAMAGE[name][0], {"id": booked["id"], "room_id": booked["room_id"]})
        model("UPDATE room_day SET reserved_minutes = 0 WHERE reserved_minutes > 0 AND room_id %% 2 = 0")
        status, told = verify(stack, "--repair")
        assert (status, told["differences_left"]) == (0, 0), told
    assert load.problems == []
    caught_up(60)
    assert truth.differences(mysql, pg) == []


@pytest.fixture
def watching(stack, tmp_path):
    """The projector, with a comparison by itself every second, in place of the stack's."""
    stack.stop(["projector"])
    try:
        with programs.Program(stack, "projector", tmp_path, RR_VERIFY_INTERVAL_S="1") as program:
            yield program
    finally:
        stack.start(["projector"])


def test_the_service_compares_by_itself_and_raises_an_alarm(stack, model, booked, watching):
    def differences():
        return watching.client.metrics().value("rr_projector_verify_differences")

    eventually(lambda: watching.client.metrics().value("rr_projector_verified_timestamp_seconds") > 0, seconds=60)
    assert differences() == 0
    model("UPDATE reservation SET title = 'x' WHERE id = %s", booked["id"])
    eventually(lambda: differences() == 1, seconds=60)
    assert "ALARM: the read model differs from the truth" in watching.log.read_text()
    assert verify(stack, "--repair")[0] == 0
    eventually(lambda: differences() == 0, seconds=60)


def test_after_a_comparison_that_differed_the_next_one_comes_sooner(stack, model, booked, tmp_path):
    """The first one comes when a 24th of the interval is over."""
    settings = {"RR_VERIFY_INTERVAL_S": "240", "RR_VERIFY_AGAIN_S": "1"}
    model("UPDATE reservation SET title = 'x' WHERE id = %s", booked["id"])
    stack.stop(["projector"])
    try:
        with programs.Program(stack, "projector", tmp_path, **settings) as program:

            def differences():
                return program.client.metrics().value("rr_projector_verify_differences")

            eventually(lambda: differences() == 1, seconds=150)
            assert verify(stack, "--repair")[0] == 0
            eventually(lambda: differences() == 0, seconds=60)
    finally:
        stack.start(["projector"])


def test_an_unproven_log_is_proven_by_a_comparison_that_ends_equal(stack, pg, mysql, model, booked, watching):
    def unproven():
        return pg.execute(
            "SELECT count(unproven_since) FROM projection.position JOIN projection.generation USING (generation)"
            " WHERE state = 'serving'"
        ).fetchone()[0]

    model("UPDATE reservation SET title = 'x' WHERE id = %s", booked["id"])
    model(
        "UPDATE projection.position p SET unproven_since = now() FROM projection.generation g"
        " WHERE g.generation = p.generation AND g.state = 'serving'"
    )
    eventually(lambda: unproven() == 0, seconds=120)
    assert truth.differences(mysql, pg) == []


def test_while_the_log_is_unproven_nothing_is_deleted_and_that_is_an_alarm(stack, pg, model, booked, projector):
    """It may be the truth that was set back: an operator has to say."""

    def halted():
        return pg.execute(
            "SELECT halted FROM projection.position JOIN projection.generation USING (generation) WHERE state = 'serving'"
        ).fetchone()[0]

    pg.execute(DAMAGE["version too many"][0], {"id": booked["id"]})
    model("UPDATE projection.position SET unproven_since = now()")
    try:
        eventually(lambda: halted() == "rewound", seconds=120)
        eventually(lambda: projector.metrics().value("rr_projector_rewound") == 1, seconds=30)
        assert not projector.is_ready()
        row = "SELECT count(*) FROM reservation_history WHERE reservation_id = %s AND version = 4"
        assert pg.execute(row, [booked["id"]]).fetchone()[0] == 1
    finally:
        model(
            "UPDATE projection.position SET unproven_since = NULL, halted = NULL, halted_at = NULL, halted_reason = NULL"
        )
    assert verify(stack, "--repair")[0] == 0
    eventually(projector.is_ready, seconds=30)
