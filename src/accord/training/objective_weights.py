"""Weights that objectives bring along, such as proxies of classes: trained beside the model, left behind afterwards."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from accord.objectives.base import unwrapped

__all__ = ["add_to_optimizer", "own_copies", "restore_weights", "weights_of"]


def own_copies(objectives: Sequence[nn.Module], device: torch.device) -> list[nn.Module]:
    """The objectives for one run: those with weights as copies on `device`, so that every run starts from the same.

    One whose attribute `trained_in_place` is true is trained itself: whoever made it for this run keeps what it learns.
    """
    return [_own(one).to(device) if _has_weights(one) else one for one in objectives]


def add_to_optimizer(optimizer: torch.optim.Optimizer, objectives: Sequence[nn.Module]) -> None:
    """Train the objectives' weights as well, without decay.

    An objective's `lr_factor`, 1 where it has none, multiplies the learning rate of its weights.
    """
    for objective in objectives:
        weights = [p for p in objective.parameters() if p.requires_grad]
        if weights:
            factor = getattr(unwrapped(objective), "lr_factor", 1.0)
            optimizer.add_param_group({"params": weights, "weight_decay": 0.0, "factor": factor})


def weights_of(objectives: Sequence[nn.Module]) -> dict[str, Tensor]:
    """All of their weights as named tensors: number of the objective, then name."""
    return {f"{k}/{name}": p for k, one in enumerate(objectives) for name, p in one.named_parameters()}


def restore_weights(objectives: Sequence[nn.Module], kept: Mapping[str, Tensor]) -> None:
    """Put the weights of a checkpoint back, in place."""
    with torch.no_grad():
        for name, weight in weights_of(objectives).items():
            weight.copy_(kept[name])


def _own(objective: nn.Module) -> nn.Module:
    return objective if getattr(objective, "trained_in_place", False) else copy.deepcopy(objective)


def _has_weights(objective: nn.Module) -> bool:
    return any(True for _ in objective.parameters())
