"""What a projector has to survive, shortened; tests/chaos/projector plays all of it in full."""

import pytest
from chaos import projector

KILLS = 20


@pytest.fixture
def play(stack):
    return projector.Play(stack, seed=1, kills=KILLS)


@pytest.mark.parametrize("act", projector.PLAYS, ids=lambda act: act.__name__)
def test_nothing_is_lost_or_doubled(act, play):
    projector.perform(play, act)
