"""The connection breaks at the COMMIT of a switch: `projector rebuild` finds out what has become of it, and tells that."""

import pytest
from support import truth
from support.proxy import CommitProxy, projector_behind
from support.rebuilds import rebuild

LOCK = b"FROM projection.position WHERE generation = $1::integer FOR UPDATE"


@pytest.fixture
def proxy(stack):
    with CommitProxy(stack.postgres.port, b"projection.switch(") as proxy:
        yield proxy


@pytest.fixture
def behind(stack, proxy):
    return projector_behind(stack, proxy)


@pytest.fixture
def generations(pg):
    def states() -> dict[int, str]:
        return dict(pg.execute("SELECT generation, state FROM projection.generation ORDER BY 1").fetchall())

    return states


def serving(generations) -> int:
    (number,) = [number for number, state in generations().items() if state == "serving"]
    return number


def test_a_switch_whose_answer_was_lost_has_been_done(stack, proxy, behind, generations, mysql, pg, caught_up):
    before = serving(generations)
    proxy.cut_after()
    status, told = rebuild(stack, settings=behind)
    assert proxy.done
    assert status == 0, told
    assert (told["before"], told["generation"]) == (before, serving(generations))
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_a_switch_that_never_arrived_is_tried_again(stack, proxy, behind, generations):
    before = serving(generations)
    proxy.cut_before()
    status, told = rebuild(stack, settings=behind)
    assert proxy.done
    assert status == 0, told
    assert (told["before"], told["generation"]) == (before, serving(generations))


def test_a_switch_that_never_gets_through_is_told_and_leaves_nothing(stack, proxy, behind, generations):
    before, last = serving(generations), max(generations())
    proxy.cut_before(times=99)
    status, why = rebuild(stack, settings=behind)
    assert status == 2
    assert "PostgreSQL: " in why
    assert (serving(generations), max(generations())) == (before, last)


def test_a_switch_that_was_never_asked_for_is_no_riddle(stack, generations):
    """The position's lock, which comes before it, is not had; nor would be the one that finds out what has become of it."""
    before, last = serving(generations), max(generations())
    with CommitProxy(stack.postgres.port, LOCK) as proxy:
        proxy.cut_before(times=99999)
        status, why = rebuild(stack, settings=projector_behind(stack, proxy))
    assert not proxy.done and status == 2, why
    assert (serving(generations), max(generations())) == (before, last)


def test_when_nobody_can_be_asked_it_says_so_and_touches_nothing(
    stack, proxy, behind, generations, mysql, pg, caught_up
):
    before = serving(generations)
    proxy.go_away()
    status, why = rebuild(stack, settings=behind)
    now = serving(generations)
    assert status == 3
    assert f"nobody knows whether generation {now} or still {before} serves" in why
    assert now != before
    caught_up()
    assert truth.differences(mysql, pg) == []
