"""Whether models may be merged: what must be equal in them, found in their configurations alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from accord.core.errors import InputError
from accord.merging.folder import FREE, ModelFolder

__all__ = ["check_agreement", "joint_prompts"]

OF_THE_RESULT = ("prompts", "default prompt", "similarity", "max_length")
"""Traits that the result takes from the experts; the base may have others."""

CURES = {
    "tokenizer": "Numbers of tokens would mean different words. Merge models that share a tokenizer",
    "pooling": "Merge models that pool alike",
    "prompts": "Give them the same prompts in `config_sentence_transformers.json`, or set `prompts: union` where no "
    "name has two texts",
    "max_length": "Set the same length in both, in `sentence_bert_config.json` or `tokenizer_config.json`",
    "similarity": "Set the same one in `config_sentence_transformers.json`",
    "heads": "Merge models with the same modules",
    "labels": "Merge cross-encoders of the same labels in the same order",
}


def check_agreement(
    experts: Sequence[ModelFolder], base: ModelFolder | None, *, prompts: Literal["equal", "union"] = "equal"
) -> list[str]:
    """Refuse models that compute different things from the same weights.

    Args:
        experts: must agree in everything.
        base: must have their architecture and tokenizer; its prompts, similarity and length do not reach the result.
        prompts: "union" accepts prompts that only some experts have.

    Returns:
        What differs in the base, one line each.

    Raises:
        InputError: names both models, what differs, both values and the cure.
    """
    first = experts[0]
    for other in experts[1:]:
        _same_kind(first, other)
        _same(first, other, "modules", first.modules, other.modules)
        _same_config(first, other)
        for name in first.traits.keys() | other.traits.keys():
            if not (name in {"prompts", "default prompt"} and prompts == "union"):
                _same(first, other, name, first.traits.get(name), other.traits.get(name))
    if prompts == "union":
        joint_prompts(experts)
    return [] if base is None else _check_base(first, base)


def joint_prompts(experts: Sequence[ModelFolder]) -> dict[str, str]:
    """The prompts of all experts.

    Raises:
        InputError: a name with two texts, or two defaults.
    """
    found: dict[str, str] = {}
    owner: dict[str, ModelFolder] = {}
    for expert in experts:
        for name, text in expert.traits.get("prompts", {}).items():
            if found.setdefault(name, text) != text:
                _differ(owner[name], expert, f"the prompt `{name}`", found[name], text, "prompts")
            owner.setdefault(name, expert)
    for expert in experts[1:]:
        _same(experts[0], expert, "default prompt", *(m.traits.get("default prompt") for m in (experts[0], expert)))
    return found


def _check_base(first: ModelFolder, base: ModelFolder) -> list[str]:
    _same_kind(first, base)
    _same_config(first, base)
    if first.modules and base.modules:
        _same(first, base, "modules", first.modules, base.modules)
    notes = []
    for name in sorted(first.traits.keys() & base.traits.keys()):
        mine, its = first.traits[name], base.traits[name]
        if name == "prompts":
            clash = next((n for n in sorted(mine.keys() & its.keys()) if mine[n] != its[n]), None)
            if clash is not None:
                _differ(first, base, f"the prompt `{clash}`", mine[clash], its[clash], "prompts")
        if name not in OF_THE_RESULT:
            _same(first, base, name, mine, its)
        elif mine != its:
            notes.append(f"The base {base.name} has {name} {its!r}; the result has that of the models, {mine!r}.")
    return notes


def _same_kind(first: ModelFolder, other: ModelFolder) -> None:
    if first.kind != other.kind:
        raise InputError(
            f"{first.name} is a model of the kind {first.kind}, and {other.name} of the kind {other.kind}. Merge "
            "models of one kind."
        )


def _same_config(first: ModelFolder, other: ModelFolder) -> None:
    for key in sorted(first.config.keys() & other.config.keys(), key=lambda key: (key != "model_type", key)):
        if key in FREE or "dropout" in key:
            continue
        if first.config[key] != other.config[key]:
            _differ(first, other, f"`{key}` in config.json", first.config[key], other.config[key], "architecture")


def _same(first: ModelFolder, other: ModelFolder, name: str, mine: Any, its: Any) -> None:
    if mine == its:
        return
    if name == "tokenizer" and isinstance(mine, Mapping) and isinstance(its, Mapping):
        if not mine or not its:
            return  # one has no tokenizer; nothing to compare
        parts = [part for part in mine.keys() | its.keys() if mine.get(part) != its.get(part)]
        raise InputError(
            f"The tokenizers of {first.name} and {other.name} differ in {', '.join(sorted(parts))}. {CURES[name]}."
        )
    _differ(first, other, name, mine, its, name)


def _differ(first: ModelFolder, other: ModelFolder, what: str, mine: Any, its: Any, cure: str) -> None:
    tail = f" {CURES[cure]}." if cure in CURES else " Only models of one architecture can be merged."
    raise InputError(f"{what} differs: {first.name} has {_plain(mine)}, and {other.name} has {_plain(its)}.{tail}")


def _plain(value: Any) -> str:
    if value is None or value == () or value == [] or value == {}:
        return "none"
    return repr(list(value) if isinstance(value, tuple) else value)
