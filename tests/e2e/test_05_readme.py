"""The README's tour gives what the README shows. Comes first: it wants the demo in rooms that no other test has touched."""

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
