"""What reads have to survive, shortened; tests/chaos/reads plays all of it in full, with what test_41 and test_42 do."""

import pytest
from chaos import projector, reads


@pytest.mark.parametrize(
    "act", [reads.generations_switched, reads.postgres_restarted], ids=lambda act: act.__name__
)
def test_no_reader_is_told_anything_wrong(act, stack):
    projector.perform(reads.Play(stack, seed=1, lengths=reads.SHORT), act)
