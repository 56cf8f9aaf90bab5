"""Gradient checkpointing: forget what lies between the layers, and compute it again on the way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accord.core.errors import InputError
from accord.training.base import Model

__all__ = ["recomputed"]


@contextmanager
def recomputed(model: Model, wanted: bool = True) -> Iterator[None]:
    """Within the context, keep only the input of each layer of the backbone, and run the layer again on the way back.

    Memory for activations falls to about one layer's, for one more forward pass; gradients are equal, as the dropout
    masks of the first pass are drawn again.

    Also known as: activation checkpointing, rematerialisation.

    Reference: Chen et al. (2016), arXiv:1604.06174, section 4.1.

    Differs from the paper: every layer is recomputed, not segments of the root of their number.

    Args:
        model: holds a transformers model.
        wanted: False leaves everything as it is.

    Raises:
        InputError: nothing in the model can be recomputed.
    """
    backbones = _backbones(model) if wanted else []
    if wanted and not backbones:
        raise InputError(
            f"`train.gradient_checkpointing` needs a transformer that supports it, and {type(model).__name__} holds "
            "none. Set it to false; chunks keep memory small too."
        )
    fresh = [one for one in backbones if not _on(one)]
    for one in fresh:
        _switch(one, on=True)
    try:
        yield
    finally:
        for one in fresh:
            _switch(one, on=False)


def _on(backbone: Any) -> bool:
    return any(getattr(module, "gradient_checkpointing", False) for module in backbone.modules())


def _switch(backbone: Any, *, on: bool) -> None:
    """Switch recomputing by the name that this release of transformers has for it, and leave no hook behind."""
    name = (
        "activation_checkpointing" if hasattr(backbone, "activation_checkpointing_enable") else "gradient_checkpointing"
    )
    if on:
        getattr(backbone, f"{name}_enable")(**{f"{name}_kwargs": {"use_reentrant": False}})
    else:
        getattr(backbone, f"{name}_disable")()
    if getattr(backbone, "_require_grads_hook", None) is not None:  # only the reentrant kind needs it
        backbone.disable_input_require_grads()


def _backbones(model: Model) -> list[Any]:
    """The outermost transformers models within `model` that know how to recompute."""
    from transformers import PreTrainedModel

    found: list[Any] = []
    inner: set[int] = set()
    for module in model.modules():
        if isinstance(module, PreTrainedModel) and id(module) not in inner and module.supports_gradient_checkpointing:
            found.append(module)
            inner.update(id(below) for below in module.modules())
    return found
