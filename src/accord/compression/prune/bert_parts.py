"""Where BERT and its kin keep what slicing cuts: tables, norms, and the maps of each layer."""

from __future__ import annotations

from typing import Any

from torch import nn

from accord.core.errors import InputError

__all__ = ["PLAIN_FAMILIES", "BertLayer", "BertParts", "check_bert"]

PLAIN_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
"""Post-norm encoders of one layout."""


class BertLayer:
    """The maps of one layer, in the order in which hidden states meet them.

    Args:
        layer: of transformers.
    """

    def __init__(self, layer: Any) -> None:
        own = layer.attention.self
        self.query: nn.Linear = own.query
        self.key: nn.Linear = own.key
        self.value: nn.Linear = own.value
        self.out: nn.Linear = layer.attention.output.dense
        self.up: nn.Linear = layer.intermediate.dense
        self.down: nn.Linear = layer.output.dense


class BertParts:
    """What reads and writes hidden states in one backbone.

    Args:
        backbone: of one of :data:`PLAIN_FAMILIES`.

    Attributes:
        tables: of words, positions and types.
        norms: after the tables, then after attention and feed-forward part of each layer.
        layers: the maps of each layer.
    """

    def __init__(self, backbone: Any) -> None:
        embeddings, layers = backbone.embeddings, list(backbone.encoder.layer)
        self.tables: list[nn.Embedding] = [
            embeddings.word_embeddings,
            embeddings.position_embeddings,
            embeddings.token_type_embeddings,
        ]
        self.norms: list[nn.LayerNorm] = [embeddings.LayerNorm]
        for layer in layers:
            self.norms += [layer.attention.output.LayerNorm, layer.output.LayerNorm]
        self.layers = [BertLayer(layer) for layer in layers]


def check_bert(backbone: Any, method: str) -> None:
    """Refuse other families, and what the layout does not say.

    Raises:
        InputError: naming the family, with those that are supported.
    """
    config = backbone.config
    odd = getattr(config, "position_embedding_type", None) not in {None, "absolute"} or getattr(
        config, "is_decoder", False
    )
    if config.model_type not in PLAIN_FAMILIES or odd:
        kind = f"{config.model_type} as it is set up here" if odd else config.model_type
        raise InputError(f"`{method}` does not support {kind}; only {', '.join(PLAIN_FAMILIES)}.")
