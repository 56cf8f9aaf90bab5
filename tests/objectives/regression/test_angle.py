"""AnglE against complex numbers in plain Python, its properties, and what it refuses."""

import inspect
import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import AnglE
from accord.objectives.regression.angle import angle

LABELS = torch.tensor([0.0, 1.0, 1.0, 3.0, 2.0, 0.5])


def slow_angle(embeddings, labels, temperature):
    """Each pair as a product of complex numbers, then two pairs at a time."""

    def score(x, y):
        half = len(x) // 2
        x, y = ([v / math.sqrt(sum(w * w for w in side)) for v in side] for side in (x, y))
        products = [complex(x[k], x[half + k]) * complex(y[k], y[half + k]).conjugate() for k in range(half)]
        return abs(sum(p.real + p.imag for p in products))

    scores = [score(x, y) for x, y in zip(*embeddings)]
    n = range(len(labels))
    wrong = [math.exp((scores[j] - scores[i]) / temperature) for i in n for j in n if labels[i] > labels[j]]
    return math.log(1 + sum(wrong))


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_equals_complex_numbers(temperature):
    sides = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = angle(sides, LABELS.double(), temperature=temperature)
    assert found.item() == pytest.approx(slow_angle(sides.tolist(), LABELS.tolist(), temperature), abs=1e-9)


def test_properties():
    sides = torch.randn(2, 6, 7, generator=torch.Generator().manual_seed(0))  # an odd dimension
    loss = AnglE(temperature=0.5)
    asserts.assert_gradient(lambda x: loss(x, LABELS.double()), sides)
    asserts.assert_permutation_invariant(lambda order: loss(sides[:, order], LABELS[order]), lambda order: order)
    asserts.assert_scale_invariant(lambda x: loss(x, LABELS), sides)


def test_vectors_of_one_side_and_equal_gold_scores_are_errors():
    with pytest.raises(InputError, match="two sides"):
        inspect.unwrap(angle)(torch.zeros(3, 4), torch.arange(3.0))  # without the check of shapes in tests
    with pytest.raises(InputError, match="no order to learn"):
        AnglE()(torch.ones(2, 3, 4), torch.ones(3))
