"""Cosine regression against its formula, its properties, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import CosineRegression
from accord.objectives.regression.cosine_regression import cosine_regression


def test_equals_its_formula():
    scores, labels = torch.tensor([0.5, -0.2, 1.0]), torch.tensor([4.0, 0.0, 5.0])
    expected = ((0.5 - 0.8) ** 2 + 0.2**2 + 0) / 3
    assert cosine_regression(scores, labels, top=5.0).item() == pytest.approx(expected, abs=1e-6)


def test_properties():
    scores, labels = torch.rand(6, generator=torch.Generator().manual_seed(0)), torch.linspace(-1, 1, 6)
    loss = CosineRegression()
    asserts.assert_gradient(lambda s: loss(s, labels.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], labels[order]), lambda order: order)
    assert loss(labels, labels).item() == 0


def test_gold_scores_that_no_cosine_reaches_are_an_error():
    with pytest.raises(InputError, match="Set it to the largest"):
        CosineRegression()(torch.zeros(2), torch.tensor([0.0, 4.5]))
