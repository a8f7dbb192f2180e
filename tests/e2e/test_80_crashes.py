"""Programs that are killed in the middle of their work: nothing is lost and nothing comes twice."""

from support import truth
from support.load import Load, lost
from support.waiting import eventually


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
