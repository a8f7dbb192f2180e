"""Who waits while another generation takes over writes nothing into the one that has retired, and is told so."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from support import programs
from support.takeover import Takeover
from support.times import on
from support.topic import Topic, reservation_key
from support.waiting import eventually


@pytest.fixture
def takeover(stack):
    with Takeover(stack) as takeover:
        yield takeover


@pytest.fixture
def booked(command, room, user, caught_up):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    caught_up()
    return booked


@pytest.mark.parametrize(
    "call",
    [("retry", "{id}"), ("retry", "--all"), ("skip", "{id}", "--reason", "a test"), ("resume",)],
    ids=["retry", "retry all", "skip", "resume"],
)
def test_dead_letters_of_a_generation_that_retires_meanwhile_stay_as_they_are(
    stack, command, pg, letters, booked, takeover, call
):
    Topic(stack).send(reservation_key(booked), "{")
    command.change(booked, title="Later")
    (first, _) = letters.wait(booked, 2)
    pg.execute("SELECT projection.halt(%s, 'breaker', 'a test')", [takeover.generation])
    takeover.hold()
    with ThreadPoolExecutor(1) as pool:
        verb = pool.submit(letters.run, *(word.format(id=first["id"]) for word in call), expect=2)
        takeover.await_one_who_waits()
        takeover.switch()
        ended = verb.result()
    assert f"generation {takeover.generation} has retired, and another one serves: run it again" in ended.stderr
    assert "applied: " not in ended.stdout
    states = "SELECT array_agg(DISTINCT state) FROM projection.dead_letter WHERE generation = %s"
    assert pg.execute(states, [takeover.generation]).fetchone() == (["parked"],)
    version = f"SELECT version FROM g{takeover.generation}.reservation WHERE id = %s"
    assert pg.execute(version, [booked["id"]]).fetchone() == (1,)
    halted = "SELECT halted FROM projection.position WHERE generation = %s"
    assert pg.execute(halted, [takeover.generation]).fetchone() == ("breaker",)


def test_a_generation_that_retires_before_its_repair_is_not_repaired(stack, pg, query, booked, takeover):
    """The comparison is held up twice: before it reads, and where it reads nothing that a projector writes all the time."""
    title = f"SELECT title FROM g{takeover.generation}.reservation WHERE id = %s"
    pg.execute(f"UPDATE g{takeover.generation}.reservation SET title = 'x' WHERE id = %s", [booked["id"]])
    with psycopg.connect(stack.env["RR_PG_ADMIN_CONNINFO"]) as reader, ThreadPoolExecutor(1) as pool:
        takeover.hold()
        verb = pool.submit(programs.run, stack, "projector", "verify", "--repair", seconds=240)
        takeover.await_one_who_asks("SELECT p.next_offset FROM projection.position%")
        reader.execute(f"LOCK TABLE g{takeover.generation}.total_day IN ACCESS EXCLUSIVE MODE")
        takeover.let_go()
        takeover.await_one_who_waits(("relation",))
        takeover.hold()
        reader.rollback()
        takeover.await_one_who_waits()
        takeover.switch()
        ended = verb.result()
    assert ended.returncode == 2
    assert f"generation {takeover.generation} has retired, and another one serves: run it again" in ended.stderr
    assert pg.execute(title, [booked["id"]]).fetchone() == ("x",)
    assert programs.run(stack, "projector", "verify", "--repair", seconds=240).returncode == 0
    assert query.reservation(booked)["title"] == "Planning"


def test_a_batch_that_waited_for_the_switch_is_refused_by_the_raised_epoch(stack, pg, takeover):
    """It sees the row of the position as it is now, and the state of the generation as it was before it waited."""

    def stale(offset: int, epoch: int) -> None:
        with psycopg.connect(stack.env["RR_PG_ADMIN_CONNINFO"]) as late:
            late.execute(
                "SELECT projection.advance(%s, %s, %s, %s, NULL, NULL, false)",
                [takeover.generation, offset, offset + 1, epoch],
            )

    stack.stop(["projector"])
    try:
        offset, epoch = takeover.hold()
        with ThreadPoolExecutor(1) as pool:
            batch = pool.submit(stale, offset, epoch)
            takeover.await_one_who_waits()
            takeover.switch()
            with pytest.raises(psycopg.DatabaseError) as refused:
                batch.result()
        assert refused.value.sqlstate == "RR001"
        position = "SELECT next_offset, parked_epoch FROM projection.position WHERE generation = %s"
        assert pg.execute(position, [takeover.generation]).fetchone() == (offset, epoch + 1)
    finally:
        stack.start(["projector"])
    eventually(lambda: pg.execute(position, [takeover.generation]).fetchone() == (offset, epoch + 1))
