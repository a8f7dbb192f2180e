"""The README's tour gives what the README shows. Comes first: it wants the demo in rooms that no other test has touched."""

import json

import pytest
from conftest import KEEP
from stacklib import demo, tour
from support.answers import unchanging


@pytest.fixture(scope="module")
def answers(stack, query):
    if KEEP and len(query.rooms(limit=200)["items"]) not in (0, len(demo.ROOMS)):
        pytest.skip("this stack was kept, and other tests have made rooms in it")
    demo.load(stack)
    return tour.run(stack)


def test_every_command_of_the_readme_answers_what_the_readme_shows(answers):
    assert len(answers) >= 8
    for command in answers:
        assert unchanging(command.output) == unchanging(command.shown), command.text


def test_the_tour_can_be_repeated(answers, stack):
    assert [unchanging(c.output) for c in tour.run(stack)] == [unchanging(c.output) for c in answers]


@pytest.mark.parametrize("mark", ["", '{"first_day": "2026-11-16T00:00:00+00:00", "complete": false}'])
def test_a_demo_that_finds_other_rooms_is_left_out_for_good(answers, stack, mysql, mark):
    """The mark of its load is lost, or that load was cut off long ago; its Idempotency-Keys do not count any more."""

    def count(what: str) -> int:
        cursor.execute(f"SELECT COUNT(*) FROM {what}")
        return cursor.fetchone()[0]

    file = stack.dir / "demo.json"
    complete = file.read_text()
    with mysql.cursor() as cursor:
        cursor.execute("DELETE FROM idempotency_key WHERE idem_key LIKE 'demo-%'")
        before = count("reservation_event"), count("room")
        try:
            file.write_text(mark)
            demo.load(stack)
            assert json.loads(file.read_text())["complete"]
        finally:
            file.write_text(complete)
        assert (count("reservation_event"), count("room")) == before
        # Without a mark of its own it does not even ask.
        assert count("idempotency_key WHERE idem_key LIKE 'demo-%'") == (1 if mark else 0)
