"""AdamW: which weights decay, and that its step is the one written down in the paper."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from accord.core.errors import InputError
from accord.training import AdamW


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))


def test_matrices_decay_and_biases_and_norms_do_not() -> None:
    model = network()
    optimizer = AdamW(weight_decay=0.3).make(model.named_parameters())
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {name: decays[id(p)] for name, p in model.named_parameters()} == {
        "0.weight": 0.3,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
    }


def test_two_steps_equal_the_algorithm_written_out() -> None:
    settings = AdamW(lr=0.1, weight_decay=0.2, beta1=0.8, beta2=0.9, eps=1e-6)
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    optimizer = settings.make([("layer.weight", weight)])
    expected = [1.0, -2.0]
    mean, square = [0.0, 0.0], [0.0, 0.0]
    for step, gradient in enumerate(([0.5, -1.0], [-0.25, 3.0]), start=1):
        for i, g in enumerate(gradient):
            mean[i] = 0.8 * mean[i] + 0.2 * g
            square[i] = 0.9 * square[i] + 0.1 * g * g
            along = (mean[i] / (1 - 0.8**step)) / (math.sqrt(square[i] / (1 - 0.9**step)) + 1e-6)
            expected[i] -= 0.1 * (along + 0.2 * expected[i])
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([expected], dtype=torch.float64), rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("wrong", [{"lr": 0}, {"weight_decay": -1}, {"beta1": 1.0}, {"beta2": -0.1}, {"eps": 0}])
def test_impossible_settings_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        AdamW(**wrong)
