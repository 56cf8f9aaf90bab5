"""Which way attention runs, as a backbone's configuration says: how to read it and how to switch it."""

from __future__ import annotations

from typing import Any

from torch import nn

from accord.core.checks import check_choice

__all__ = ["DIRECTIONS", "asked_direction", "built_causal", "needed_transformers", "switch_attention"]

DIRECTIONS = ("bidirectional", "causal")

OWN_SWITCH = frozenset({"gemma3_text"})
"""Families whose own `use_bidirectional_attention` works; elsewhere it is ignored, or heeded by some masks only."""


def asked_direction(config: Any) -> str | None:
    """The direction that a configuration asks for in so many words; None where it leaves it to the architecture.

    >>> from types import SimpleNamespace
    >>> asked_direction(SimpleNamespace(is_causal=False)), asked_direction(SimpleNamespace())
    ('bidirectional', None)
    """
    if getattr(config, "is_causal", None) is False or getattr(config, "use_bidirectional_attention", None) is True:
        return "bidirectional"
    return None


def switch_attention(config: Any, direction: str) -> Any:
    """A configuration that asks for a direction; what is built from it must still be looked at.

    A decoder becomes bidirectional by `is_causal: false`, which transformers reads from 5.2 on and which
    sentence-transformers therefore loads equally; Gemma 3 by its own switch.

    Args:
        config: of a transformers model; it is not changed.
        direction: "bidirectional" or "causal".

    Raises:
        InputError: another direction.
    """
    check_choice("attention", direction, DIRECTIONS)
    values = config.to_dict()
    values.pop("is_causal", None)
    own = config.model_type in OWN_SWITCH
    if "use_bidirectional_attention" in values:
        values["use_bidirectional_attention"] = own and direction == "bidirectional"
    if direction == "bidirectional" and not own:
        values["is_causal"] = False
    return type(config).from_dict(values)


def needed_transformers(config: Any) -> str | None:
    """The oldest transformers that heeds what a configuration asks for, as a version specifier; None if any does.

    >>> from types import SimpleNamespace
    >>> needed_transformers(SimpleNamespace(is_causal=False))
    '>=5.2'
    """
    if getattr(config, "is_causal", None) is False:
        return ">=5.2"
    return ">=4.56.2" if asked_direction(config) else None


def built_causal(backbone: nn.Module) -> bool:
    """Whether any layer of a backbone is of a kind that looks backwards only, unless its configuration says else."""
    return any(getattr(module, "is_causal", False) is True for module in backbone.modules())
