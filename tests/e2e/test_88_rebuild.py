"""`projector rebuild` and `--rollback`: a generation takes another's place, and nobody who reads or writes notices."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
import requests
from support import programs, truth
from support.api import Command, Query, unique
from support.events import Stream
from support.load import Load
from support.outages import down, reconnects
from support.rebuilds import OF_A_ROLL_BACK, STEPS, Rebuild, no_analyze, rebuild, stopped_in_analyze
from support.times import on
from support.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture
def generations(pg):
    """Each generation's state."""

    def states() -> dict[int, str]:
        return dict(pg.execute("SELECT generation, state FROM projection.generation ORDER BY 1").fetchall())

    return states


@pytest.fixture
def serving(pg):
    def number() -> int:
        return pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()[0]

    return number


@pytest.fixture
def schemas(pg):
    def names() -> set[str]:
        return {name for (name,) in pg.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^g[0-9]+$'")}

    return names


@pytest.fixture
def booked(command, mysql, room, user, caught_up):
    """Reservations of every fate: changed, cancelled, deleted; a room renamed."""
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    booked = command.change(booked, title="Planning, again", ends_at=on(2, "11:30"))
    command.cancel(command.reserve(room, on(3, "10:00"), on(3, "11:00"), user), "no more")
    deleted = command.reserve(room, on(4, "22:00"), on(5, "02:00"), user)
    with mysql.cursor() as cursor:
        cursor.execute("DELETE FROM reservation WHERE id = UUID_TO_BIN(%s)", (deleted["id"],))
    command.change_room(room, name=unique("renamed"), location="2nd floor")
    caught_up()
    return booked


class Readers:
    """Read as long as they are let, and remember what no reader should ever see: an error, freshness or a version that
    moves back, a write of their own that is not there."""

    def __init__(self, stack, count: int = 2):
        self.stack = stack
        self.reads = 0
        self.problems: list[str] = []
        self._stop = threading.Event()
        works = [self._watch] * count + [self._write_and_read]
        self._threads = [threading.Thread(target=self._run, args=(work,), daemon=True) for work in works]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, work) -> None:
        try:
            work(Query(self.stack.query_svc.url))
        except (AssertionError, requests.RequestException) as error:
            self.problems.append(repr(error))

    def _watch(self, query) -> None:
        """Whole answers, none older than one before."""
        as_of, versions = "", {}
        while not self._stop.is_set():
            answers = [query.rooms(limit=200), query.popular("2026-01-01T00:00Z", "2028-01-01T00:00Z")]
            answers += [query.reservations(f"load-{n}", limit=200) for n in range(3)]
            for answer in answers:
                assert answer.as_of >= as_of, f"as_of moved back from {as_of} to {answer.as_of}"
                as_of = answer.as_of
                assert answer["items"], "an empty read model"
                self.reads += 1
            for item in [item for answer in answers[2:] for item in answer["items"]]:
                assert item["version"] >= versions.get(item["id"], 0), f"a version moved back: {item}"
                assert item["room_name"], item
                versions[item["id"]] = item["version"]

    def _write_and_read(self, query) -> None:
        """Each write is there when it is asked for, exactly as it was answered."""
        command, user = Command(self.stack.command_svc.url), unique("reader")
        room, n = command.create_room(), 0
        while not self._stop.is_set():
            written = command.reserve(room, on(2 + n, "10:00"), on(2 + n, "11:00"), user, title=str(n))
            for _ in range(3):
                read = query.reservation(written, token=written.token)
                assert {name: read[name] for name in written} == dict(written)
                history = query.read(f"/v1/reservations/{written['id']}/history", token=written.token)
                assert [item["version"] for item in history["items"]] == list(range(written["version"], 0, -1))
                written = command.change(written, title=unique("title"))
                self.reads += 2
            n += 1


def test_a_generation_built_from_the_truth_takes_the_place_of_the_old_one(
    stack, mysql, pg, query, booked, serving, generations
):
    before, as_of = serving(), query.rooms().as_of
    status, told = rebuild(stack)
    assert status == 0, told
    assert (told["before"], told["generation"]) == (before, serving())
    assert generations()[before] == "retired"
    assert truth.differences(mysql, pg) == []
    assert query.reservation(booked)["title"] == "Planning, again"
    assert query.rooms().as_of >= as_of
    assert query.read("/v1/projection")["generation"] == serving()


def test_for_people_it_says_how_far_it_is_and_how_it_ended(stack, booked, tmp_path):
    with Rebuild(stack, tmp_path) as one:
        assert one.wait() == 0
        assert tuple(one.steps) == STEPS
        assert " serves in place of " in one.log.read_text()


def test_on_a_terminal_one_line_is_written_over(stack, booked):
    ours, theirs = os.openpty()
    with programs.launch(stack, "projector", "rebuild", output=theirs) as process:
        os.close(theirs)
        told = b"".join(iter(lambda: _read_terminal(ours), b""))
        assert process.wait(60) == 0
    os.close(ours)
    assert b"\r\x1b[Kverify" in told and b"lvl=" not in told
    assert b" serves in place of " in told.splitlines()[-1]


def _read_terminal(file: int) -> bytes:
    try:
        return os.read(file, 4096)
    except OSError:  # EIO: nobody has it open any more
        return b""


def test_it_has_the_same_keys_and_indexes_as_any_other(stack, pg, booked, serving):
    def made(generation: int) -> list[str]:
        rows = pg.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = %(schema)s UNION ALL"
            " SELECT conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = %(schema)s::regnamespace",
            {"schema": f"g{generation}"},
        )
        return sorted(row[0].replace(f"g{generation}.", "") for row in rows)

    pg.execute("SELECT projection.create_generation('none', 0, NULL)")
    try:
        (whole,) = pg.execute("SELECT max(generation) FROM projection.generation").fetchone()
        pg.execute("SELECT projection.count_months(%s)", [whole])  # as it would be before it serves
        assert rebuild(stack)[0] == 0
        assert made(serving()) == made(whole)
    finally:
        pg.execute(f"DROP SCHEMA g{whole} CASCADE")
        pg.execute("DELETE FROM projection.position WHERE generation = %s", [whole])
        pg.execute("DELETE FROM projection.generation WHERE generation = %s", [whole])


def test_readers_and_writers_notice_nothing(stack, mysql, pg, query, booked, serving, caught_up):
    with Load(stack.command_svc.url, writers=3) as load:
        eventually(lambda: load.done > 100, seconds=60)
        caught_up(60)
        with Readers(stack) as readers, Stream(query.url) as stream:
            for flags in ((), (), ("--rollback",), ("--rollback",)):
                done, reads = load.done, readers.reads
                status, told = rebuild(stack, *flags)
                assert status == 0, told
                now = f"{serving()}-"
                eventually(lambda now=now: _resets(stream) and _resets(stream)[-1].id.startswith(now))
                eventually(lambda done=done: load.done > done + 20, seconds=60)
                eventually(lambda reads=reads: readers.reads > reads + 20 or readers.problems, seconds=60)
            caught_up(60)
            stream.wait_for(len(_resets(stream)) + 1)
    assert load.problems == []
    assert readers.problems == []
    caught_up(60)
    assert truth.differences(mysql, pg) == []


def _resets(stream) -> list:
    return [event for event in stream.events if event.kind == "reset"]


def test_the_projector_goes_over_at_once(stack, query, booked, mysql, command, room, user):
    """It does not take the one who has moved the position for another projector."""
    offset = stack.projector.log.stat().st_size
    assert rebuild(stack)[0] == 0
    written = command.reserve(room, on(9, "10:00"), on(9, "11:00"), user)
    assert query.reservation(written, token=written.token, wait=10)["version"] == 1
    logged = stack.projector.log.read_bytes()[offset:].decode()
    assert "another generation serves: going over to it" in logged
    assert "standing by" not in logged


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_leaves_nothing_behind_that_the_next_one_does_not_mend(
    stack, mysql, pg, query, booked, tmp_path, step, serving, schemas, caught_up
):
    with Rebuild(stack, tmp_path) as one:
        one.await_step(step)
        one.kill()
    assert query.reservation(booked)["title"] == "Planning, again"
    assert rebuild(stack)[0] == 0
    assert schemas() == {f"g{serving()}", f"g{_retired(pg)}"}
    caught_up()
    assert truth.differences(mysql, pg) == []


def _retired(pg) -> int:
    ((number,),) = pg.execute("SELECT generation FROM projection.generation WHERE state <> 'serving'").fetchall()
    return number


def test_what_one_that_was_killed_still_waits_for_keeps_nobody_out(stack, booked, tmp_path):
    """PostgreSQL notices that nobody waits for a statement any more, however long that takes."""
    with ExitStack() as held:
        held.enter_context(no_analyze(stack))
        with Rebuild(stack, tmp_path) as one:
            one.await_held()
            one.kill()
        with Rebuild(stack, tmp_path) as other:
            one.await_undone()
            held.close()
            assert other.wait() == 0


@pytest.mark.parametrize("step", OF_A_ROLL_BACK)
def test_a_roll_back_that_was_killed_can_be_made_again(
    stack, mysql, pg, booked, tmp_path, step, serving, caught_up
):
    assert rebuild(stack)[0] == 0
    before, now = _retired(pg), serving()
    with Rebuild(stack, tmp_path, "--rollback") as one:
        one.await_step(step)
        one.kill()
        one.await_undone()  # what it had sent is done without it, the switch, too
    if serving() == now:
        assert rebuild(stack, "--rollback")[0] == 0
    assert serving() == before
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_the_generation_before_comes_back_with_all_that_was_written_since(
    stack, mysql, pg, command, query, room, user, booked, serving, generations, caught_up
):
    first = serving()
    assert rebuild(stack)[0] == 0
    written = command.reserve(room, on(9, "10:00"), on(9, "11:00"), user)
    status, told = rebuild(stack, "--rollback")
    assert status == 0, told
    assert (serving(), generations()[told["before"]]) == (first, "retired")
    assert query.reservation(written, token=written.token)["version"] == 1
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_a_generation_that_differs_from_the_truth_does_not_come_back(
    stack, pg, query, booked, serving, generations
):
    damaged = serving()
    status, told = rebuild(stack)
    assert status == 0, told
    pg.execute(f"UPDATE g{damaged}.reservation SET title = 'x' WHERE id = %s", [booked["id"]])
    status, why = rebuild(stack, "--rollback")
    assert status == 1
    assert f"reservation {booked['id']} differs" in why
    assert f"generation {damaged} differs from the truth in 1 places" in why
    assert (serving(), generations()[damaged]) == (told["generation"], "retired")
    assert query.reservation(booked)["title"] == "Planning, again"


def test_a_new_generation_that_differs_from_the_truth_does_not_serve(
    stack, pg, query, booked, serving, tmp_path, generations
):
    before = serving()
    with stopped_in_analyze(stack, tmp_path) as one:
        assert "verify" not in one.steps
        (new,) = [number for number, state in generations().items() if state == "building"]
        assert pg.execute(f"DELETE FROM g{new}.reservation WHERE id = %s", [booked["id"]]).rowcount == 1
        one.go_on()
        assert one.wait() == 1
        assert f"reservation {booked['id']} is missing" in one.log.read_text()
    assert serving() == before
    assert new not in generations()
    assert query.reservation(booked)["title"] == "Planning, again"


def test_there_is_one_rebuild_at_a_time(stack, booked, tmp_path):
    with stopped_in_analyze(stack, tmp_path) as one:
        with ThreadPoolExecutor() as pool:
            for status, why in pool.map(lambda flags: rebuild(stack, *flags), [(), ("--rollback",)]):
                assert status == 2
                assert "another rebuild is at work" in why
        one.go_on()
        assert one.wait() == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"RR_KAFKA_BOOTSTRAP": "127.0.0.1:{port}"}, "Kafka: 127.0.0.1:"),
        ({"RR_MYSQL_PORT": "{port}"}, "MySQL at 127.0.0.1:"),
        (
            {
                "RR_PG_CONNINFO": "host=127.0.0.1 port={port} dbname=reservations user=x",
                "RR_PG_CONNINFO_FILE": None,
            },
            "PostgreSQL: ",
        ),
    ],
    ids=["kafka", "mysql", "postgres"],
)
def test_it_says_which_server_is_away(stack, booked, serving, settings, reason):
    before, port = serving(), programs.free_port()
    status, why = rebuild(
        stack, settings={name: value and value.format(port=port) for name, value in settings.items()}
    )
    assert status == 2
    assert reason in why
    assert serving() == before


@pytest.mark.parametrize(("server", "reason"), [("mysql", "MySQL"), ("postgres", "PostgreSQL")])
def test_a_server_that_goes_away_in_the_middle_is_named_and_the_next_one_succeeds(
    stack, mysql, query, booked, tmp_path, server, reason, caught_up
):
    with reconnects(query), stopped_in_analyze(stack, tmp_path) as one, down(stack, server, "stopped"):
        one.go_on()
        assert one.wait() == 2
        assert f"projector: {reason}" in one.log.read_text()
    mysql.connect()
    caught_up(PATIENCE_SECONDS)
    assert rebuild(stack)[0] == 0
    assert query.reservation(booked)["title"] == "Planning, again"


def test_a_generation_that_is_being_built_is_not_taken_for_the_serving_one(
    stack, pg, query, booked, serving, tmp_path
):
    """A projector that starts meanwhile goes on with the serving one."""
    before = serving()
    with stopped_in_analyze(stack, tmp_path) as one:
        stack.restart(["projector"])
        assert (serving(), query.read("/v1/projection")["generation"]) == (before, before)
        with pytest.raises(psycopg.DatabaseError, match="cannot serve"):
            pg.execute(
                "SELECT projection.serve(max(generation)) FROM projection.generation WHERE state = 'building'"
            )
        one.go_on()
        assert one.wait() == 0
    assert serving() > before


def test_a_table_that_somebody_reads_is_dropped_by_the_next_one(stack, pg, booked, serving, schemas, tmp_path):
    oldest = serving()
    assert rebuild(stack)[0] == 0
    with psycopg.connect(stack.env["RR_PG_ADMIN_CONNINFO"]) as reader:
        reader.execute(f"SELECT count(*) FROM g{oldest}.reservation")
        with Rebuild(stack, tmp_path) as one:
            assert one.wait() == 0
        assert "old generations are left to the next rebuild" in one.log.read_text()
        assert f"g{oldest}" in schemas()
    assert rebuild(stack)[0] == 0
    assert f"g{oldest}" not in schemas()


def test_what_a_stale_projector_has_in_hand_for_the_old_generation_is_not_written(stack, pg, booked, serving):
    old = serving()
    (epoch,) = pg.execute("SELECT parked_epoch FROM projection.position WHERE generation = %s", [old]).fetchone()
    assert rebuild(stack)[0] == 0
    for guess in (epoch, epoch + 1):
        with pytest.raises(psycopg.DatabaseError, match="has retired|has moved"):
            pg.execute(
                "SELECT projection.advance(%s, p.next_offset, p.next_offset + 1, %s, NULL, NULL, false)"
                " FROM projection.position p WHERE generation = %s",
                [old, guess, old],
            )
