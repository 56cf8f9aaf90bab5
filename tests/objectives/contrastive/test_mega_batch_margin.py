"""The margin loss with the hardest document of a batch: a slow oracle, properties, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import MegaBatchMargin
from accord.objectives.contrastive.mega_batch_margin import mega_batch_margin


def slow_margins(scores, ignore, high, low):
    """One query at a time, in plain Python."""
    total = 0.0
    for i, row in enumerate(scores):
        wrong = [s for j, s in enumerate(row) if j != i and not ignore[i][j]]
        total += max(0.0, high - row[i]) + (max(0.0, max(wrong) - low) if wrong else 0.0)
    return total / len(scores)


@pytest.mark.parametrize("docs", [4, 7])
def test_equals_the_slow_oracle(docs):
    generator = torch.Generator().manual_seed(docs)
    scores = torch.rand(4, docs, generator=generator, dtype=torch.float64)
    ignore = torch.rand(4, docs, generator=generator) < 0.3
    found = mega_batch_margin(scores, ignore=ignore, positive_margin=0.7, negative_margin=0.2)
    assert found.item() == pytest.approx(slow_margins(scores.tolist(), ignore.tolist(), 0.7, 0.2), abs=1e-10)


def test_properties():
    loss = MegaBatchMargin()
    scores = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))
    asserts.assert_gradient(loss, scores)
    asserts.assert_permutation_invariant(loss, lambda order: scores[order][:, order])
    asserts.assert_falls_when_right_scores_rise(loss, scores, torch.eye(6))


def test_a_batch_without_negatives_is_an_error():
    with pytest.raises(InputError, match="without a negative"):
        mega_batch_margin(torch.zeros(1, 1))
