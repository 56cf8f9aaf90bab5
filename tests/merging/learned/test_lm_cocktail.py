"""LM-Cocktail: the weights are a softmax of the losses; the temperature decides how much the best expert gets."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from toy_weights import distance_to, flat, toy_models

from accord.core.errors import InputError
from accord.merging.learned import LMCocktail, cocktail_weights


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_the_weights_are_a_softmax(temperature):
    losses = [0.4, 1.7, 0.9]
    wanted = softmax(-np.array(losses) / temperature)
    assert cocktail_weights(losses, temperature=temperature) == pytest.approx(wanted.tolist())


def test_the_mean_of_the_experts_is_weighted_by_their_losses():
    base, experts = toy_models(3, scale=0.1)
    loss = distance_to(experts[1])
    found = LMCocktail(temperature=0.5).learn(base, experts, [loss, loss])
    losses = [float(loss(expert)) for expert in experts]
    assert list(found.losses) == pytest.approx(losses)
    weights = softmax(-np.array(losses) / 0.5)
    wanted = sum(w * flat(expert) for w, expert in zip(weights.tolist(), experts))
    assert torch.allclose(flat(found.weights(base, experts)), wanted, atol=1e-6)


def test_the_base_may_be_one_of_them():
    base, experts = toy_models(2)
    found = LMCocktail(with_base=True, temperature=0.01).learn(base, experts, distance_to(base))
    assert len(found.losses) == 3
    assert torch.allclose(flat(found.weights(base, experts)), flat(base))


def test_a_loss_that_is_no_number_is_named():
    base, experts = toy_models(2)
    with pytest.raises(InputError, match="loss of expert 1 is nan"):
        LMCocktail().learn(base, experts, lambda state: torch.tensor(float("nan")))
    with pytest.raises(InputError, match="temperature"):
        LMCocktail(temperature=0)
