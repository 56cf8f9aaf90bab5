"""BinaryCrossEntropy: golden values, plain oracle, properties."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import BinaryCrossEntropy
from accord.objectives.classification.binary_cross_entropy import binary_cross_entropy


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_equals_the_slow_oracle(weight):
    scores, labels = [-1.3, 0.2, 2.5, 0.0], [0.0, 1.0, 0.7, 0.5]
    sigmoid = [1 / (1 + math.exp(-s)) for s in scores]
    wanted = [-weight * y * math.log(p) - (1 - y) * math.log(1 - p) for p, y in zip(sigmoid, labels)]
    found = binary_cross_entropy(*torch.tensor([scores, labels], dtype=torch.float64), positive_weight=weight)
    assert found.item() == pytest.approx(sum(wanted) / 4, abs=1e-9)


def test_properties():
    scores = torch.randn(6, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    loss = BinaryCrossEntropy(positive_weight=2.0)
    asserts.assert_gradient(lambda s: loss(s, labels.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], labels[order]), lambda order: order)
    asserts.assert_falls_when_right_scores_rise(lambda s: loss(s, labels), scores, labels)
    assert torch.isfinite(loss(torch.tensor([-1e4, 1e4]), torch.tensor([1.0, 0.0])))


def test_scores_outside_the_unit_interval_are_refused():
    with pytest.raises(InputError, match=r"must lie in \[0, 1\]. Got 0 to 5"):
        binary_cross_entropy(torch.zeros(2), torch.tensor([0.0, 5.0]))
    with pytest.raises(InputError, match="positive_weight"):
        BinaryCrossEntropy(positive_weight=0)
