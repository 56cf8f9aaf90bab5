"""Margin-MSE against its formula, its properties, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import MarginMSE
from accord.objectives.distillation.margin_mse import margin_mse

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
TAUGHT = torch.tensor([[9.0, 8.0, 1.0], [3.0, -6.0, 5.0], [7.0, -2.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def test_equals_its_formula():
    """Three negatives count; the temperature 0.1 multiplies margins by ten."""
    expected = (((1.0 - 1.0) ** 2) + ((-3.0 - 9.0) ** 2) + ((-2.0 + 2.0) ** 2)) / 3
    assert margin_mse(SCORES, TAUGHT, ignore=IGNORE, temperature=0.1).item() == pytest.approx(expected, rel=1e-4)


def test_properties():
    scores, taught = (torch.randn(6, 4, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    loss = MarginMSE(temperature=0.7)
    asserts.assert_gradient(lambda s: loss(s, taught.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], taught[order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, taught), scores)
    torch.testing.assert_close(loss(scores, taught + 5.0), loss(scores, taught))
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, TAUGHT, out), SCORES, IGNORE)
    assert MarginMSE()(taught, taught).item() == 0


def test_lists_without_a_negative_are_an_error():
    with pytest.raises(InputError, match="nothing to compare"):
        margin_mse(torch.zeros(3, 1), torch.zeros(3, 1))
