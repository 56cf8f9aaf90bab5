"""`modules.json` and the configurations of its modules, as sentence-transformers 2 to 6 write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from accord.core.errors import ModelError
from accord.encoders.heads import Dense, LayerNorm, Normalize
from accord.encoders.heads.dense import ACTIVATIONS
from accord.encoders.integrity import check_weights, read_object
from accord.encoders.layer_mix import LayerMix
from accord.encoders.pooling import Cls, Last, Max, Mean, MeanSqrt, Weighted

__all__ = [
    "HEADS",
    "POOLINGS",
    "Module",
    "read_head",
    "read_layer_mix",
    "read_modules",
    "read_pooling",
    "read_text_config",
]

HEADS = ("Dense", "LayerNorm", "Normalize")
KNOWN = ("Transformer", "StaticEmbedding", "WeightedLayerPooling", "Pooling", *HEADS)
BEGINNINGS = (
    ["StaticEmbedding"],
    ["Transformer", "Pooling"],
    ["Transformer", "WeightedLayerPooling", "Pooling"],
)

POOLINGS: dict[str, tuple[str, type[nn.Module]]] = {
    "cls": ("pooling_mode_cls_token", Cls),
    "max": ("pooling_mode_max_tokens", Max),
    "mean": ("pooling_mode_mean_tokens", Mean),
    "mean_sqrt_len_tokens": ("pooling_mode_mean_sqrt_len_tokens", MeanSqrt),
    "weightedmean": ("pooling_mode_weightedmean_tokens", Weighted),
    "lasttoken": ("pooling_mode_lasttoken", Last),
}
"""The name in release 6, the switch before, our class; in the order in which several are concatenated."""

TEXT_CONFIGS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")

UNREADABLE = ("processing_kwargs", "query_length", "document_length", "query_expansion")


@dataclass(frozen=True)
class Module:
    """One row of `modules.json`.

    Args:
        kind: the class's own name, without its module.
        folder: where its configuration and weights are.
    """

    kind: str
    folder: Path


def read_modules(folder: Path) -> list[Module]:
    """The modules of a folder in their order; an empty list where there is no `modules.json`.

    Raises:
        ModelError: a module that accord does not know, or an order that it cannot run.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = [(row["type"], folder / row.get("path", "")) for row in sorted(rows, key=lambda row: row["idx"])]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a list of modules ({error!r}). Save or fetch the model again.") from error
    modules = []
    for kind, place in found:
        name = str(kind).rpartition(".")[2]
        if name not in KNOWN or not str(kind).startswith("sentence_transformers."):
            raise ModelError(f"{path}: the module `{kind}` is not supported. Known: {', '.join(KNOWN)}.")
        modules.append(Module(name, place))
    kinds = [module.kind for module in modules]
    before = [kind for kind in kinds if kind not in HEADS]
    if before not in BEGINNINGS or kinds[: len(before)] != before:
        raise ModelError(
            f"{path}: the modules must be Transformer, perhaps WeightedLayerPooling, Pooling, then heads; or "
            f"StaticEmbedding, then heads. Got {', '.join(kinds)}."
        )
    return modules


def read_text_config(folder: Path) -> dict[str, Any]:
    """`sentence_bert_config.json`, under whichever of its names; empty where there is none.

    Raises:
        ModelError: a model that does not read plain text.
    """
    for family in TEXT_CONFIGS:
        path = folder / f"sentence_{family}_config.json"
        if path.is_file():
            config = read_object(path)
            if "text" not in config.get("modality_config", {"text": None}):
                raise ModelError(f"{path}: this model does not read plain text.")
            if config.get("module_output_name", "token_embeddings") != "token_embeddings":
                raise ModelError(f"{path}: the output {config['module_output_name']!r} is not supported.")
            for key in UNREADABLE:
                if config.get(key):
                    raise ModelError(f"{path}: `{key}` is not supported, as it changes what the model is given.")
            return config
    return {}


def read_pooling(folder: Path) -> tuple[list[nn.Module], bool]:
    """The poolings of `N_Pooling/config.json`, and whether prompts are pooled too.

    Raises:
        ModelError: an unknown pooling.
    """
    path = folder / "config.json"
    config = read_object(path)
    if "pooling_mode" in config:
        wanted = config["pooling_mode"]
        modes = [wanted] if isinstance(wanted, str) else list(wanted)
    else:
        modes = [mode for mode, (switch, _) in POOLINGS.items() if config.get(switch)] or ["mean"]
    for mode in modes:
        if mode not in POOLINGS:
            raise ModelError(f"{path}: the pooling {mode!r} is not supported. Known: {', '.join(POOLINGS)}.")
    return [POOLINGS[mode][1]() for mode in modes], bool(config.get("include_prompt", True))


def read_layer_mix(module: Module, backbone: Any) -> LayerMix:
    """A WeightedLayerPooling with its weights.

    Raises:
        ModelError: a damaged file, or one of a model with another number of layers.
    """
    path = module.folder / "config.json"
    config = read_object(path)
    check_weights(module.folder)
    layers, found = config.get("num_hidden_layers", 12), backbone.config.num_hidden_layers
    if layers != found:
        raise ModelError(f"{path}: `num_hidden_layers` is {layers}, and the model has {found} layers.")
    mix = LayerMix(layers, start=config.get("layer_start", 4))
    _fill(mix, module.folder / "model.safetensors", {"layer_weights": "weights"})
    return mix


def read_head(module: Module) -> nn.Module:
    """A Dense, LayerNorm or Normalize with its weights.

    Raises:
        ModelError: a damaged file or a setting that accord does not know.
    """
    if module.kind == "Normalize":
        return Normalize()
    path = module.folder / "config.json"
    config = read_object(path)
    check_weights(module.folder)
    try:
        head = _dense(config, path) if module.kind == "Dense" else LayerNorm(config["dimension"])
    except KeyError as error:
        raise ModelError(f"{path} lacks {error}. Save or fetch the model again.") from error
    _fill(head, module.folder / "model.safetensors")
    return head


def _dense(config: Mapping[str, Any], path: Path) -> Dense:
    where = config.get("module_input_name", "sentence_embedding")
    if where != "sentence_embedding" or config.get("module_output_name", where) not in {None, where}:
        raise ModelError(f"{path}: a Dense on {where!r} is not supported, only on the pooled vector.")
    if config.get("use_residual"):
        raise ModelError(f"{path}: a Dense with `use_residual` is not supported. Fold the residual into its weights.")
    name = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    known = {kind.__name__: ours for ours, kind in ACTIVATIONS.items()}
    if not name.startswith("torch.nn.") or name.rpartition(".")[2] not in known:
        raise ModelError(f"{path}: the activation `{name}` is not supported. Known: {', '.join(known)}.")
    return Dense(
        config["in_features"],
        config["out_features"],
        bias=config.get("bias", True),
        activation=known[name.rpartition(".")[2]],
    )


def _fill(module: nn.Module, path: Path, names: Mapping[str, str] = MappingProxyType({})) -> None:
    """Weights of a file, under our names for some of theirs."""
    from safetensors.torch import load_file

    try:
        module.load_state_dict({names.get(name, name): tensor for name, tensor in load_file(path).items()})
    except RuntimeError as error:
        raise ModelError(f"{path} does not fit its `config.json`: {error}.") from error
