"""Programs that are killed in the middle of their work: nothing is lost and nothing comes twice."""

import random

from support import truth
from support.load import Load, lost
from support.waiting import eventually


def test_a_projector_killed_twenty_times_under_load_loses_and_doubles_nothing(stack, mysql, pg, caught_up):
    rng = random.Random(20)

    def offset() -> int:
        return pg.execute(
            "SELECT next_offset FROM projection.position JOIN projection.generation USING (generation) WHERE state = 'serving'"
        ).fetchone()[0]

    with Load(stack.command_svc.url, writers=4) as load:
        for _ in range(20):
            # Sometimes in its first batch after the start, which is a large one, sometimes well into its work.
            goal = offset() + rng.choice([1, 1, 5, 20, 60])
            eventually(lambda goal=goal: offset() >= goal, seconds=60, interval=0.002)
            stack.projector.kill()
            stack.projector.launch()
    stack.projector.await_ready()
    assert load.problems == []
    assert load.done > 200
    assert lost(load.promised, mysql) == []
    caught_up(60)
    assert truth.differences(mysql, pg) == []


def test_a_command_svc_killed_under_load_loses_no_promise(stack, command, mysql, pg, caught_up):
    promised: dict[str, int] = {}
    for _ in range(3):
        with Load(stack.command_svc.url, writers=4, may_end=True) as load:
            eventually(lambda load=load: load.done > 30, seconds=60)
            stack.command_svc.kill()
        stack.command_svc.start()
        assert load.problems == []
        promised |= load.promised
    assert lost(promised, mysql) == []
    caught_up(60)
    assert truth.differences(mysql, pg) == []


def test_a_query_svc_that_was_killed_answers_again(stack, query):
    before = query.rooms().as_of
    stack.query_svc.kill()
    stack.query_svc.start()
    assert query.rooms().as_of >= before
