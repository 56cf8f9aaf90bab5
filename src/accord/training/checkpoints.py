"""Checkpoints that are whole or absent, verified when read, and never a pickle."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from accord.core.errors import InputError
from accord.core.storage import atomic_folder, clear_leftovers, hash_file, read_json, write_json
from accord.training.base import Model

__all__ = ["Checkpoint", "latest_checkpoint", "save_checkpoint", "trained_state"]

log = logging.getLogger(__name__)

FORMAT = "accord-checkpoint/1"
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on as if it had never stopped.

    Args:
        step: optimiser steps done.
        settings: what the run was told, to recognise it.
        weights: parameters and buffers of the model; not those that stand still beside an adapter.
        optimizer: state of each parameter, by number and name; "best/..." keeps the best weights of early stopping,
            "mean/..." their running mean, "objective/..." those that objectives bring along and what balancing
            remembers.
        progress: counters that are plain JSON.
    """

    step: int
    settings: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    progress: Mapping[str, Any]

    def restore(self, model: Model, optimizer: torch.optim.Optimizer) -> None:
        """Put weights and optimiser state back, in place."""
        model.load_state_dict({**model.state_dict(), **self.weights})
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in self.optimizer.items():
            number, _, name = key.partition("/")
            if number.isdigit():
                state.setdefault(int(number), {})[name] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})

    @property
    def best(self) -> dict[str, Tensor]:
        """The best weights so far under early stopping; empty without it."""
        return {k.removeprefix("best/"): t for k, t in self.optimizer.items() if k.startswith("best/")}

    def mean(self, device: torch.device) -> dict[str, Tensor]:
        """The running mean of the weights so far, on a device; empty where they are not averaged."""
        return {k.removeprefix("mean/"): t.to(device) for k, t in self.optimizer.items() if k.startswith("mean/")}

    @property
    def objectives(self) -> dict[str, Tensor]:
        """Weights of the objectives; empty where they have none."""
        return {k.removeprefix("objective/"): t for k, t in self.optimizer.items() if k.startswith("objective/")}


def trained_state(model: Any) -> dict[str, Tensor]:
    """The state of a model without the parameters that need no gradient: they are those of the base."""
    still = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in still}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of a torch optimiser as named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"{number}/{name}": torch.as_tensor(t) for number, entry in state.items() for name, t in entry.items()}


def save_checkpoint(
    folder: Path,
    *,
    step: int,
    settings: Mapping[str, Any],
    model: Model,
    optimizer: torch.optim.Optimizer,
    progress: Mapping[str, Any],
    best: Mapping[str, Tensor],
    mean: Mapping[str, Tensor],
    objectives: Mapping[str, Tensor],
) -> Path:
    """Write `folder`/step-NNNNNNNN atomically and remove all but the last two.

    Raises:
        StorageError: the disk is full; earlier checkpoints are untouched.
    """
    target = folder / f"step-{step:08d}"
    with atomic_folder(target) as partial:
        weights = {name: t.detach().cpu().contiguous() for name, t in trained_state(model).items()}
        state = {k: t.detach().cpu().contiguous() for k, t in optimizer_tensors(optimizer).items()}
        state |= {f"best/{name}": t.detach().cpu().contiguous() for name, t in best.items()}
        state |= {f"mean/{name}": t.detach().cpu().contiguous() for name, t in mean.items()}
        state |= {f"objective/{name}": t.detach().cpu().contiguous() for name, t in objectives.items()}
        save_file(weights, partial / "model.safetensors")
        save_file(state, partial / "optimizer.safetensors")
        files = {name: hash_file(partial / name) for name in ("model.safetensors", "optimizer.safetensors")}
        write_json(
            partial / "state.json",
            {"format": FORMAT, "step": step, "settings": settings, "progress": progress, "files": files},
        )
    for older in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(older)
    return target


def latest_checkpoint(folder: Path, settings: Mapping[str, Any]) -> Checkpoint | None:
    """The newest whole checkpoint in `folder`, or None; a damaged one is reported, set aside and passed over.

    Args:
        folder: of one run.
        settings: of the run that wants to go on.

    Raises:
        InputError: the newest whole checkpoint belongs to a run with other settings.
    """
    clear_leftovers(folder)
    for path in sorted(folder.glob("step-*"), reverse=True):
        damage = _damage(path)
        if damage:
            log.warning("Checkpoint %s is damaged (%s): going back to the one before it.", path.name, damage)
            continue
        state = read_json(path / "state.json")
        _check_same_run(path, state["settings"], settings)
        return Checkpoint(
            step=state["step"],
            settings=state["settings"],
            weights=load_file(path / "model.safetensors"),
            optimizer=load_file(path / "optimizer.safetensors"),
            progress=state["progress"],
        )
    return None


def _damage(path: Path) -> str | None:
    """What is wrong with a checkpoint folder, or None."""
    try:
        state = read_json(path / "state.json")
        if state["format"] != FORMAT:
            return f"format {state['format']} instead of {FORMAT}"
        changed = [name for name, digest in state["files"].items() if hash_file(path / name) != digest]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return str(error)
    return f"{', '.join(changed)} does not match its hash" if changed else None


def _check_same_run(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    counts = before.get("processes", 1), now.get("processes", 1)
    if counts[0] != counts[1]:
        raise InputError(
            f"{path} was written by {counts[0]} process(es), and this run has {counts[1]}: their sums of gradients are "
            f"rounded differently, so it would not end as if it had never stopped. Resume with {counts[0]} "
            f"(`accord fit --processes {counts[0]}`), or choose another output folder."
        )
    different = [key for key in now if before.get(key) != now[key]]
    if different:
        key = different[0]
        raise InputError(
            f"{path} belongs to a run with `{key}` = {before.get(key)!r}, this one has {now[key]!r}. "
            "Resume with the same recipe, or choose another output folder."
        )
