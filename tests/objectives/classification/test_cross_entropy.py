"""CrossEntropy: golden values, plain oracle, properties."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import CrossEntropy
from accord.objectives.classification.cross_entropy import cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_equals_the_slow_oracle(smoothing):
    logits, labels = [[0.3, -1.0, 2.0], [0.0, 0.1, 0.2]], [2, 0]
    wanted = 0.0
    for row, label in zip(logits, labels):
        total = sum(math.exp(z) for z in row)
        for c, z in enumerate(row):
            wanted -= ((1 - smoothing) * (c == label) + smoothing / 3) * math.log(math.exp(z) / total)
    found = cross_entropy(torch.tensor(logits, dtype=torch.float64), torch.tensor(labels), smoothing=smoothing)
    assert found.item() == pytest.approx(wanted / 2, abs=1e-9)


def test_properties():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 2, 1, 0])
    loss = CrossEntropy()
    asserts.assert_gradient(lambda z: loss(z, labels), logits)
    asserts.assert_permutation_invariant(lambda order: loss(logits[order], labels[order]), lambda order: order)
    asserts.assert_shift_invariant(lambda z: loss(z, labels), logits)
    right = torch.nn.functional.one_hot(labels, 4).float()
    asserts.assert_falls_when_right_scores_rise(lambda z: loss(z, labels), logits, right)
    assert loss(torch.zeros(5, 7), torch.arange(5)).item() == pytest.approx(math.log(7))


def test_a_class_without_a_column_is_refused():
    with pytest.raises(InputError, match=r"class numbers from 0 to 2. Got 0 to 3"):
        cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]))
    with pytest.raises(InputError, match="smoothing"):
        CrossEntropy(smoothing=1.5)
