"""Putting low-rank adapters on an encoder, and folding them into it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import nn

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.random import torch_generator
from accord.encoders.adapters.low_rank import LoRALinear
from accord.encoders.fingerprint import hash_tensors

__all__ = ["ATTENTION", "Adapter", "attach", "folded", "linear_layers", "replace_linear"]

AnyEncoder = TypeVar("AnyEncoder")

ATTENTION = (
    *("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),  # BERT, RoBERTa
    *("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"),  # MPNet
    *("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),  # DistilBERT
    *("attn.Wqkv", "attn.Wo"),  # ModernBERT
    *("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),  # decoders
)
"""The projections of attention: of queries, keys and values, and out, under the names that backbones give them."""


@dataclass(frozen=True)
class Adapter:
    """Low-rank adapters that sit on an encoder.

    Args:
        encoder: what they sit on.
        base: SHA-256 over the weights of its backbone without them.
        rank: of each.
        alpha: as they were made.
        dropout: as they were made.
        rslora: as they were made.
        targets: ends of the names of the adapted layers.
        frozen: names of the parameters that stopped training for them.
    """

    encoder: Any = field(repr=False)
    base: str
    rank: int
    alpha: float
    dropout: float
    rslora: bool
    targets: tuple[str, ...]
    frozen: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def layers(self) -> dict[str, LoRALinear]:
        """The adapted layers, by their names in the backbone."""
        named = self.encoder.backbone.named_modules()
        return {name: module for name, module in named if isinstance(module, LoRALinear)}

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(layer.down.numel() + layer.up.numel() for layer in self.layers.values())

    def fold(self) -> None:
        """Put plain linear layers with the same outputs back, in place; the encoder can be trained whole again."""
        fold(self.encoder)
        self._thaw()

    def remove(self) -> None:
        """Take the adapters off, in place: the encoder is what it was before."""
        for name, layer in self.layers.items():
            replace_linear(self.encoder.backbone, name, layer.base)
        self._thaw()

    def _thaw(self) -> None:
        for name, parameter in self.encoder.named_parameters():
            parameter.requires_grad_(name in self.frozen or parameter.requires_grad)


def attach(
    encoder: Any,
    *,
    rank: int,
    alpha: float,
    dropout: float = 0.0,
    rslora: bool = False,
    targets: Sequence[str] = (),
    seed: int = 0,
) -> Adapter:
    """Put an adapter on each chosen linear layer of an encoder's backbone, in place, and stop training all else.

    Args:
        encoder: with a transformer as its `backbone`.
        rank: of each adapter.
        alpha: an adapter's output is scaled by alpha / rank.
        dropout: of what an adapter sees.
        rslora: scale by alpha / sqrt(rank) instead.
        targets: whole names of layers or ends of them, such as "query" or "attention.self.query"; the projections of
            attention when empty.
        seed: of the adapters' first weights.

    Raises:
        InputError: adapters are there already, or a target that names no linear layer.
    """
    backbone = encoder.backbone
    if any(isinstance(module, LoRALinear) for module in encoder.modules()):
        raise InputError("This encoder carries an adapter already. Fold it first, or take it off.")
    chosen = _choose(backbone, targets)
    base = hash_tensors(backbone.state_dict())
    frozen = frozenset(name for name, parameter in encoder.named_parameters() if parameter.requires_grad)
    encoder.requires_grad_(False)
    for name, layer in chosen.items():
        generator = torch_generator(seed, "lora", name)
        made = LoRALinear(layer, rank=rank, alpha=alpha, dropout=dropout, rslora=rslora, generator=generator)
        replace_linear(backbone, name, made)
    renamed = {name: _moved(name, chosen) for name in frozen}
    ends = tuple(end for end in (targets or ATTENTION) if any(_ends(name, end) for name in chosen))
    return Adapter(encoder, base, rank, alpha, dropout, rslora, ends, frozenset(frozen | set(renamed.values())))


def folded(encoder: AnyEncoder) -> AnyEncoder:
    """The encoder itself where it carries no adapter, else a copy with its adapters folded into its weights."""
    modules = encoder.modules() if isinstance(encoder, nn.Module) else ()
    if not any(isinstance(module, LoRALinear) for module in modules):
        return encoder
    plain = copy.deepcopy(encoder)
    fold(plain)
    return plain


def fold(encoder: Any) -> None:
    """Fold every adapter of an encoder, in place."""
    for name, module in list(encoder.backbone.named_modules()):
        if isinstance(module, LoRALinear):
            replace_linear(encoder.backbone, name, module.fold())


def linear_layers(backbone: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a backbone, by name."""
    return {name: module for name, module in backbone.named_modules() if isinstance(module, nn.Linear)}


def replace_linear(backbone: nn.Module, name: str, layer: nn.Module) -> None:
    """Put `layer` in the place called `name`."""
    owner, _, last = name.rpartition(".")
    setattr(backbone.get_submodule(owner), last, layer)


def _choose(backbone: nn.Module, targets: Sequence[str]) -> dict[str, nn.Linear]:
    known = linear_layers(backbone)
    if isinstance(targets, str):
        raise InputError(f"`targets` must be a list of names. Got the text {targets!r} instead: write [{targets}].")
    for target in targets:
        if not any(_ends(name, target) for name in known):
            ends = sorted({end for name in known for end in _name_ends(name)})
            raise InputError(
                f"`targets` must name linear layers of this {type(backbone).__name__}. Got {target!r} instead."
                f"{did_you_mean(target, ends)} Known ends: {', '.join(sorted({n.rpartition('.')[2] for n in known}))}."
            )
    chosen = {n: m for n, m in known.items() if any(_ends(n, target) for target in (targets or ATTENTION))}
    if not chosen:
        words = f"its linear layers end with {', '.join(sorted({n.rpartition('.')[2] for n in known}))}"
        raise InputError(
            f"No projections of attention were found in this {type(backbone).__name__}: "
            f"{words if known else 'it has no linear layers'}. Name some by `targets`."
        )
    return chosen


def _ends(name: str, target: str) -> bool:
    """As peft matches: the whole name, or its last parts."""
    return name == target or name.endswith(f".{target}")


def _name_ends(name: str) -> Iterator[str]:
    parts = name.split(".")
    for start in range(len(parts)):
        end = parts[start:]
        if not any(part.isdigit() for part in end):
            yield ".".join(end)


def _moved(name: str, chosen: dict[str, nn.Linear]) -> str:
    """The name of a parameter once its layer is wrapped."""
    owner, _, last = name.rpartition(".")
    return f"{owner}.base.{last}" if owner.removeprefix("backbone.") in chosen else name
