"""Walks through lists while writes go on, shortened; tests/chaos/reads walks longer."""

import pytest
from support import walks

TIMES = 6


@pytest.mark.parametrize("limit", [3, 7])
@pytest.mark.parametrize("walk", walks.WALKS, ids=lambda walk: walk.__name__)
def test_what_stands_still_is_met_exactly_once(walk, limit, command, query):
    walks.Scene(command, query, seed=7).walk(walk, TIMES, limit)
