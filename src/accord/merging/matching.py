"""Which tensors of several models belong together, and which stay out of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.core.errors import InputError
from accord.merging.folder import ModelFolder
from accord.merging.weight_files import Stored

__all__ = ["match_tensors"]

TIED: Mapping[str, tuple[str, ...]] = {
    "lm_head.weight": ("embed_tokens.weight", "embed_in.weight"),
    "lm_head.decoder.weight": ("word_embeddings.weight",),
    "lm_head.decoder.bias": ("lm_head.bias",),
    "cls.predictions.decoder.weight": ("word_embeddings.weight",),
    "cls.predictions.decoder.bias": ("cls.predictions.bias",),
    "vocab_projector.weight": ("word_embeddings.weight",),
    "decoder.weight": ("tok_embeddings.weight",),
    "embed_out.weight": ("embed_in.weight",),
}
"""Names under which a file may repeat a tensor that the model ties to another."""

BUFFERS = ("position_ids", "token_type_ids", "inv_freq", "masked_bias")
"""Tensors that follow from the configuration; newer releases do not store them."""


def match_tensors(
    experts: Sequence[ModelFolder], base: ModelFolder | None
) -> tuple[dict[str, list[Stored]], dict[str, str]]:
    """Tensors by name, as each model stores them.

    Args:
        experts: of one architecture.
        base: likewise.

    Returns:
        (tensors, left out): for each name the experts' tensors, then the base's where there is one; and names that
        are not in the result, with the reason.

    Raises:
        InputError: a tensor that a model lacks, or has in another shape.
    """
    models = [*experts, *([] if base is None else [base])]
    found = [model.tensors for model in models]
    names = {name: None for tensors in found for name in tensors}
    left_out: dict[str, str] = {}
    matched: dict[str, list[Stored]] = {}
    for name in names:
        partner = _partner(name, found)
        lacking = [model for model, tensors in zip(models, found) if name not in tensors]
        if partner is not None and all(model.tied for model in models):
            left_out[name] = f"repeats {partner}, to which the model ties it"
        elif lacking and name.rpartition(".")[2] in BUFFERS:
            left_out[name] = "follows from the configuration; not all models store it"
        elif lacking and experts[0].kind == "encoder" and _in_pooler(name):
            left_out[name] = (
                "belongs to the backbone's own pooler, which an encoder does not use; not all models have it"
            )
        elif lacking:
            has = next(model for model, tensors in zip(models, found) if name in tensors)
            raise InputError(
                f"{lacking[0].name} lacks the tensor `{name}`, which {has.name} has. Models that are merged must have "
                "the same tensors: save them from the same kind of model."
            )
        else:
            matched[name] = [tensors[name] for tensors in found]
            _check_shapes(name, models, matched[name])
    return matched, left_out


def _partner(name: str, found: Sequence[Mapping[str, Stored]]) -> str | None:
    """The tensor that `name` repeats, if it is the name of a tied one."""
    for ending, partners in TIED.items():
        if name == ending or name.endswith(f".{ending}"):
            for tensors in found:
                same = (other for other in tensors if other != name and other.endswith(partners))
                for other in same:
                    if name not in tensors or tensors[other].shape == tensors[name].shape:
                        return other
    return None


def _in_pooler(name: str) -> bool:
    return name.startswith("pooler.") or ".pooler." in name


def _check_shapes(name: str, models: Sequence[ModelFolder], stored: Sequence[Stored]) -> None:
    for model, one in zip(models, stored):
        if one.shape != stored[0].shape:
            raise InputError(
                f"`{name}` has the shape {list(stored[0].shape)} in {models[0].name} and {list(one.shape)} in "
                f"{model.name}. Only models of one architecture can be merged."
            )
        if one.is_float != stored[0].is_float:
            raise InputError(
                f"`{name}` holds {stored[0].dtype} in {models[0].name} and {one.dtype} in {model.name}. "
                "Convert one of them."
            )
