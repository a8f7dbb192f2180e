"""The README's tour gives what the README shows. Comes first: it wants the demo in rooms that no other test has touched."""

import re

import pytest
from conftest import KEEP
from stacklib import demo, tour

# What is another text at every run, or on every day: ids, tokens, times.
CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r"(?m)^(Date|X-Request-Id|Consistency-Token): .*$", r"\1: …"),
    (r'"request_id": "[0-9a-f]+"', '"request_id": "…"'),
)


def unchanging(text: str) -> str:
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return text.strip()


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
