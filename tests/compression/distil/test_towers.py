"""Two towers as a scorer of pairs: cosines or a head, each text encoded once."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.compression.distil.towers import Towers
from accord.core.errors import InputError
from accord.objectives import PairHead

LEFT, RIGHT = ["read a file", "open", "read a file"], ["write a row", "close", "open"]


def test_scores_are_cosines_or_the_heads():
    encoder, head = tiny_encoder(layers=1), PairHead(dim=32, hidden=4)
    sides = [encoder.encode(texts) for texts in (LEFT, RIGHT)]
    np.testing.assert_allclose(Towers(encoder).score(LEFT, RIGHT), (sides[0] * sides[1]).sum(1), atol=1e-6)
    with torch.no_grad():
        expected = head.scores(torch.from_numpy(np.stack(sides)))
    found = Towers(encoder, head).score(LEFT, RIGHT)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert found.dtype == np.float32


def test_prompts_belong_to_their_side():
    encoder = tiny_encoder(layers=1)
    found = Towers(encoder, query_prompt="query ", document_prompt="document ").score(LEFT, RIGHT)
    plain = Towers(encoder).score([f"query {text}" for text in LEFT], [f"document {text}" for text in RIGHT])
    np.testing.assert_allclose(found, plain, atol=1e-6)


def test_sides_of_unequal_length_are_refused_and_no_pairs_have_no_scores():
    towers = Towers(tiny_encoder(layers=1))
    assert towers.score([], []).shape == (0,)
    with pytest.raises(InputError, match="3 and 1"):
        towers.score(LEFT, RIGHT[:1])
